"""Open a catalogue, whatever database it is in, and do work in it; each failure says the remedy."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from wallpapers.catalogue.entries import Entries, RetryTransaction, Whole
from wallpapers.catalogue.schema import belong_to, upgrade
from wallpapers.errors import CatalogueError

T = TypeVar("T")

_LOCK_TIMEOUT_S = 10
_CONNECT_TIMEOUT_S = 10
_TRIES = 5
# PostgreSQL's codes for what another transaction did meanwhile: a deadlock, a serialization
# failure, a row that is gone, a row that is there.
_MEANWHILE = {"40P01", "40001", "23503", "23505"}


class Catalogue:
    """A catalogue that is open: whole, and of this program's schema.

    ``is_whole`` is asked whether the store has the file that a row names. Not for two threads at
    once. Every failure is a CatalogueError in one line.
    """

    def __init__(self, engine: Engine, is_whole: Whole) -> None:
        self._engine = engine
        self._is_whole = is_whole

    @classmethod
    def open(cls, url: URL, is_whole: Whole, remote_store: str = "") -> Self:
        """Connect, look whether all is well, and bring the schema up to date.

        An SQLite file is made where there is none, and read whole for its integrity where there is
        one. *remote_store* is the address of a store that cannot be looked at: the catalogue has to
        be its own.
        """
        # Scrapy lets every logger speak; each statement would be built as a line of the log.
        logging.getLogger("sqlalchemy").setLevel(logging.WARNING)
        make = _sqlite if url.get_backend_name() == "sqlite" else _postgresql
        catalogue = cls(make(url), is_whole)
        try:
            with catalogue._errors(), catalogue._engine.begin() as connection:
                if connection.dialect.name == "sqlite":
                    _check_integrity(connection)
                upgrade(connection)
                if remote_store:
                    belong_to(connection, remote_store)
        except BaseException:
            catalogue.close()
            raise
        return catalogue

    def run(self, work: Callable[[Entries], T]) -> T:
        """Do *work* in one transaction, which is committed when it ends well; return its result.

        It is done again where another program came in between.
        """
        for tries_left in reversed(range(_TRIES)):
            try:
                with self._errors(), self._engine.begin() as connection:
                    return work(Entries(connection, self._is_whole))
            except RetryTransaction:
                if not tries_left:
                    raise CatalogueError(f"{self}: other programs are in the way") from None
        raise AssertionError

    def close(self) -> None:
        """Let the database go."""
        self._engine.dispose()

    def __str__(self) -> str:
        url = self._engine.url
        name = (
            url.database
            if url.get_backend_name() == "sqlite"
            else url.set(query={}).render_as_string()
        )
        return f"the catalogue {name}"

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except CatalogueError as error:
            raise CatalogueError(f"{self}: {error}") from error
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", "") in _MEANWHILE:
                raise RetryTransaction from error
            said = str(error.orig).strip().partition("\n")[0]
            raise CatalogueError(f"{self}: {said}{self._remedy(said)}") from error
        except (SQLAlchemyError, OSError) as error:
            raise CatalogueError(f"{self}: {error}") from error

    def _remedy(self, said: str) -> str:
        url = self._engine.url
        if url.get_backend_name() != "sqlite" or url.database is None:
            return ""
        if "locked" in said or "locking" in said:
            return (
                "; another program holds it, or it lies on a network drive, where SQLite does not "
                "belong: end that program, or name another place with -s WALLPAPERS_CATALOGUE="
            )
        if any(word in said for word in _DAMAGE):
            return f"; {_how_to_move_aside(Path(url.database))}"
        return ""


_DAMAGE = ("malformed", "not a database", "corrupt")


def _how_to_move_aside(path: Path) -> str:
    aside = shlex.quote(str(path.with_name("catalogue-aside")))
    files = " ".join(shlex.quote(f"{path}{end}") for end in ("", "-wal", "-shm"))
    return (
        "the pictures are not touched by it: move it aside and crawl again, which finds them: "
        f'mkdir -p {aside} && for f in {files}; do [ ! -e "$f" ] || mv "$f" {aside}; done'
    )


def _sqlite(url: URL) -> Engine:
    engine = sqlalchemy.create_engine(
        url, hide_parameters=True, connect_args={"timeout": _LOCK_TIMEOUT_S}
    )

    @event.listens_for(engine, "connect")
    def connected(connection: Any, record: object) -> None:
        connection.isolation_level = None  # transactions are begun below
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        # A transaction that reads first could not write once another has written.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _postgresql(url: URL) -> Engine:
    return sqlalchemy.create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,  # a server that was started again is no failure
        connect_args={"connect_timeout": _CONNECT_TIMEOUT_S},
    )


def _check_integrity(connection: Connection) -> None:
    found = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one()
    if found != "ok":
        path = Path(str(connection.engine.url.database))
        detail = str(found).replace("\n", " ")
        raise CatalogueError(f"it is damaged ({detail}); {_how_to_move_aside(path)}")
