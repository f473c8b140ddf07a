"""Open a catalogue, and run transactions in it; each error message states the remedy."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Self, TypeVar

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from wallpapers.catalogue import sessions
from wallpapers.catalogue.bus_errors import handle_bus_errors
from wallpapers.catalogue.claims import Claims
from wallpapers.catalogue.entries import ConflictError, Entries, IsWhole
from wallpapers.catalogue.faults import DAMAGE, how_to_move_aside, remedy
from wallpapers.catalogue.read_only import connect as connect_read_only
from wallpapers.catalogue.read_only import is_on_read_only_file_system
from wallpapers.catalogue.runs import Runs
from wallpapers.catalogue.schema import VERSION
from wallpapers.catalogue.sessions import Session
from wallpapers.catalogue.upgrade import bind_to_store, upgrade, version_of
from wallpapers.errors import CatalogueError
from wallpapers.listings.text import one_line
from wallpapers.run.records import RunEnd

T = TypeVar("T")

# For PostgreSQL: a connection whose other end is silent counts as lost after some ten seconds.
KEEPALIVE: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # milliseconds
}
_LOCK_TIMEOUT_S = 10
_LOCK_POLL_S = 0.01
_TRIES = 5
# PostgreSQL's codes for conflicts with another transaction: a deadlock, a serialization failure, a
# missing foreign key, a duplicate key.
_CONFLICTS = {"40P01", "40001", "23503", "23505"}


class Catalogue:
    """An open catalogue, which is intact and has the current schema.

    *is_whole* returns whether the store has the file of a row. Not safe for use by several threads
    concurrently. Every failure is a CatalogueError with a message of one line.
    """

    def __init__(
        self,
        engine: Engine,
        is_whole: IsWhole,
        endpoint: str | None = None,
        claims: Claims | None = None,
    ) -> None:
        self._engine = engine
        self._is_whole = is_whole
        self._endpoint = endpoint
        self._claims = claims
        self._session: Session | None = None

    @classmethod
    def open(
        cls,
        url: URL,
        is_whole: IsWhole,
        remote_store: str = "",
        *,
        endpoint: str | None = None,
        claims: Claims | None = None,
        reads_only: bool = False,
        check: bool = False,
    ) -> Self:
        """Connect, check the tables, and bring the schema up to date.

        A missing SQLite file is created. The integrity of an SQLite file is checked if it was open
        when the system crashed, or with *check*. *remote_store* is the address of a store whose
        files are not checked, so the catalogue must belong to it. *endpoint* is recorded for new
        wallpapers; *claims* mark those that this run fetches.
        """
        catalogue = cls(_engine_of(url), is_whole, endpoint, claims)
        try:
            catalogue._begin(remote_store, reads_only=reads_only, check=check)
        except BaseException:
            catalogue.close()
            raise
        return catalogue

    @classmethod
    def open_unchanged(cls, url: URL, is_whole: IsWhole) -> Self | None:
        """Connect for reading only; return None for a database without tables.

        The file system of an SQLite file may be read-only. Raises CatalogueError for an older
        schema, which ``open`` would bring up to date.
        """
        on_read_only = is_on_read_only_file_system(url)
        engine = _sqlite(url, reads_only=True) if on_read_only else _engine_of(url)
        engine = engine.execution_options(reads_only=True, postgresql_readonly=True)
        catalogue = cls(engine, is_whole)
        try:
            with catalogue._translated_errors(), engine.begin() as connection:
                version = version_of(connection)
                if 0 < version < VERSION:
                    remedy = "copy it, and upgrade the copy" if on_read_only else "upgrade it"
                    raise CatalogueError(
                        f"schema {version} is older than {VERSION}, and nothing may be changed; "
                        f"{remedy} with the command stats"
                    )
                if version:
                    upgrade(connection)  # checks the tables
        except BaseException:
            catalogue.close()
            raise
        return catalogue if version else None

    def _begin(self, remote_store: str, *, reads_only: bool, check: bool) -> None:
        is_file = self._engine.dialect.name == "sqlite"
        left: list[str] = []
        session: Session | None = None
        with self._translated_errors(), self._engine.begin() as connection:
            if is_file and 0 < version_of(connection) < VERSION:
                _check_integrity(connection, "integrity_check")
            upgrade(connection)
            if remote_store:
                bind_to_store(connection, remote_store)
            if is_file:
                left = sessions.left_open(connection)
                session = None if reads_only else Session(connection)
        self._session = session
        if is_file and (left or check):
            self._check(left, "integrity_check" if check else "quick_check")

    def _check(self, left: list[str], pragma: str) -> None:
        """Check the integrity without blocking other programs, then remove the sessions *left*."""
        reader = self._engine.execution_options(reads_only=True)
        try:
            with self._translated_errors(), reader.begin() as connection:
                _check_integrity(connection, pragma)
        except CatalogueError:
            self._mark_damaged()
            raise
        if left:
            with self._translated_errors(), self._engine.begin() as connection:
                sessions.remove(connection, left)

    @property
    def reads_only(self) -> bool:
        """Whether every change fails."""
        return bool(self._engine.get_execution_options().get("reads_only"))

    def run(self, work: Callable[[Entries], T]) -> T:
        """Call *work* in one transaction, commit it, and return the result.

        After a conflict with another program, *work* is called again.
        """
        for tries_left in reversed(range(_TRIES)):
            try:
                with self._translated_errors(), self._engine.begin() as connection:
                    return work(Entries(connection, self._is_whole, self._endpoint, self._claims))
            except ConflictError:
                if not tries_left:
                    raise CatalogueError(
                        f"{self}: too many conflicts with other processes; run again"
                    ) from None
        raise AssertionError

    def close(self, end: RunEnd | None = None) -> None:
        """Record the *end* of a run and that the catalogue was closed, and disconnect."""
        session, self._session = self._session, None
        if session is not None or end is not None:
            with suppress(SQLAlchemyError, OSError), self._engine.begin() as connection:
                if end is not None:
                    Runs(connection).end(end)
                if session is not None:
                    session.end(connection)
        self._engine.dispose()

    def _mark_damaged(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(SQLAlchemyError, OSError), self._engine.begin() as connection:
                session.mark_damaged(connection)

    def __str__(self) -> str:
        url = self._engine.url
        name = (
            url.database
            if url.get_backend_name() == "sqlite"
            else url.set(query={}).render_as_string()
        )
        return f"the catalogue {name}"

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except CatalogueError as error:
            raise CatalogueError(f"{self}: {error}") from error
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", "") in _CONFLICTS:
                raise ConflictError from error
            message = one_line(str(error.orig).strip().partition("\n")[0]) or "connection lost"
            if any(word in message for word in DAMAGE):
                self._mark_damaged()
            hint = remedy(self._engine.url, message, getattr(error.orig, "sqlstate", None) or "")
            raise CatalogueError(f"{self}: {message}; {hint}") from error
        except (SQLAlchemyError, OSError) as error:
            message = one_line(str(error).partition("\n")[0])
            hint = remedy(self._engine.url, message)
            raise CatalogueError(f"{self}: {message}; {hint}") from error


def _engine_of(url: URL) -> Engine:
    # Scrapy enables all loggers at DEBUG, so SQLAlchemy would format each statement for the log.
    logging.getLogger("sqlalchemy").setLevel(logging.WARNING)
    return (_sqlite if url.get_backend_name() == "sqlite" else _postgresql)(url)


def _sqlite(url: URL, *, reads_only: bool = False) -> Engine:
    """Return an engine; *reads_only* is for a file on a read-only file system."""
    path = str(url.database)
    handle_bus_errors(path)
    connect: dict[str, Any] = {"connect_args": {"timeout": _LOCK_TIMEOUT_S}}
    if reads_only:
        connect = {"creator": partial(connect_read_only, path)}
    engine = sqlalchemy.create_engine(url, hide_parameters=True, **connect)

    @event.listens_for(engine, "connect")
    def connected(connection: Any, record: object) -> None:
        connection.isolation_level = None  # transactions are begun below
        if reads_only:
            return
        for pragma in ("synchronous = NORMAL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")
        if _may_be_ours(connection):
            _use_wal(connection)

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        # A transaction that reads first could not write once another has written.
        reads_only = connection.get_execution_options().get("reads_only")
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")

    return engine


def _may_be_ours(connection: Any) -> bool:
    """Return whether a file is a catalogue or empty; files of other programs are not changed."""
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return not tables or ("catalogue_version",) in tables


def _use_wal(connection: sqlite3.Connection) -> None:
    """Set the journal mode in which a writer does not block readers.

    If another program is writing the first page of a new file, SQLite refuses this immediately: its
    own timeout does not apply.
    """
    end_s = monotonic() + _LOCK_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or monotonic() > end_s:
                raise
            sleep(_LOCK_POLL_S)
        else:
            return


def _postgresql(url: URL) -> Engine:
    # It logs what fails after an error, which is raised, and resolved if it is a conflict.
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)
    return sqlalchemy.create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,  # a restarted server must not cause a failure
        connect_args=KEEPALIVE,
    )


def _check_integrity(connection: Connection, pragma: str) -> None:
    found = connection.exec_driver_sql(f"PRAGMA {pragma}(1)").scalar_one()
    if found != "ok":
        path = Path(str(connection.engine.url.database))
        detail = one_line(str(found))
        raise CatalogueError(f"it is damaged ({detail}); {how_to_move_aside(path)}")
