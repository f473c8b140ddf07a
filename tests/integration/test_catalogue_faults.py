"""A catalogue that cannot be used ends the run with one line and its remedy, whatever is wrong."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from aiohttp import web

from tests.conftest import Crawl
from tests.pictures import exhibits
from tests.postgresql import PostgreSQL, postgresql
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn

Harm = Callable[[Path], object]


def sql(*statements: str) -> Harm:
    def harm(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    return harm


def in_its_place(harm: Harm) -> Harm:
    def replace(path: Path) -> None:
        path.unlink()
        harm(path)

    return replace


def of_another_program(path: Path) -> None:
    sql("CREATE TABLE bookmarks (url TEXT)")(path)


def damaged(path: Path) -> None:
    """Overwrite every page but those of the schema."""
    content = bytearray(path.read_bytes())
    content[8192:] = bytes([0xFF]) * (len(content) - 8192)
    path.write_bytes(content)


def beside(end: str) -> Harm:
    return lambda path: Path(f"{path}{end}").mkdir()


ASIDE = "move it aside and crawl again, which finds them: mkdir"
FAULTS: dict[str, tuple[Harm, str]] = {
    "a folder": (in_its_place(Path.mkdir), f"{FILE_NAME} is not a file: remove it; choose"),
    "a link to nothing": (
        in_its_place(lambda path: path.symlink_to("/nowhere/at/all")),
        "it is a symbolic link to nothing; choose another path with ",
    ),
    "a text": (in_its_place(lambda path: path.write_text("no database" * 500)), ASIDE),
    "another program's": (
        in_its_place(of_another_program),
        "database contains other tables; use another one",
    ),
    "no pictures": (sql("DROP TABLE pictures"), "no such table: pictures; its tables were"),
    "no wallpapers": (sql("DROP TABLE wallpapers"), ASIDE),
    "no sessions": (sql("DROP TABLE sessions"), ASIDE),
    "no column": (sql("ALTER TABLE pictures DROP COLUMN width"), "no such column: width"),
    "no version": (sql("DELETE FROM catalogue_version"), "must have one number, has no row"),
    "two versions": (
        sql("INSERT INTO catalogue_version VALUES (2)"),
        "catalogue_version must have one number, has ",
    ),
    "a text as version": (
        sql("UPDATE catalogue_version SET version = 'two'"),
        "catalogue_version must have one number, has 'two'; restore a backup",
    ),
    "a version below all": (sql("UPDATE catalogue_version SET version = -1"), "has -1"),
    "no version table": (sql("DROP TABLE catalogue_version"), "contains other tables"),
    "a later version": (sql("UPDATE catalogue_version SET version = 99"), "install the version"),
    "damaged": (damaged, ASIDE),
    "a folder as wal": (beside("-wal"), "-wal is not a file: remove it"),
    "a folder as shm": (beside("-shm"), "-shm is not a file: remove it"),
}


def log_of(crawl: Crawl) -> str:
    return crawl._text_of_log()


def assert_one_line(crawl: Crawl, stats: dict[str, object], remedy: str) -> None:
    """Assert that the crawl ended because of its store, and said so in one line."""
    assert stats["wallpapers/outcome"] == "store"
    log = log_of(crawl)
    assert "Traceback" not in log
    (line,) = [line for line in log.splitlines() if ": ERROR: " in line or ": CRITICAL: " in line]
    assert remedy in line


@pytest.mark.parametrize("fault", FAULTS)
def test_a_crawl_ends_with_one_line(crawl: Crawl, fault: str) -> None:
    harm, remedy = FAULTS[fault]
    with StandIn(exhibits(8)) as standin:
        crawl(standin, limit=4)
        harm(crawl.store / FILE_NAME)
        standin.asked.clear()
        stats = crawl.stats_of(standin)
        assert not any("/image/" in path for path in standin.asked)
    assert_one_line(crawl, stats, remedy)


def test_another_programs_database_is_not_changed(crawl: Crawl) -> None:
    crawl.store.mkdir()
    path = crawl.store / FILE_NAME
    of_another_program(path)
    before = path.read_bytes()
    with StandIn(exhibits(1)) as standin:
        crawl.stats_of(standin)
    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_catalogue_that_finds_the_pictures(crawl: Crawl) -> None:
    with StandIn(exhibits(4)) as standin:
        crawl(standin)
        (crawl.store / FILE_NAME).write_bytes(b"")
        standin.asked.clear()
        assert crawl(standin).stats["wallpapers/known"] == 4
        assert not any("/image/" in path for path in standin.asked)


def test_a_missing_folder_is_named(crawl: Crawl) -> None:
    url = f"sqlite:///{crawl.store.parent}/gone/c.db"
    with StandIn(exhibits(1)) as standin:
        stats = crawl.stats_of(standin, {"WALLPAPERS_CATALOGUE": url})
    assert_one_line(crawl, stats, "its folder does not exist; choose another path ")


class Harmful(StandIn):
    """Does *harm* when its fourth picture is asked for."""

    def __init__(self, harm: Callable[[], object]) -> None:
        super().__init__(exhibits(12))
        self._harm = harm

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        if exhibit is self.exhibits[3]:
            self._harm()
        return await super().picture(request, exhibit)


@pytest.mark.parametrize(
    ("statement", "remedy"),
    [
        ("DROP TABLE pictures", ASIDE),
        ("ALTER TABLE wallpapers DROP COLUMN tried", ASIDE),
    ],
)
def test_a_catalogue_that_is_changed_meanwhile_ends_the_crawl_with_one_line(
    crawl: Crawl, statement: str, remedy: str
) -> None:
    def harm() -> None:
        sql(statement)(crawl.store / FILE_NAME)

    with Harmful(harm) as standin:
        stats = crawl.stats_of(standin, {"CONCURRENT_REQUESTS": 2})
    assert_one_line(crawl, stats, remedy)


@pytest.mark.parametrize("outside", ["../outside.jpg", "/{}/outside.jpg", "a/../../outside.jpg"])
def test_a_path_out_of_the_store_is_not_touched(crawl: Crawl, outside: str) -> None:
    """Its wallpaper is fetched again; the file is neither taken for the picture nor removed."""
    path = outside.format(crawl.store.parent)
    with StandIn(exhibits(2)) as standin:
        first = crawl(standin).images()[0]
        victim = crawl.store.parent / "outside.jpg"
        shutil.move(crawl.store / first["path"], victim)
        with closing(sqlite3.connect(crawl.store / FILE_NAME)) as connection:
            mine = "UPDATE pictures SET path = ? WHERE sha256 = ?"
            connection.execute(mine, (path, first["checksum"]))
            connection.commit()
        before = victim.read_bytes()
        run = crawl(standin)
    assert victim.read_bytes() == before
    assert run.stats["wallpapers/stored"] == 1
    assert {image["path"] for image in run.images()} == {
        path.relative_to(crawl.store).as_posix() for path in crawl.store.rglob("*.jpg")
    }


# PostgreSQL


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with postgresql() as running:
        yield running


def test_a_server_that_stops_during_a_run_ends_the_crawl_with_one_line(crawl: Crawl) -> None:
    with postgresql() as server:
        url = server.new_database("canary-123")
        with Harmful(server.stop) as standin:
            settings = {"WALLPAPERS_CATALOGUE": url, "CONCURRENT_REQUESTS": 2}
            stats = crawl.stats_of(standin, settings)
        assert_one_line(crawl, stats, "check that the server runs")
        assert "canary" not in log_of(crawl)
        stats = crawl.stats_of(standin, {"WALLPAPERS_CATALOGUE": url})
        assert_one_line(crawl, stats, "check that the server runs")


def test_connections_that_the_server_closes_are_opened_again(
    crawl: Crawl, server: PostgreSQL
) -> None:
    url = server.new_database()

    def close_all() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() "
                "AND state = 'idle'"
            )

    with Harmful(close_all) as standin:
        stats = crawl.stats_of(standin, {"WALLPAPERS_CATALOGUE": url})
    assert stats["wallpapers/outcome"] == "complete"


@pytest.mark.parametrize(
    ("role", "statements", "remedy"),
    [
        ("nobody", [], "correct the user or the password|create it with createdb or createuser"),
        ("locked", ["CREATE ROLE {} LOGIN PASSWORD 'right'"], "the user or the password in WALLP"),
        (
            "barred",
            ["CREATE ROLE {} LOGIN", "REVOKE ALL ON SCHEMA public FROM PUBLIC"],
            "the user needs a schema",
        ),
        ("guest", ["CREATE ROLE {} LOGIN"], "the user needs GRANT USAGE, CREATE ON SCHEMA"),
        (
            "reader",
            ["CREATE ROLE {} LOGIN", "GRANT pg_read_all_data TO {}"],
            "the user needs GRANT",
        ),
        (
            "careful",
            [
                "CREATE ROLE {} LOGIN SUPERUSER",
                "ALTER ROLE {} SET default_transaction_read_only = on",
            ],
            "the user or the server may only read",
        ),
    ],
)
def test_a_user_without_the_rights_ends_the_crawl_with_one_line(
    crawl: Crawl, server: PostgreSQL, role: str, statements: list[str], remedy: str
) -> None:
    url = server.new_database()
    with StandIn(exhibits(4)) as standin:
        if role == "reader":
            crawl.stats_of(standin, {"WALLPAPERS_CATALOGUE": url}, limit=2)
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.format(role))
        as_role = url.replace("wallpapers:unused@", f"{role}:canary-123@")
        stats = crawl.stats_of(standin, {"WALLPAPERS_CATALOGUE": as_role})
    (found,) = [words for words in remedy.split("|") if words in log_of(crawl)]
    assert_one_line(crawl, stats, found)
    assert "canary" not in log_of(crawl)


def test_a_database_that_is_missing_is_named(crawl: Crawl, server: PostgreSQL) -> None:
    url = server.new_database()
    missing = url.replace("/db_", "/gone_")
    with StandIn(exhibits(1)) as standin:
        stats = crawl.stats_of(standin, {"WALLPAPERS_CATALOGUE": missing})
    assert_one_line(crawl, stats, "createdb")


def test_a_table_that_is_missing_is_named(crawl: Crawl, server: PostgreSQL) -> None:
    url = server.new_database()
    with StandIn(exhibits(1)) as standin:
        crawl.stats_of(standin, {"WALLPAPERS_CATALOGUE": url})
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP TABLE wallpapers CASCADE")
        stats = crawl.stats_of(standin, {"WALLPAPERS_CATALOGUE": url})
    assert_one_line(crawl, stats, "its tables were changed by hand: restore a backup")
