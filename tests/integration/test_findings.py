"""Every listing by which a wallpaper was found is in the catalogue."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import URL, make_url, text

from tests.conftest import Crawl
from tests.integration.catalogue_rows import image, put, wallpaper
from tests.integration.conftest import Open
from tests.integration.test_catalogue_versions import FIRST_ROWS
from tests.pictures import exhibits
from tests.postgresql import PostgreSQL
from tests.standin.several_listings import several
from wallpapers.catalogue.catalogue import Catalogue
from wallpapers.catalogue.listed import enter_current
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.catalogue.upgrade import upgrade
from wallpapers.demo.standin import StandIn
from wallpapers.items import Wallpaper
from wallpapers.run.exit_status import ExitStatus

_FLUSH = text("SELECT pg_stat_force_next_flush()")
_FINDINGS_READ = text(
    "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'findings'"
)
SEA, SKY = exhibits(6)[:4], exhibits(6)[2:]  # two wallpapers are in both


@contextmanager
def connected(url: URL) -> Iterator[sqlalchemy.Connection]:
    """Connect to the catalogue as another program does."""
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def findings_of(url: URL) -> list[tuple[str, str]]:
    with connected(url) as connection:
        found = connection.execute(text("SELECT id, listing FROM findings"))
        return sorted((row.id, row.listing) for row in found)


def enter(catalogue: Catalogue, *listed: Wallpaper) -> None:
    catalogue.run(lambda entries: entries.enter_listed(listed))


def test_every_listing_of_a_wallpaper_is_recorded(
    open_it: Open, store: dict[str, int], url: URL
) -> None:
    catalogue = open_it()
    enter(catalogue, wallpaper(listing="sea"), wallpaper("2", listing="sea"))
    put(catalogue, store, wallpaper(listing="sea"), image())
    for _ in range(2):
        enter(catalogue, wallpaper(listing="海"), wallpaper(listing="blue"), wallpaper(listing=""))
    assert findings_of(url) == sorted([("1", "sea"), ("1", "海"), ("1", "blue"), ("2", "sea")])


def test_many_wallpapers_of_two_listings_are_recorded_in_one_transaction(
    open_it: Open, url: URL
) -> None:
    listings = ("sea", "sky")
    listed = [wallpaper(f"{n}", listing=name) for name in listings for n in range(1_100)]
    for _ in range(2):
        enter(open_it(), *listed)
    assert len(findings_of(url)) == 2_200


def test_a_listing_of_any_name_can_be_recorded(open_it: Open, url: URL) -> None:
    """An index of PostgreSQL holds no long values; these cannot be compressed."""
    long = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(9_000))
    for _ in range(2):
        enter(open_it(), wallpaper(long[:200], listing=long))
    ((_, listing),) = findings_of(url)
    assert long.startswith(listing)
    assert len(listing) == 300


def test_findings_of_an_older_catalogue_are_kept_and_completed(
    open_it: Open, store: dict[str, int], url: URL
) -> None:
    with connected(url) as connection:
        upgrade(connection, to=7)
        for statement in FIRST_ROWS:
            connection.execute(text(statement))
    catalogue = open_it()
    assert findings_of(url) == [("1", "l")]

    def row() -> tuple[str, str, str]:
        with connected(url) as connection:
            joined = "SELECT found_at, item, state FROM findings JOIN wallpapers USING (source, id)"
            found_at, item, state = connection.execute(
                text(f"{joined} WHERE findings.listing = 'l'")
            ).one()
        return found_at, item, state

    assert row() == ("", "{}", "stored")
    enter(catalogue, wallpaper(listing="other", credit="them"))
    assert row() == ("", "{}", "stored")
    enter(catalogue, wallpaper(listing="l", credit="me"))
    found_at, item, state = completed = row()
    assert found_at
    assert json.loads(item)["credit"] == "me"
    assert state == "stored"
    enter(catalogue, wallpaper(listing="l", credit="someone else"))
    assert row() == completed


def test_a_listing_that_a_cluster_reads_is_recorded(open_it: Open, url: URL) -> None:
    catalogue = open_it()
    enter(catalogue, wallpaper(listing="sea"))
    listed = [wallpaper(listing="sky"), wallpaper("2", listing="sky")]
    for _ in range(2):
        catalogue.run(lambda entries: enter_current(entries.connection, listed, None))
    assert findings_of(url) == [("1", "sea"), ("1", "sky"), ("2", "sky")]


def test_a_page_found_again_reads_no_finding_of_other_wallpapers(
    postgresql_of_wheel: PostgreSQL,
) -> None:
    """The tables have no statistics yet, from which PostgreSQL could know how many there are."""
    url = make_url(postgresql_of_wheel.new_database()).set(drivername="postgresql+psycopg")
    listed = [wallpaper(f"{number}", listing="sea") for number in range(1_000)]
    catalogue = Catalogue.open(url, lambda path, size: True)

    def findings_read() -> int:
        catalogue.run(lambda entries: entries.connection.execute(_FLUSH))
        return catalogue.run(lambda entries: int(entries.connection.scalar(_FINDINGS_READ) or 0))

    with closing(catalogue):
        enter(catalogue, *listed)
        before = findings_read()
        enter(catalogue, *listed[500:600])
        assert findings_read() - before == 100


def in_catalogue(store: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(store / FILE_NAME)) as catalogue:
        return set(catalogue.execute("SELECT id, listing FROM findings"))


def found_by(**listings: Sequence[Any]) -> set[tuple[str, str]]:
    return {(exhibit.id, name) for name, shown in listings.items() for exhibit in shown}


def test_two_listings_with_the_same_wallpapers_are_both_recorded(crawl: Crawl) -> None:
    with several(StandIn, "tag", {"sea": SEA, "sky": SKY}) as standin:
        crawl(standin, tag="sea")
        assert in_catalogue(crawl.store) == found_by(sea=SEA)
        standin.asked.clear()
        run = crawl(standin, tag="sky")
        assert len([path for path in standin.asked if path.startswith("/image/")]) == 2
    assert (run.stats["wallpapers/known"], run.stats["wallpapers/stored"]) == (2, 2)
    assert in_catalogue(crawl.store) == found_by(sea=SEA, sky=SKY)


def test_two_words_of_one_run_are_both_recorded(crawl: Crawl, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("sea\nsky\n")
    with several(StandIn, "tag", {"sea": SEA, "sky": SKY}) as standin:
        run = crawl(standin, tag=f"@{words}")
        assert len([path for path in standin.asked if path.startswith("/image/")]) == 6
    assert run.exit_status is ExitStatus.COMPLETE
    assert in_catalogue(crawl.store) == found_by(sea=SEA, sky=SKY)


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """Return all statements that are executed from now on."""
    executed: list[str] = []

    def note(_1: object, _2: object, statement: str, *_: object) -> None:
        executed.append(statement)

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    yield executed
    sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", note)


def test_wallpapers_found_again_cost_no_write_and_few_queries(
    crawl: Crawl, statements: list[str]
) -> None:
    with StandIn(exhibits(60)) as standin:
        crawl(standin)
        statements.clear()
        run = crawl(standin)
    assert run.stats["wallpapers/known"] == 60
    tables = ("wallpapers", "findings", "pictures")
    assert not [
        one
        for one in statements
        if any(f"{verb} {name}" in one for name in tables for verb in ("INTO", "UPDATE"))
    ]
    assert 1 <= len([one for one in statements if "FROM findings" in one]) <= 20
