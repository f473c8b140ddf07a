"""The built package: complete, valid, and a program in any folder once installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import FAST, PROJECT, TIMEOUT_S
from tests.pictures import exhibits
from tests.unit.test_docs import SPIDERS
from wallpapers.demo.standin import StandIn

pytestmark = pytest.mark.slow


def run(*words: str | Path, cwd: Path) -> str:
    """Run a program that has to succeed, without the project on its path; return its output."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        words,
        cwd=cwd,
        env={**environment, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Build an sdist from a clone, which has what is committed, and a wheel from the sdist."""
    folder = tmp_path_factory.mktemp("package")
    run("git", "clone", "--quiet", PROJECT, "clone", cwd=folder)
    run(sys.executable, "-m", "build", "--no-isolation", ".", cwd=folder / "clone")
    yield folder / "clone/dist"
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel, and nothing else, beside the libraries of this environment."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", ".", cwd=folder)
    (wheel,) = built.glob("*.whl")
    python = folder / "bin/python"
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    run(*pip, "install", "--quiet", "--no-index", "--no-deps", wheel, cwd=folder)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    (site_packages / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin"


def test_its_description_is_valid(built: Path) -> None:
    run(sys.executable, "-m", "twine", "check", "--strict", *built.iterdir(), cwd=built)


def test_the_sdist_has_the_tests_and_the_docs(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    committed = run("git", "ls-files", "wallpapers", "tests", "docs", "deploy", cwd=built.parent)
    assert set(committed.splitlines()) <= names
    assert {"Makefile", "LICENSE", "CHANGELOG.md", "requirements-dev.txt", "scrapy.cfg"} <= names


def test_the_program_runs_in_any_folder(installed: Path, tmp_path: Path) -> None:
    program = installed / "wallpapers"
    where = run(
        installed / "python", "-c", "import wallpapers; print(wallpapers.__file__)", cwd=tmp_path
    )
    assert Path(where.strip()).is_relative_to(installed.parent)
    assert run(program, "list", cwd=tmp_path).split() == [spider.name for spider in SPIDERS]
    described = json.loads(run(program, "sources", "--json", cwd=tmp_path))
    assert described[0]["example"].startswith("wallpapers crawl ")
    assert run(program, "demo", "--help", cwd=tmp_path).startswith(
        "Usage\n=====\n  wallpapers demo [options]"
    )
    assert list(tmp_path.iterdir()) == []


def test_the_demo_runs_in_another_folder(installed: Path, tmp_path: Path) -> None:
    output = run(installed / "wallpapers", "demo", cwd=tmp_path)
    assert output.endswith(
        "The wallpapers are in downloads/demo, the feed is downloads/demo/wallpapers.json\n"
        "Look at them with: wallpapers gallery --open -s IMAGES_STORE=downloads/demo\n"
    )
    assert len(json.loads((tmp_path / "downloads/demo/wallpapers.json").read_text())) == 60


def test_a_collection_is_kept_in_another_folder(installed: Path, tmp_path: Path) -> None:
    program, store = installed / "wallpapers", "downloads/baidu_wallpaper"
    with StandIn(exhibits(3)) as standin:
        source = ("baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *FAST)
        run(program, "crawl", *source, "-O", "a.json", cwd=tmp_path)
        (folder,) = (tmp_path / store).iterdir()
        first, *_ = sorted(folder.iterdir())
        assert run(program, "hide", first, "--delete", cwd=tmp_path).startswith("1 wallpaper")
        run(program, "crawl", *source, cwd=tmp_path)
        assert "JPEG 96x64" in run(program, "doctor", *source, cwd=tmp_path)
    assert len(list(folder.iterdir())) == 2
    assert "\nbaidu_wallpaper" in run(program, "stats", cwd=tmp_path)
    assert "2 whole, 0 damaged" in run(program, "verify", cwd=tmp_path)


def test_type_checkers_see_its_types(installed: Path) -> None:
    (package,) = installed.parent.glob("lib/python*/site-packages/wallpapers")
    assert (package / "py.typed").is_file()
