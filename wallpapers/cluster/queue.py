"""Add tasks to the queue of procrastinate, in the database of the catalogue.

Claiming, locks, heartbeats, priorities, retries and notifications are procrastinate's. It is used
because only a queue in the same database can add a task in the transaction that writes the rows.
"""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, select, text

from wallpapers.catalogue.catalogue import KEEPALIVE
from wallpapers.catalogue.cluster_tables import cluster_queue
from wallpapers.errors import CatalogueError, MissingLibraryError
from wallpapers.listings.text import one_line
from wallpapers.options.extras import extra_command

if TYPE_CHECKING:
    from procrastinate import App
    from sqlalchemy import URL

LISTING = "listing"
PICTURES = "pictures"
LOOK = "look"

_POOL_TIMEOUT_S = 10.0
_LISTING_PRIORITY = 10  # a page to read is work for all workers
_LOOK_PRIORITY = -10  # crawls first


def require_library() -> None:
    """Raise MissingLibraryError if procrastinate is not installed."""
    if find_spec("procrastinate") is None:
        raise MissingLibraryError(
            f"a cluster needs procrastinate, which is not installed: {extra_command('cluster')}"
        )
    # It logs each task, and a traceback for each lost connection; the worker reports both.
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)


def worker_app(url: URL) -> App:
    """Return the App of a worker, whose connections are asynchronous."""
    from procrastinate import App, PsycopgConnector

    from wallpapers.cluster.jobs import OwnJobManager

    address = url.translate_connect_args(username="user", database="dbname")
    connector = PsycopgConnector(
        kwargs={**KEEPALIVE, **address, **url.query},
        min_size=1,
        max_size=3,
        timeout=_POOL_TIMEOUT_S,
        # The pool doubles the pause after each failure; the next task that waits starts anew.
        reconnect_timeout=_POOL_TIMEOUT_S,
    )
    app = App(connector=connector)
    app.job_manager = OwnJobManager(connector)
    return app


class Queue:
    """Add tasks within a transaction of the catalogue."""

    def __init__(self) -> None:
        from procrastinate import App, SyncPsycopgConnector

        self._app = App(connector=SyncPsycopgConnector())  # never opened: tasks use the catalogue's

    def add_listing(self, connection: Connection, run: int, source: str) -> None:
        """Add the task that reads the listing of *run*; one per source runs at a time."""
        lock = f"{LISTING}:{source}"
        self._add(connection, LISTING, {"run": run}, lock=lock, priority=_LISTING_PRIORITY)

    def add_pictures(self, connection: Connection, run: int, page: int) -> None:
        """Add the task that downloads the wallpapers of a page."""
        self._add(connection, PICTURES, {"run": run, "page": page})

    def add_look(self, connection: Connection, part: int) -> None:
        """Add the task that describes a part of the stored images."""
        self._add(connection, LOOK, {"part": part}, priority=_LOOK_PRIORITY)

    def _add(
        self, connection: Connection, name: str, arguments: dict[str, int], **options: Any
    ) -> None:
        from procrastinate.exceptions import ConnectorException

        raw = connection.connection.driver_connection
        task = self._app.configure_task(name, connection=raw, **options)
        try:
            task.defer(**arguments)
        except ConnectorException as error:
            raise CatalogueError(reason_of(error)) from error


def reason_of(error: BaseException) -> str:
    """Return the message of the database driver for an *error* of the queue, as one line."""
    cause = error.__cause__ or error
    return one_line(str(cause).strip().partition("\n")[0]) or type(cause).__name__


def install(connection: Connection) -> None:
    """Create the tables of the queue, or apply the migrations that they lack."""
    from procrastinate.schema import SchemaManager, migrations_path

    migrations = {path.name: path for path in sorted(migrations_path.glob("*.sql"))}
    applied = connection.execute(select(cluster_queue.c.migration)).scalar_one_or_none()
    if applied is None:
        if not is_installed(connection):
            _execute(connection, SchemaManager.get_schema())
    else:
        for name, path in migrations.items():
            if name > applied:
                _execute(connection, path.read_text(encoding="utf-8"))
    connection.execute(delete(cluster_queue))
    connection.execute(cluster_queue.insert(), {"migration": max(migrations)})


def is_installed(connection: Connection) -> bool:
    """Return whether the database has the tables of the queue."""
    found = connection.execute(text("SELECT to_regclass('procrastinate_jobs')")).scalar_one()
    return found is not None


def _execute(connection: Connection, statements: str) -> None:
    """Execute a file of statements, without parameters."""
    connection.connection.cursor().execute(statements)
