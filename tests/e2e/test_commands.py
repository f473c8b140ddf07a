"""Commands on a store: stats, help, wrong usage, and a catalogue that cannot be used."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine

from tests.e2e.command import FAST, PROJECT, Result, finish, scrapy, start_python
from tests.e2e.store import Recovering, crawl, pictures_of, run
from tests.pictures import exhibits
from wallpapers.catalogue.catalogue import Catalogue
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.catalogue.upgrade import upgrade
from wallpapers.demo.standin import StandIn


def test_stats_print_the_contents_of_the_catalogue(tmp_path: Path) -> None:
    with Recovering(exhibits(8)) as standin:
        assert crawl(standin, tmp_path).status == 3
    size = sum(path.stat().st_size for path in pictures_of(tmp_path))
    told = run("stats", tmp_path)
    assert told.status == 0
    lines = [line.split() for line in told.output.splitlines()]
    assert ["source", "stored", "filtered", "failed", "listed", "hidden"] in lines
    assert ["baidu_wallpaper", "5", "0", "3", "0", "0"] in lines
    assert ["JPEG", "5", f"{size / 1e6:.1f}"] in lines
    assert ["3", "http_404", "127.0.0.1"] in lines
    found = json.loads(run("stats", tmp_path, "--json").output)
    assert found["pictures"] == {"JPEG": {"count": 5, "bytes": size}}
    assert found["failures"] == [{"host": "127.0.0.1", "reason": "http_404", "count": 3}]


@pytest.mark.parametrize("command", ["verify", "retry", "stats"])
def test_a_missing_catalogue_is_reported_with_a_remedy(tmp_path: Path, command: str) -> None:
    result = run(command, tmp_path)
    assert result.status == 1
    assert f"scrapy: there is no catalogue at {tmp_path}/store/{FILE_NAME}: crawl" in result.log
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("command", ["verify", "retry", "stats"])
def test_a_damaged_catalogue_is_status_5(tmp_path: Path, command: str) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / FILE_NAME).write_text("no database" * 1_000)
    result = run(command, tmp_path)
    assert result.status == 5
    assert "is not a database; the images are not affected" in result.log


def as_a_user(command: str, folder: Path) -> Result:
    """Run a command without root's exemption from permissions."""
    before = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") * (os.getuid() == 0)
    return finish(start_python(command, "-s", f"IMAGES_STORE={folder / 'store'}", before=before))


