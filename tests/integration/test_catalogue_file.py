"""A catalogue in an SQLite file: damage, locks, kills, and when it is checked."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from scrapy import Spider
from sqlalchemy import URL

from tests.conftest import Crawl
from tests.e2e.command import PROJECT
from tests.integration.catalogue_rows import image, wallpaper
from wallpapers.catalogue.catalogue import Catalogue
from wallpapers.catalogue.entries import Entries
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.standin import StandIn
from wallpapers.errors import CatalogueError
from wallpapers.run.exit_status import ExitStatus


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A catalogue of 300 wallpapers in a file."""
    path = tmp_path / "catalogue.db"
    catalogue = open_file(path)
    for number in range(300):
        stored = image(f"{number:064}", f"s/{number}.jpg")
        catalogue.run(partial(Entries.record, wallpaper=wallpaper(f"{number}"), image=stored))
    catalogue.close()
    return path


def open_file(path: Path, *, check: bool = False) -> Catalogue:
    url = URL.create("sqlite", database=str(path))
    return Catalogue.open(url, lambda path, size: True, check=check)


def test_a_truncated_catalogue_opens_or_is_reported(file: Path, tmp_path: Path) -> None:
    content = file.read_bytes()
    told = opened = 0
    for seed in range(100):
        cut = tmp_path / f"{seed}" / "c.db"
        cut.parent.mkdir()
        cut.write_bytes(content[: random.Random(seed).randrange(len(content))])
        try:
            catalogue = open_file(cut)
        except CatalogueError as error:
            told += f"/catalogue-aside && for f in {cut} " in str(error)
            continue
        rows = catalogue.run(lambda entries: entries.count("state"))
        assert rows in ({}, {("stored",): 300})
        catalogue.close()
        opened += 1
    assert told + opened == 100
    assert told > 90


def test_a_file_that_is_no_database_is_named_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    path.write_text("something else, and long enough to be looked at" * 30)
    with pytest.raises(CatalogueError, match=r"not a database; .* mkdir"):
        open_file(path)


def test_the_remedy_works_as_it_is_printed(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[8192:40960] = bytes(32768)
    file.write_bytes(content)
    with pytest.raises(CatalogueError) as raised:
        open_file(file, check=True)
    beside = file.with_name(f"{file.name}-and-more")
    beside.write_text("is none of its files")
    subprocess.run(str(raised.value).partition("finds them: ")[2], shell=True, check=True)
    open_file(file).close()
    assert beside.exists()


def test_a_catalogue_that_another_program_holds_is_named(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wallpapers.catalogue.catalogue._LOCK_TIMEOUT_S", 0.1)
    with closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(CatalogueError, match=r"locked; another program holds it"):
            open_file(file)


def test_a_new_catalogue_that_another_program_is_making_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    with closing(sqlite3.connect(path)) as other, ThreadPoolExecutor(1) as threads:
        other.execute("BEGIN IMMEDIATE")  # SQLite's timeout does not apply to this lock
        opening = threads.submit(open_file, path)
        with pytest.raises(TimeoutError):
            opening.result(timeout=0.5)
        other.rollback()
        opening.result().close()


def checks_of(path: Path, *, check: bool = False) -> list[str]:
    """Open the catalogue at *path*; return the integrity checks that this took."""
    asked: list[str] = []

    def executed(_1: object, _2: object, statement: str, *_: object) -> None:
        asked.append(statement)

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", executed)
    try:
        open_file(path, check=check).close()
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", executed)
    return [statement for statement in asked if "_check" in statement]


def left_by_an_earlier_system(path: Path) -> None:
    """Leave the mark of a program that had *path* open when the system ended."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO sessions VALUES ('dead', 'another boot')")
        connection.commit()


def test_a_catalogue_that_was_closed_is_opened_without_reading_it_whole(file: Path) -> None:
    assert checks_of(file) == []
    assert checks_of(file, check=True) == ["PRAGMA integrity_check(1)"]


def test_a_catalogue_in_use_is_opened_without_reading_it_whole(file: Path) -> None:
    first = open_file(file)
    assert checks_of(file) == []
    first.close()


class EmptySpider(Spider):
    """Ends before the catalogue is open."""

    name = "empty"

    async def start(self) -> AsyncIterator[Any]:
        return
        yield


def test_a_run_that_ends_while_its_catalogue_opens_closes_it(crawl: Crawl) -> None:
    with StandIn([]) as standin:
        run = crawl(standin, spider=EmptySpider)
    assert run.exit_status is ExitStatus.COMPLETE
    with closing(sqlite3.connect(crawl.store / FILE_NAME)) as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchall() == [(0,)]


def test_a_catalogue_of_a_killed_program_is_opened_without_reading_it_whole(file: Path) -> None:
    """What the program wrote is with the system, which keeps it."""
    code = (
        "import os, sys; from sqlalchemy import URL; "
        "from wallpapers.catalogue.catalogue import Catalogue; "
        "Catalogue.open(URL.create('sqlite', database=sys.argv[1]), lambda path, size: True); "
        "os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(file)], check=False, cwd=PROJECT)
    assert killed.returncode == -9
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchall() == [(1,)]
    assert checks_of(file) == []


def test_a_catalogue_that_was_open_when_the_system_ended_is_checked_once(file: Path) -> None:
    left_by_an_earlier_system(file)
    assert checks_of(file) == ["PRAGMA quick_check(1)"]
    assert checks_of(file) == []


def test_damage_that_the_end_of_the_system_left_is_found_at_the_start(file: Path) -> None:
    left_by_an_earlier_system(file)
    damage(file)
    for _ in range(2):
        with pytest.raises(CatalogueError, match=r"malformed|damaged"):
            open_file(file)


def test_damage_that_is_found_late_is_found_at_the_start_of_the_next_run(file: Path) -> None:
    damage(file)
    catalogue = open_file(file)
    with pytest.raises(CatalogueError, match=r"malformed; the images are not affected"):
        catalogue.run(lambda entries: entries.count("item"))
    catalogue.close()
    with pytest.raises(CatalogueError, match=r"malformed|damaged"):
        open_file(file)


def damage(file: Path) -> None:
    """Overwrite a page of the table of wallpapers."""
    with closing(sqlite3.connect(file)) as connection:
        ((page, size),) = connection.execute(
            "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_master "
            "WHERE name = 'wallpapers'"
        )
        (inner,) = connection.execute("SELECT count(*) FROM wallpapers").fetchone()
        assert inner == 300
    content = bytearray(file.read_bytes())
    root = (page - 1) * size
    assert content[root] == 5  # an inner page, whose first child is
    cell = int.from_bytes(content[root + 12 : root + 14])
    child = int.from_bytes(content[root + cell : root + cell + 4])
    content[(child - 1) * size : child * size] = bytes([0xFF]) * size
    file.write_bytes(content)


def test_a_full_disk_takes_nothing_back(file: Path) -> None:
    catalogue = open_file(file)

    def too_much(entries: Entries) -> None:
        entries._connection.exec_driver_sql("PRAGMA max_page_count = 1")
        entries.enter_listed(
            [wallpaper(f"new{number}", title="x" * 5_000) for number in range(100)]
        )

    with pytest.raises(CatalogueError, match="database or disk is full"):
        catalogue.run(too_much)
    catalogue.close()
    catalogue = open_file(file)
    assert catalogue.run(lambda entries: entries.count("state")) == {("stored",): 300}
    catalogue.close()
