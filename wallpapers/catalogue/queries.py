"""Read the catalogue for commands, and record what ``verify`` finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, select, update

from wallpapers.catalogue.decisions import HIDDEN_IMAGES, Decisions
from wallpapers.catalogue.read_listings import ReadListings
from wallpapers.catalogue.rows import image_of, now, wallpaper_of
from wallpapers.catalogue.runs import Runs
from wallpapers.catalogue.schema import pictures, wallpapers
from wallpapers.items import StoredImage, Wallpaper

if TYPE_CHECKING:
    from wallpapers.catalogue.look_alikes import LookAlikes
    from wallpapers.catalogue.looks import Looks
    from wallpapers.catalogue.search import Search
    from wallpapers.catalogue.shown import Shown

# An image that more wallpapers share is a placeholder.
MOST_SHARING = 5
_CHUNK = 500  # rows


@dataclass(frozen=True)
class Failed:
    """A failed wallpaper (None = unreadable row), and its endpoint (None = unknown)."""

    id: str
    wallpaper: Wallpaper | None
    endpoint: str | None


class Queries:
    """Read rows of one transaction for the commands.

    Modules that a crawl does not need are imported on use, so that a crawl starts sooner.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def read_listings(self) -> ReadListings:
        """The listings that were read to their end."""
        return ReadListings(self._connection)

    @property
    def runs(self) -> Runs:
        """The runs of the catalogue."""
        return Runs(self._connection)

    @property
    def looks(self) -> Looks:
        """What the images look like."""
        from wallpapers.catalogue.looks import Looks

        return Looks(self._connection)

    @property
    def look_alikes(self) -> LookAlikes:
        """Which images look alike."""
        from wallpapers.catalogue.look_alikes import LookAlikes

        return LookAlikes(self._connection)

    @property
    def search(self) -> Search:
        """The images of the store, to search in."""
        from wallpapers.catalogue.search import Search

        return Search(self._connection)

    @property
    def connection(self) -> Connection:
        """The connection, for the tables of other packages in the same transaction."""
        return self._connection

    @property
    def shown(self) -> Shown:
        """The stored wallpapers as a gallery shows them."""
        from wallpapers.catalogue.shown import Shown

        return Shown(self._connection)

    @property
    def decisions(self) -> Decisions:
        """What the user hides and stars."""
        return Decisions(self._connection)

    def failed(self, source: str, *, after: str = "", most: int = 60) -> list[Failed]:
        """Return failed wallpapers of *source* whose ids follow *after*, ordered by id.

        Hidden ones are left out.
        """
        rows = self._connection.execute(
            select(wallpapers.c.id, wallpapers.c.item, wallpapers.c.endpoint)
            .where(
                wallpapers.c.state == "failed",
                wallpapers.c.hidden_at.is_(None),
                wallpapers.c.source == source,
                wallpapers.c.id > after,
            )
            .order_by(wallpapers.c.id)
            .limit(most)
        )
        failed = []
        for row in rows:
            wallpaper = wallpaper_of(row.item)
            if wallpaper is not None:  # its key is that of the row, even if the item differs
                wallpaper = replace(wallpaper, source=source, id=row.id)
            failed.append(Failed(row.id, wallpaper, row.endpoint))
        return failed

    def count(
        self, *by: str, hidden: bool | None = None, **where: str
    ) -> dict[tuple[Any, ...], int]:
        """Return the number of wallpapers with the values *where*, grouped by the columns *by*.

        *hidden* selects those that are hidden, or those that are not; None = both.
        """
        columns = [wallpapers.c[name] for name in by]
        conditions = [wallpapers.c[name] == value for name, value in where.items()]
        if hidden is not None:
            is_hidden = wallpapers.c.hidden_at.is_not(None)
            conditions.append(is_hidden if hidden else ~is_hidden)
        rows = self._connection.execute(
            select(*columns, func.count())
            .where(*conditions)
            .group_by(*columns)
            .order_by(func.count().desc(), *columns)
        )
        return {tuple(row[:-1]): row[-1] for row in rows}

    def formats(self) -> dict[str, tuple[int, int]]:
        """Return, for each format, the number of images in the store and their bytes.

        Hidden ones are left out: their files may be deleted.
        """
        rows = self._connection.execute(
            select(pictures.c.format, func.count(), func.sum(pictures.c.size))
            .where(pictures.c.sha256.not_in(HIDDEN_IMAGES))
            .group_by(pictures.c.format)
            .order_by(func.count().desc())
        )
        return {row[0]: (row[1], int(row[2])) for row in rows}

    def stored_bytes(self) -> int:
        """Return the sum of the sizes of all images in the store."""
        return sum(size_bytes for _, size_bytes in self.formats().values())

    def pictures(self, *, after: str = "", most: int = _CHUNK) -> list[StoredImage]:
        """Return stored images whose sha256 follows *after*, ordered by sha256.

        Hidden ones are left out.
        """
        rows = self._connection.execute(
            select(pictures)
            .where(pictures.c.sha256 > after, pictures.c.sha256.not_in(HIDDEN_IMAGES))
            .order_by(pictures.c.sha256)
            .limit(most)
        )
        return [image_of(row) for row in rows]

    def mark(self, checksum: str, *, damaged: bool) -> None:
        """Mark an image as damaged, or as intact again."""
        self._connection.execute(
            update(pictures)
            .where(pictures.c.sha256 == checksum)
            .values(damaged_at=now() if damaged else None)
        )

    def hidden_images(self) -> int:
        """Return the number of images all of whose wallpapers are hidden."""
        theirs = HIDDEN_IMAGES.distinct().subquery()
        return self._connection.execute(select(func.count()).select_from(theirs)).scalar_one()

    def follow(self, checksum: str, path: str) -> bool:
        """Record that the file of an image was moved to *path*.

        Return False, and change nothing, if *path* belongs to another image.
        """
        at_path = select(pictures.c.sha256).where(pictures.c.path == path)
        if self._connection.execute(at_path).scalar() not in (None, checksum):
            return False
        moved = {"path": path, "damaged_at": None}
        mine = pictures.c.sha256 == checksum
        return self._connection.execute(update(pictures).where(mine).values(moved)).rowcount == 1

    def drop_unused(self, checksum: str) -> bool:
        """Delete the row of an image that no wallpaper has; return False if one has it."""
        used = select(wallpapers.c.id).where(wallpapers.c.sha256 == checksum).exists()
        mine = pictures.delete().where(pictures.c.sha256 == checksum, ~used)
        return self._connection.execute(mine).rowcount == 1

    def files(self) -> Iterator[tuple[str, int, bool]]:
        """Yield path and size of each image, and whether it is hidden."""
        is_hidden = pictures.c.sha256.in_(HIDDEN_IMAGES)
        for row in self._connection.execute(select(pictures.c.path, pictures.c.size, is_hidden)):
            yield row[0], row[1], row[2]

    def shared(self, least: int = MOST_SHARING) -> dict[str, int]:
        """Return the paths of images that *least* or more wallpapers share, with their number."""
        count = func.count()
        rows = self._connection.execute(
            select(pictures.c.path, count)
            .join(wallpapers, wallpapers.c.sha256 == pictures.c.sha256)
            .group_by(pictures.c.path)
            .having(count >= least)
            .order_by(pictures.c.path)
        )
        return {row[0]: row[1] for row in rows}