@pytest.mark.parametrize("command", ["verify", pytest.param("stats", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("name", "mode", "remedy"),
    [
        (FILE_NAME, 0o000, f"{FILE_NAME} is not readable and writable; choose another"),
        (f"{FILE_NAME}-wal", 0o000, f"{FILE_NAME}-wal is not readable and writable; choose"),
        pytest.param(
            f"{FILE_NAME}-shm",
            0o000,
            f"{FILE_NAME}-shm is not readable and writable; choose",
            marks=pytest.mark.slow,
        ),
        (".", 0o500, "its folder is not writable; choose another path with "),
        (".", 0o000, "its folder is not readable; choose another path with "),
    ],
)
def test_a_catalogue_without_permission_is_status_5(
    tmp_path: Path, command: str, name: str, mode: int, remedy: str
) -> None:
    store = tmp_path / "store"
    store.mkdir()
    url = URL.create("sqlite", database=str(store / FILE_NAME))
    Catalogue.open(url, lambda path, size: True).close()
    if not (store / name).exists():
        (store / name).write_bytes(b"left over")
    (store / name).chmod(mode)
    try:
        result = as_a_user(command, tmp_path)
    finally:
        store.chmod(0o700)
    assert result.status == 5
    (line,) = [line for line in result.log.splitlines() if "INFO" not in line]
    assert remedy in line


READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'


@pytest.mark.system("unshare", package="util-linux")
@pytest.mark.parametrize("name", [FILE_NAME, "."])
def test_a_catalogue_on_a_read_only_file_system_is_status_5(tmp_path: Path, name: str) -> None:
    store = tmp_path / "store"
    store.mkdir()
    Catalogue.open(URL.create("sqlite", database=str(store / FILE_NAME)), lambda *_: True).close()
    mounted = ("unshare", "-rm", "sh", "-c", READ_ONLY, str(store / name))
    result = finish(start_python("verify", "-s", f"IMAGES_STORE={store}", before=mounted))
    assert result.status == 5
    assert "is on a read-only file system; choose another path with -s" in result.log
    assert "chmod" not in result.log


def test_stats_need_no_write_permission(tmp_path: Path) -> None:
    with StandIn(exhibits(3)) as standin:
        assert crawl(standin, tmp_path).status == 0
    (tmp_path / "store" / FILE_NAME).chmod(0o400)
    assert "JPEG" in as_a_user("stats", tmp_path).output


@pytest.mark.slow
def test_a_closed_output_ends_a_command_without_a_message(tmp_path: Path) -> None:
    """As in ``scrapy stats | head -1``."""
    with StandIn(exhibits(3)) as standin:
        assert crawl(standin, tmp_path).status == 0
        endpoint = ("-a", f"endpoint={standin.endpoint}")
        commands = (
            ("sources",),
            ("stats",),
            ("verify",),
            ("retry",),
            ("doctor", "baidu_wallpaper", *endpoint),
        )
        for words in commands:
            reading, writing = os.pipe()
            os.close(reading)
            store = ("-s", f"IMAGES_STORE={tmp_path / 'store'}")
            process = start_python(*words, *store, *FAST, stdout=writing)
            os.close(writing)
            assert finish(process).log.count("BrokenPipe") == 0
            assert process.returncode == 141, words


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("verify", "all"), "scrapy verify takes no argument, got 'all'"),
        (("stats", "all"), "scrapy stats takes no argument, got 'all'"),
        (("retry", "a", "b"), "scrapy retry expects one spider name, or none"),
    ],
)
def test_wrong_usage_is_status_2(tmp_path: Path, words: tuple[str, ...], line: str) -> None:
    result = run(words[0], tmp_path, *words[1:])
    assert result.status == 2
    assert line in result.output + result.log


COMMANDS = sorted(
    path.stem for path in (PROJECT / "wallpapers/commands").glob("*.py") if path.stem[0] != "_"
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_help(command: str) -> None:
    result = scrapy(command, "--help")
    assert result.status == 0
    assert "xit status" in " ".join(result.output.split()) or command == "parse"  # Scrapy's own
    # Scrapy underlines each line that ends with a colon, also one within the help of an option.
    assert not re.search(r"^ .*\n=+$", result.output, re.MULTILINE)


def make_first_version(path: Path) -> None:
    """Replace a catalogue by one of the first version, with what that had of its rows."""
    current = path.rename(path.with_suffix(".current"))
    engine = create_engine(URL.create("sqlite", database=str(path)))
    with engine.begin() as connection:
        upgrade(connection, to=1)
    engine.dispose()
    with closing(sqlite3.connect(path)) as catalogue:
        catalogue.execute("ATTACH ? AS current", (str(current),))
        for table in ("pictures", "wallpapers"):
            rows = catalogue.execute(f"PRAGMA main.table_info({table})").fetchall()
            columns = ", ".join(row[1] for row in rows)
            copy = f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM current.{table}"
            catalogue.execute(copy)
        catalogue.commit()
    current.unlink()


def test_an_older_catalogue_is_upgraded_without_loss(tmp_path: Path) -> None:
    with StandIn(exhibits(4)) as standin:
        assert crawl(standin, tmp_path).status == 0
        make_first_version(tmp_path / "store" / FILE_NAME)
        standin.asked.clear()
        assert crawl(standin, tmp_path).status == 0
        assert len(standin.asked) == 2
    assert run("verify", tmp_path).status == 0
