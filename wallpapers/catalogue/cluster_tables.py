"""Define the tables with which many machines share work; only PostgreSQL has them.

Times are those of the database server, because the clocks of machines differ.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    DateTime,
    Integer,
    MetaData,
    Table,
    Text,
    func,
    text,
)

_tables = MetaData()
_now = func.now()

# One row for each run that was submitted.
cluster_runs = Table(
    "cluster_runs",
    _tables,
    Column("id", BigInteger, primary_key=True),
    Column("source", Text, nullable=False),  # name of the spider
    Column("arguments", Text, nullable=False),  # JSON: those of the spider, as given
    Column("state", Text, nullable=False),  # of its listing: reading, ended, failed, cancelled
    Column("message", Text, nullable=False),  # why the listing failed, one line
    Column("another_may_work", Boolean, nullable=False),  # another listing of the source
    Column("problem", Text, nullable=False),  # what last kept a worker from storing, one line
    Column("begun_at", DateTime(timezone=True), nullable=False, server_default=_now),
)

# One row for each page of a listing that was read, and one for the next page to read.
cluster_pages = Table(
    "cluster_pages",
    _tables,
    Column("run", BigInteger, primary_key=True),
    Column("number", Integer, primary_key=True),  # from 1
    Column("position", Text, nullable=False),  # JSON: offset, number and cursor
    Column("protocol", Text, nullable=False),  # of the sources that have more than one
    Column("read_at", DateTime(timezone=True)),
    Column("settled_at", DateTime(timezone=True)),  # when all its wallpapers had a verdict
    Column("entries", Integer, nullable=False),  # of any kind
    Column("listed", Integer, nullable=False),  # wallpapers that are new in the run
    Column("repeated", Integer, nullable=False),  # wallpapers that an earlier page listed
    Column("rejected", Text, nullable=False),  # JSON: invalid entries by reason
    Column("tries", Integer, nullable=False),  # workers that died while they read it
    Column("turn", Integer, nullable=False),  # how often it was begun; the last one may write
)

# One row for each wallpaper of a run: they add up to its account.
cluster_wallpapers = Table(
    "cluster_wallpapers",
    _tables,
    Column("run", BigInteger, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("page", Integer, nullable=False),
    Column("was_stored", Boolean, nullable=False),  # before the run listed it
    Column("verdict", Text),  # NULL = none yet
    Column("reason", Text, nullable=False),
    Column("host", Text, nullable=False),  # at which it failed
    Column("size", BigInteger, nullable=False),  # bytes that were stored
    Column("tries", Integer, nullable=False),  # workers that died while it was alone
)

# One row for each host that requests have to wait for.
cluster_hosts = Table(
    "cluster_hosts",
    _tables,
    Column("name", Text, primary_key=True),  # host and port
    Column("worker", BigInteger, nullable=False),  # that found it
    Column("until", DateTime(timezone=True), nullable=False),
)

# Names for the workers of the queue, whose own table has their heartbeats.
cluster_workers = Table(
    "cluster_workers",
    _tables,
    Column("id", BigInteger, primary_key=True),
    Column("name", Text, nullable=False),  # host and process
)

# One row: the newest migration of the queue's tables that was applied.
cluster_queue = Table("cluster_queue", _tables, Column("migration", Text, nullable=False))

_STATEMENTS = (
    """CREATE TABLE cluster_runs (
        id BIGINT PRIMARY KEY,
        source TEXT NOT NULL,
        arguments TEXT NOT NULL,
        state TEXT NOT NULL,
        message TEXT NOT NULL,
        problem TEXT NOT NULL,
        begun_at TIMESTAMPTZ NOT NULL DEFAULT now()
    )""",
    """CREATE TABLE cluster_pages (
        run BIGINT NOT NULL REFERENCES cluster_runs (id),
        number INTEGER NOT NULL,
        position TEXT NOT NULL,
        protocol TEXT NOT NULL,
        read_at TIMESTAMPTZ,
        settled_at TIMESTAMPTZ,
        entries INTEGER NOT NULL DEFAULT 0,
        listed INTEGER NOT NULL DEFAULT 0,
        repeated INTEGER NOT NULL DEFAULT 0,
        rejected TEXT NOT NULL DEFAULT '{}',
        tries INTEGER NOT NULL DEFAULT 0,
        turn INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (run, number)
    )""",
    """CREATE TABLE cluster_wallpapers (
        run BIGINT NOT NULL,
        source TEXT NOT NULL,
        id TEXT NOT NULL,
        page INTEGER NOT NULL,
        was_stored BOOLEAN NOT NULL,
        verdict TEXT,
        reason TEXT NOT NULL DEFAULT '',
        host TEXT NOT NULL DEFAULT '',
        size BIGINT NOT NULL DEFAULT 0,
        tries INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (run, source, id),
        FOREIGN KEY (run, page) REFERENCES cluster_pages (run, number)
    )""",
    "CREATE INDEX cluster_wallpapers_page ON cluster_wallpapers (run, page)",
    """CREATE TABLE cluster_hosts (
        name TEXT PRIMARY KEY,
        worker BIGINT NOT NULL,
        until TIMESTAMPTZ NOT NULL
    )""",
    "CREATE TABLE cluster_workers (id BIGINT PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE TABLE cluster_queue (migration TEXT NOT NULL)",
)


def create_cluster_tables(connection: Connection) -> None:
    """Create the tables in PostgreSQL; a step of the catalogue's schema."""
    if connection.dialect.name == "postgresql":
        for statement in _STATEMENTS:
            connection.execute(text(statement))


def add_another_may_work(connection: Connection) -> None:
    """Add ``cluster_runs.another_may_work``; a step of the catalogue's schema."""
    if connection.dialect.name == "postgresql":
        added = "another_may_work BOOLEAN NOT NULL DEFAULT FALSE"
        connection.execute(text(f"ALTER TABLE cluster_runs ADD COLUMN {added}"))
