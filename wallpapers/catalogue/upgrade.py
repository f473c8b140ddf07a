"""Bring the tables of an older catalogue up to date, and refuse those of other programs."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, select, text

from wallpapers.catalogue.schema import STEPS, TABLES, VERSION, remote_store
from wallpapers.errors import CatalogueError

_UNUSABLE = "restore a backup, or use another catalogue with -s WALLPAPERS_CATALOGUE="

_LOCK = 7_262_001  # any number; PostgreSQL's advisory locks have no names


def upgrade(connection: Connection, *, to: int = VERSION) -> None:
    """Apply the missing steps up to *to*, within the caller's transaction.

    Two programs do not apply a step twice: SQLite's transactions are exclusive, and in PostgreSQL
    this one waits for a lock. Raises CatalogueError for a schema that is newer than this program,
    and for tables of another program.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    version = version_of(connection)
    if version == VERSION:
        _check_columns(connection)
    if version > VERSION:
        raise CatalogueError(
            f"catalogue schema {version} is newer than supported ({VERSION}); install the version "
            "of wallpapers that wrote it, or a later one"
        )
    if version >= to:
        return
    if version == 0:
        connection.execute(text("CREATE TABLE catalogue_version (version INTEGER NOT NULL)"))
        connection.execute(text("INSERT INTO catalogue_version VALUES (0)"))
    for step in STEPS[version:to]:
        for statement in step:
            if isinstance(statement, str):
                connection.execute(text(statement))
            else:
                statement(connection)
    connection.execute(text("UPDATE catalogue_version SET version = :to"), {"to": to})


def version_of(connection: Connection) -> int:
    """Return the number of the last step applied; 0 = an empty database. Raises CatalogueError."""
    names = set(inspect(connection).get_table_names())
    if "catalogue_version" in names:
        rows = connection.execute(text("SELECT * FROM catalogue_version LIMIT 2")).all()
        if len(rows) == 1 and isinstance(rows[0][0], int) and rows[0][0] > 0:
            return int(rows[0][0])
        found = ", ".join(repr(row[0]) for row in rows) or "no row"
        raise CatalogueError(f"catalogue_version must have one number, has {found}; {_UNUSABLE}")
    alone = connection.dialect.name == "sqlite"  # a server's database may be shared
    if names & {"pictures", "wallpapers"} or (alone and names):
        raise CatalogueError("database contains other tables; use another one")
    return 0


def _check_columns(connection: Connection) -> None:
    """Select no row of each table, which fails if a table or column is missing."""
    for table in TABLES:  # as text: compiling the statements would take most of the time
        columns = ", ".join(table.c.keys())
        connection.exec_driver_sql(f"SELECT {columns} FROM {table.name} WHERE 1 = 0")  # noqa: S608


def bind_to_store(connection: Connection, address: str) -> None:
    """Bind the catalogue to the remote store *address*. Raises CatalogueError for another one."""
    if not check_store(connection, address):
        connection.execute(remote_store.insert().values(address=address))


def check_store(connection: Connection, address: str) -> bool:
    """Return whether the catalogue is bound to *address*. Raises CatalogueError for another one."""
    owner = connection.execute(select(remote_store.c.address)).scalar_one_or_none()
    if owner not in (None, address):
        raise CatalogueError(
            f"catalogue belongs to store {owner}, not {address}; use another one with "
            "-s WALLPAPERS_CATALOGUE="
        )
    return owner is not None
