"""Define the tables that describe what images look like, keyed by the SHA-256 of the image.

A row stays when its image is removed: if the same content is stored again, its look is known.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

_tables = MetaData()

# One row for each content that was looked at; images/look.py describes the values.
looks = Table(
    "looks",
    _tables,
    Column("sha256", Text, primary_key=True),
    Column("version", Integer, nullable=False),  # of the function that returned the values
    Column("looked_at", Text, nullable=False),  # UTC, ISO 8601
    Column("error", Text),  # why it could not be decoded: a reason and its details
    Column("paired", Boolean, nullable=False),  # look_alikes has its pairs with all older looks
    # The rest is NULL with an error.
    Column("fingerprint", LargeBinary),  # 32 bytes
    Column("cells", LargeBinary),  # 192 bytes
    Column("plain", Boolean),
    Column("lightness", Double),  # 0 to 100
    Column("contrast", Double),
    Column("colourfulness", Double),
    Column("detail", Double),
    Column("sharpness_ratio", Double),
)

# Up to six rows for each look, in the order of their shares.
palettes = Table(
    "palettes",
    _tables,
    Column("sha256", Text, primary_key=True),
    Column("place", Integer, primary_key=True),  # from 0
    Column("share", Double, nullable=False),  # of the image, 0 to 1
    Column("hex", Text, nullable=False),  # sRGB, #rrggbb
    Column("l", Double, nullable=False),  # OKLab
    Column("a", Double, nullable=False),
    Column("b", Double, nullable=False),
)

# One row for each pair of images that look alike; ``one`` is the smaller sha256.
look_alikes = Table(
    "look_alikes",
    _tables,
    Column("one", Text, primary_key=True),
    Column("other", Text, primary_key=True),
    Column("bits", Integer),  # in which the fingerprints differ; NULL = only judged
    Column("colours", Double),  # difference of the cells, root mean square, in levels
    Column("kind", Text),  # same, marked or recoloured
    Column("verdict", Text),  # of the user: different
)

TABLES = _tables.sorted_tables


def create(connection: Connection) -> None:
    """Create the tables in a catalogue that lacks them; a step of the schema."""
    is_sqlite = connection.dialect.name == "sqlite"
    types = {"bytes": "BLOB" if is_sqlite else "BYTEA", "double": "DOUBLE PRECISION"}
    for statement in _STATEMENTS:
        connection.execute(text(statement.format(**types)))


_STATEMENTS = (
    """CREATE TABLE looks (
        sha256 TEXT PRIMARY KEY,
        version INTEGER NOT NULL,
        looked_at TEXT NOT NULL,
        error TEXT,
        paired BOOLEAN NOT NULL,
        fingerprint {bytes},
        cells {bytes},
        plain BOOLEAN,
        lightness {double},
        contrast {double},
        colourfulness {double},
        detail {double},
        sharpness_ratio {double}
    )""",
    "CREATE INDEX looks_unpaired ON looks (sha256) WHERE NOT paired",
    """CREATE TABLE palettes (
        sha256 TEXT NOT NULL,
        place INTEGER NOT NULL,
        share {double} NOT NULL,
        hex TEXT NOT NULL,
        l {double} NOT NULL,
        a {double} NOT NULL,
        b {double} NOT NULL,
        PRIMARY KEY (sha256, place)
    )""",
    "CREATE INDEX palettes_colour ON palettes (a, b)",
    """CREATE TABLE look_alikes (
        one TEXT NOT NULL,
        other TEXT NOT NULL,
        bits INTEGER,
        colours {double},
        kind TEXT,
        verdict TEXT,
        PRIMARY KEY (one, other)
    )""",
    "CREATE INDEX look_alikes_other ON look_alikes (other)",
)
