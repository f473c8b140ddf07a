"""Record when each listing was last read to its end, so that it can be skipped for some days."""

from __future__ import annotations

from sqlalchemy import Connection, select

from wallpapers.catalogue.rows import now
from wallpapers.catalogue.schema import read_listings

# The name of a listing, and the fingerprint of its arguments.
ListingKey = tuple[str, str]


class ReadListings:
    """The rows of listings that were read to their end, within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(self, source: str, listing: str, fingerprint: str) -> None:
        """Record that *listing* has just been read to its end."""
        key = {"source": source, "listing": listing, "fingerprint": fingerprint}
        mine = [read_listings.c[name] == value for name, value in key.items()]
        self._connection.execute(read_listings.delete().where(*mine))
        self._connection.execute(read_listings.insert().values(**key, read_at=now()))

    def since(self, source: str, time: str) -> dict[ListingKey, str]:
        """Return the listings of *source* that were read after *time*, and when each was read."""
        columns = (read_listings.c.listing, read_listings.c.fingerprint, read_listings.c.read_at)
        mine = (read_listings.c.source == source, read_listings.c.read_at > time)
        rows = self._connection.execute(select(*columns).where(*mine))
        return {(row.listing, row.fingerprint): row.read_at for row in rows}
