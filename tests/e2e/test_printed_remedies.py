"""The commands that messages print about libraries, the catalogue and stored images."""

from __future__ import annotations

import os
import re
import shlex
import zipfile
from pathlib import Path

import pytest

from tests.e2e.command import FAST
from tests.e2e.shell import STORE, printed, shell
from tests.pictures import exhibits
from tests.postgresql import PostgreSQL
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.standin import StandIn

pytestmark = pytest.mark.slow


def test_the_installation_of_a_library(tmp_path: Path, environment: dict[str, str]) -> None:
    failing = shlex.join(["scrapy", "crawl", "bing_wallpaper", "-s", "IMAGES_STORE=gs://bucket"])
    failed = shell(failing, tmp_path, environment)
    assert failed.status == 1
    command = printed(failed.log, "which is not installed:")
    wheel("google_cloud_storage", tmp_path)
    environment |= {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path),
        "PIP_TARGET": str(tmp_path / "libraries"),
        "PIP_CONFIG_FILE": os.devnull,
    }
    assert shell(command, tmp_path, environment).status == 0
    assert (tmp_path / "libraries/google_cloud_storage.py").is_file()


def wheel(name: str, folder: Path) -> None:
    """Write a wheel with an empty module."""
    information = f"{name}-1.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1-py3-none-any.whl", "w") as file:
        file.writestr(f"{name}.py", "")
        file.writestr(
            f"{information}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n"
        )
        file.writestr(
            f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{information}/RECORD", "")


def test_the_folder_of_a_catalogue(tmp_path: Path, environment: dict[str, str]) -> None:
    with StandIn(exhibits(1)) as standin:
        words = ("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *FAST)
        catalogue = ("-s", "WALLPAPERS_CATALOGUE=sqlite:///no such/folder/c.db")
        failed = shell(shlex.join(["scrapy", *words, *catalogue]), tmp_path, environment)
        assert failed.status == 5
        (command,) = re.findall(r"ERROR: .*or run: (.*?); stored wallpapers are kept", failed.log)
        assert shell(command, tmp_path, environment).status == 0
        command = printed(failed.log, "to continue, run again:")
        assert shell(command, tmp_path, environment).status == 0
    assert (tmp_path / "no such/folder/c.db").is_file()


@pytest.mark.parametrize(("name", "mode"), [(FILE_NAME, 0o000), (".", 0o000)])
def test_the_permissions_of_a_catalogue(
    tmp_path: Path, environment: dict[str, str], name: str, mode: int
) -> None:
    with StandIn(exhibits(1)) as standin:
        words = ("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *STORE, *FAST)
        assert shell(shlex.join(["scrapy", *words]), tmp_path, environment).status == 0
    (tmp_path / "my pictures" / name).chmod(mode)
    # root is not bound by permissions
    bound = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") * (os.getuid() == 0)
    again = shlex.join([*bound, "scrapy", "stats", *STORE])
    failed = shell(again, tmp_path, environment)
    assert failed.status == 5
    assert shell(printed(failed.log, "or run:"), tmp_path, environment).status == 0
    assert shell(again, tmp_path, environment).status == 0


@pytest.mark.parametrize("words", [("find", "--dark"), ("look-alikes",)])
def test_the_description_of_images(
    tmp_path: Path, environment: dict[str, str], words: tuple[str, ...]
) -> None:
    with StandIn(exhibits(2)) as standin:
        crawl = ("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *STORE, *FAST)
        assert shell(shlex.join(["scrapy", *crawl]), tmp_path, environment).status == 0
    hint = shell(shlex.join(["scrapy", *words, *STORE]), tmp_path, environment)
    command = printed(hint.log + hint.output, "to describe them, run:")
    assert shell(command, tmp_path, environment).output.startswith("2 images looked at")
    silent = shell(shlex.join(["scrapy", *words, *STORE]), tmp_path, environment)
    assert "to describe them" not in silent.log + silent.output


def test_missing_images(tmp_path: Path, environment: dict[str, str]) -> None:
    with StandIn(exhibits(2)) as standin:
        words = ("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *STORE, *FAST)
        crawl = shlex.join(["scrapy", *words])
        assert shell(crawl, tmp_path, environment).status == 0
        next((tmp_path / "my pictures").rglob("*.jpg")).unlink()
        hint = shell(shlex.join(["scrapy", "look", *STORE]), tmp_path, environment)
        command = printed(hint.output, "To have them downloaded again by the next crawl, run:")
        assert shell(command, tmp_path, environment).output.startswith("missing: ")
        assert shell(crawl, tmp_path, environment).status == 0
    assert len(list((tmp_path / "my pictures").rglob("*.jpg"))) == 2


def test_the_queue_of_a_cluster(
    tmp_path: Path, environment: dict[str, str], postgresql_of_wheel: PostgreSQL
) -> None:
    url = postgresql_of_wheel.new_database().replace(":unused@", "@")
    catalogue = ("-s", f"WALLPAPERS_CATALOGUE={url}")
    status = shlex.join(["scrapy", "cluster", "status", *catalogue])
    failed = shell(status, tmp_path, environment)
    assert failed.status == 1
    assert shell(printed(failed.log, "create it with:"), tmp_path, environment).status == 0
    assert shell(status, tmp_path, environment).status == 0
