"""Commands that only read work in a store whose file system is mounted read-only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.e2e.command import FAST, Result, finish, scrapy, start_python
from tests.pictures import exhibits
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.standin import StandIn

pytestmark = pytest.mark.system("unshare", package="util-linux")

MOUNT = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of three wallpapers."""
    folder = tmp_path / "store"
    with StandIn(exhibits(3)) as standin:
        words = ("-a", f"endpoint={standin.endpoint}", "-s", f"IMAGES_STORE={folder}", *FAST)
        assert scrapy("crawl", "baidu_wallpaper", *words).status == 0
    return folder


def mounted(store: Path) -> tuple[str, ...]:
    return ("unshare", "-rm", "sh", "-c", MOUNT, str(store))


def read_only(store: Path, *words: str) -> Result:
    """Run a command while the file system of *store* is mounted read-only."""
    return finish(start_python(*words, "-s", f"IMAGES_STORE={store}", before=mounted(store)))


def files_of(store: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}


def test_what_only_reads_needs_no_write_access(store: Path, tmp_path: Path) -> None:
    assert scrapy("look", "-s", f"IMAGES_STORE={store}").status == 0
    before = files_of(store)
    target = tmp_path / "dataset"
    outputs = {
        ("stats",): "JPEG                      3",
        ("stats", "--runs", "1"): "0 complete",
        ("find", "--ratio", "3:2"): str(store),
        ("look-alikes",): "3 images were not compared: the catalogue is on a read-only file",
        ("star", "--list"): "",
        ("export", "--to", "jsonl", str(target)): "3 images exported",
    }
    for words, output in outputs.items():
        result = read_only(store, *words)
        assert result.status == 0, words
        assert output in result.output, words
    assert files_of(store) == before


@pytest.mark.parametrize(
    "words",
    [("hide", "3"), ("look-alikes", "--hide-worse"), ("gallery",)],
    ids=" ".join,
)
def test_what_changes_the_store_names_the_read_only_file_system(
    store: Path, words: tuple[str, ...]
) -> None:
    result = read_only(store, *words)
    assert result.status == 5
    (line,) = result.log.splitlines()
    assert "is on a read-only file system" in line


def test_a_gallery_is_served_without_keeping_its_thumbnails(store: Path) -> None:
    before = files_of(store)
    words = ("gallery", "--serve", "-s", f"IMAGES_STORE={store}")
    process = start_python(*words, before=mounted(store))
    assert process.stdout is not None
    address = process.stdout.readline().split()[-1]
    with closing(sqlite3.connect(store / FILE_NAME)) as connection:
        ((checksum,), *_) = connection.execute("SELECT sha256 FROM pictures")
    with urlopen(f"{address}thumbs/{checksum[:2]}/{checksum}.jpg") as response:
        assert response.read().startswith(b"\xff\xd8")
    process.terminate()
    finish(process)
    assert files_of(store) == before


@pytest.fixture
def busy_store(store: Path) -> Iterator[Path]:
    """A store whose catalogue another program has open, with a row that is in -wal only."""
    with closing(sqlite3.connect(store / FILE_NAME)) as connection:
        connection.execute("UPDATE wallpapers SET starred_at = '2026-01-01T00:00:00'")
        connection.commit()
        yield store


def test_the_latest_rows_of_a_program_that_writes_are_read(busy_store: Path) -> None:
    result = read_only(busy_store, "star", "--list")
    assert result.status == 0
    assert len(result.output.splitlines()) == 3


def test_rows_that_cannot_be_read_are_not_left_out(busy_store: Path) -> None:
    copy = busy_store.with_name("snapshot")
    copy.mkdir()
    for end in ("", "-wal"):
        (copy / f"{FILE_NAME}{end}").write_bytes((busy_store / f"{FILE_NAME}{end}").read_bytes())
    result = read_only(copy, "stats")
    assert result.status == 5
    (line,) = result.log.splitlines()
    assert "its latest rows are in" in line
    assert "copy both files to a folder that is writable" in line


def test_an_old_schema_is_not_upgraded(store: Path) -> None:
    with closing(sqlite3.connect(store / FILE_NAME)) as connection:
        connection.execute("UPDATE catalogue_version SET version = 1")
        connection.commit()
    result = read_only(store, "stats")
    assert result.status == 5
    assert "schema 1 is older than" in result.log
    assert "copy it, and upgrade the copy with the command stats" in result.log
