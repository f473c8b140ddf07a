"""Define the tables, and the numbered steps that upgrade older catalogues to them.

Steps are a list in this module, not files, so that they work from an egg.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Table,
    Text,
    false,
    text,
)

from wallpapers.catalogue import look_tables
from wallpapers.catalogue.cluster_tables import add_another_may_work, create_cluster_tables
from wallpapers.run.reasons import Verdict

_tables = MetaData()

# One row for each content in the store. Times are UTC, ISO 8601.
pictures = Table(
    "pictures",
    _tables,
    Column("sha256", Text, primary_key=True),  # of the stored bytes, hex
    Column("path", Text, nullable=False, unique=True),  # below IMAGES_STORE, with "/"
    Column("size", BigInteger, nullable=False),  # bytes
    Column("width", Integer, nullable=False),  # pixels, as displayed
    Column("height", Integer, nullable=False),
    Column("format", Text, nullable=False),
    Column("stored_at", Text, nullable=False),
    Column("damaged_at", Text),  # when its file was found not to have this sha256
)

# One row for each wallpaper that a listing named.
wallpapers = Table(
    "wallpapers",
    _tables,
    Column("source", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("listing", Text, nullable=False),
    Column("state", Text, nullable=False),  # listed, stored, filtered or failed
    Column("sha256", Text, ForeignKey("pictures.sha256")),  # its image, as last stored
    Column("url", Text, nullable=False),  # the candidate that worked
    # Is the image at *url* a preview, of which there may be an original?
    Column("preview", Boolean, nullable=False, server_default=false()),
    # Did the response of *url* object to AI training? False for those of older versions.
    Column("noai", Boolean, nullable=False, server_default=false()),
    Column("reason", Text, nullable=False),  # why it was filtered or failed
    Column("host", Text, nullable=False),  # at which it failed
    Column("tried", Text, nullable=False),  # each candidate with its result
    Column("attempts", Integer, nullable=False),  # runs in which it failed since it was stored
    Column("listed_at", Text, nullable=False),
    Column("changed_at", Text, nullable=False),
    Column("item", Text, nullable=False),  # JSON: the fields needed to request it again
    # Origin of the endpoint of the run that entered it; NULL = unknown, or a spider without one.
    Column("endpoint", Text),
    Column("claimed_by", Text),  # the run folder of the run that fetches it, until it is settled
    Column("hidden_at", Text),  # when the user hid it: it is not fetched again
    Column("starred_at", Text),  # when the user marked it as a favourite
)

# One row for each listing that named a wallpaper. A search is a listing with its words as name.
findings = Table(
    "findings",
    _tables,
    Column("source", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("listing", Text, primary_key=True),
    Column("found_at", Text, nullable=False),  # the first time; "" = by an older version
    ForeignKeyConstraint(["source", "id"], ["wallpapers.source", "wallpapers.id"]),
)

# One row for each program that has an SQLite catalogue open for writing: see sessions.py.
sessions = Table(
    "sessions",
    _tables,
    Column("token", Text, primary_key=True),
    Column("boot", Text, nullable=False),  # identifies the boot of the system that it runs on
)

# One row for each run that listed wallpapers. The columns of its end are NULL until then, and stay
# NULL if the run is killed.
runs = Table(
    "runs",
    _tables,
    Column("id", Text, primary_key=True),  # the name of its run folder, or cluster:<number>
    Column("source", Text, nullable=False),
    Column("arguments", Text, nullable=False),  # JSON object, with masked secrets
    Column("began_at", Text, nullable=False),
    Column("ended_at", Text),
    Column("exit_status", Integer),
    *(Column(verdict, BigInteger) for verdict in Verdict),  # wallpapers
    Column("left_over", BigInteger),  # wallpapers without a verdict, left for the next run
    Column("bytes", BigInteger),  # of the stored images
)

# One row for each listing that was read to its end.
read_listings = Table(
    "read_listings",
    _tables,
    Column("source", Text, primary_key=True),
    Column("listing", Text, primary_key=True),
    Column("fingerprint", Text, primary_key=True),  # of the arguments, which may have secrets
    Column("read_at", Text, nullable=False),  # when all of its wallpapers had a verdict
)

# At most one row: the remote store of the images. A folder may be moved, because its files are
# checked.
remote_store = Table("remote_store", _tables, Column("address", Text, nullable=False))

TABLES = [*_tables.sorted_tables, *look_tables.TABLES]

_PREVIEW = re.compile(r"-preview(?:-[0-9a-f]{10})?\.\w+$")  # how the name of its file ended


def _mark_previews(connection: Connection) -> None:
    """Set the new column ``preview`` for images that older versions marked in their file names."""
    rows = connection.execute(
        text(
            "SELECT w.source, w.id, w.url, w.item, p.path FROM wallpapers w "
            "JOIN pictures p ON p.sha256 = w.sha256 WHERE p.path LIKE '%-preview%'"
        )
    ).all()
    previews = [
        {"source": row.source, "id": row.id}
        for row in rows
        if _PREVIEW.search(row.path) and not _is_original(row.url, row.item)
    ]
    if previews:
        mine = "UPDATE wallpapers SET preview = TRUE WHERE source = :source AND id = :id"
        connection.execute(text(mine), previews)


def _is_original(url: str, item: str) -> bool:
    """Return whether the listing named *url* as an original."""
    try:
        given = dict(json.loads(item))
    except (TypeError, ValueError):
        return False
    return url in given.get("image_urls", ()) and url not in given.get("previews", ())


# Each step is a list of statements and functions. A released step is never changed.
STEPS: list[list[str | Callable[[Connection], None]]] = [
    [
        """CREATE TABLE pictures (
            sha256 TEXT PRIMARY KEY,
            path TEXT NOT NULL UNIQUE,
            size BIGINT NOT NULL,
            width INTEGER NOT NULL,
            height INTEGER NOT NULL,
            format TEXT NOT NULL,
            stored_at TEXT NOT NULL
        )""",
        """CREATE TABLE wallpapers (
            source TEXT NOT NULL,
            id TEXT NOT NULL,
            listing TEXT NOT NULL,
            state TEXT NOT NULL,
            sha256 TEXT REFERENCES pictures (sha256),
            url TEXT NOT NULL,
            reason TEXT NOT NULL,
            host TEXT NOT NULL,
            tried TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            listed_at TEXT NOT NULL,
            changed_at TEXT NOT NULL,
            item TEXT NOT NULL,
            PRIMARY KEY (source, id)
        )""",
        "CREATE INDEX wallpapers_sha256 ON wallpapers (sha256)",
        "CREATE INDEX wallpapers_state ON wallpapers (state, source, id)",
    ],
    ["ALTER TABLE pictures ADD COLUMN damaged_at TEXT"],
    ["CREATE TABLE remote_store (address TEXT NOT NULL)"],
    [
        "ALTER TABLE wallpapers ADD COLUMN preview BOOLEAN NOT NULL DEFAULT FALSE",
        _mark_previews,
    ],
    ["ALTER TABLE wallpapers ADD COLUMN endpoint TEXT"],
    [
        """CREATE TABLE sessions (
            token TEXT PRIMARY KEY,
            boot TEXT NOT NULL
        )"""
    ],
    ["ALTER TABLE wallpapers ADD COLUMN claimed_by TEXT"],
    [
        """CREATE TABLE runs (
            id TEXT PRIMARY KEY,
            source TEXT NOT NULL,
            arguments TEXT NOT NULL,
            began_at TEXT NOT NULL,
            ended_at TEXT,
            exit_status INTEGER,
            stored BIGINT,
            known BIGINT,
            duplicate BIGINT,
            filtered BIGINT,
            failed BIGINT,
            left_over BIGINT,
            bytes BIGINT
        )"""
    ],
    [create_cluster_tables],
    [
        """CREATE TABLE findings (
            source TEXT NOT NULL,
            id TEXT NOT NULL,
            listing TEXT NOT NULL,
            found_at TEXT NOT NULL,
            PRIMARY KEY (source, id, listing),
            FOREIGN KEY (source, id) REFERENCES wallpapers (source, id)
        )""",
        "INSERT INTO findings "
        "SELECT source, id, substr(listing, 1, 300), '' FROM wallpapers WHERE listing <> ''",
    ],
    [
        "ALTER TABLE wallpapers ADD COLUMN hidden_at TEXT",
        "ALTER TABLE wallpapers ADD COLUMN starred_at TEXT",
        "CREATE INDEX wallpapers_hidden ON wallpapers (source, state, sha256) "
        "WHERE hidden_at IS NOT NULL",
        "CREATE INDEX wallpapers_starred ON wallpapers (source, id) WHERE starred_at IS NOT NULL",
    ],
    [look_tables.create],
    [
        """CREATE TABLE read_listings (
            source TEXT NOT NULL,
            listing TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            read_at TEXT NOT NULL,
            PRIMARY KEY (source, listing, fingerprint)
        )"""
    ],
    ["ALTER TABLE wallpapers ADD COLUMN noai BOOLEAN NOT NULL DEFAULT FALSE"],
    ["CREATE INDEX pictures_folded_path ON pictures (lower(path))"],
    [add_another_may_work],
]
VERSION = len(STEPS)
