"""Read the stored wallpapers with the data that a gallery shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, and_, select, tuple_

from wallpapers.catalogue.chunks import chunks
from wallpapers.catalogue.look_tables import look_alikes, looks, palettes
from wallpapers.catalogue.rows import image_of, wallpaper_of
from wallpapers.catalogue.schema import findings, pictures, wallpapers
from wallpapers.items import Key, StoredImage, Wallpaper

_PAGE = 1_000  # wallpapers
_STORED = (
    select(
        *(wallpapers.c.source, wallpapers.c.id, wallpapers.c.item, wallpapers.c.url),
        *(wallpapers.c.starred_at, wallpapers.c.hidden_at, wallpapers.c.listing),
        *(pictures, looks.c.lightness, looks.c.detail),
    )
    .join(pictures, pictures.c.sha256 == wallpapers.c.sha256)
    .outerjoin(looks, looks.c.sha256 == pictures.c.sha256)
    .where(wallpapers.c.state == "stored", pictures.c.damaged_at.is_(None))
)


@dataclass(frozen=True)
class Swatch:
    """A colour of an image, in OKLab, and its share of the area, 0 to 1."""

    share: float
    lightness: float
    a: float
    b: float


@dataclass(frozen=True)
class ShownWallpaper:
    """A stored wallpaper; ``lightness`` (0 to 100) and ``detail`` are None without a look."""

    wallpaper: Wallpaper
    image: StoredImage
    stored_at: str  # UTC, ISO 8601
    starred: bool
    hidden: bool
    lightness: float | None
    detail: float | None
    listings: list[str] = field(default_factory=list)
    palette: list[Swatch] = field(default_factory=list)


class Shown:
    """Read stored wallpapers within one transaction. Those with damaged images are left out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(
        self, *, after: Key = ("", ""), most: int = _PAGE, since: str = ""
    ) -> tuple[list[ShownWallpaper], Key | None]:
        """Return wallpapers in the order of their keys, and the last key read; None = no more.

        They follow the key *after*, and were stored at *since* or later. Rows that cannot be
        read are left out.
        """
        rows = self._connection.execute(
            _STORED.where(
                tuple_(wallpapers.c.source, wallpapers.c.id) > tuple_(*after),
                pictures.c.stored_at >= since,
            )
            .order_by(wallpapers.c.source, wallpapers.c.id)
            .limit(most)
        ).all()
        if not rows:
            return [], None
        listings = self._listings(after, (rows[-1].source, rows[-1].id))
        swatches = self._swatches([row.sha256 for row in rows])
        found = [
            ShownWallpaper(
                wallpaper,
                image_of(row, row.url),
                row.stored_at,
                starred=row.starred_at is not None,
                hidden=row.hidden_at is not None,
                lightness=row.lightness,
                detail=row.detail,
                listings=listings.get((row.source, row.id), [row.listing]),
                palette=swatches.get(row.sha256, []),
            )
            for row in rows
            if (wallpaper := wallpaper_of(row.item)) is not None
        ]
        return found, (rows[-1].source, rows[-1].id)

    def newest_since(self, count: int) -> str:
        """Return a time since which about *count* images were stored; empty if there are fewer."""
        times = select(pictures.c.stored_at).order_by(pictures.c.stored_at.desc())
        return self._connection.execute(times.offset(count).limit(1)).scalar() or ""

    def has_image(self, path: str) -> bool:
        """Return whether *path* is that of a stored image."""
        found = select(pictures.c.sha256).where(pictures.c.path == path)
        return self._connection.execute(found).first() is not None

    def image(self, checksum: str) -> StoredImage | None:
        """Return the stored image with this sha256."""
        row = self._connection.execute(
            select(pictures).where(pictures.c.sha256 == checksum)
        ).one_or_none()
        return image_of(row) if row else None

    def without_look(self, checksums: Sequence[str]) -> set[str]:
        """Return those of the *checksums* whose images have no look."""
        known: set[str] = set()
        for chunk in chunks(checksums):
            seen = select(looks.c.sha256).where(looks.c.sha256.in_(chunk))
            known.update(self._connection.execute(seen).scalars())
        return set(checksums) - known

    def has_look_alikes(self) -> bool:
        """Return whether look-alikes were searched for and found."""
        return self._connection.execute(select(look_alikes.c.one).limit(1)).first() is not None

    def _listings(self, after: Key, last: Key) -> dict[Key, list[str]]:
        found: dict[Key, list[str]] = defaultdict(list)
        key = tuple_(findings.c.source, findings.c.id)
        rows = self._connection.execute(
            select(findings.c.source, findings.c.id, findings.c.listing)
            .where(and_(key > tuple_(*after), key <= tuple_(*last)))
            .order_by(findings.c.source, findings.c.id, findings.c.listing)
        )
        for row in rows:
            found[row.source, row.id].append(row.listing)
        return found

    def _swatches(self, checksums: Sequence[str]) -> dict[str, list[Swatch]]:
        found: dict[str, list[Swatch]] = defaultdict(list)
        for chunk in chunks(checksums):
            rows = self._connection.execute(
                select(palettes)
                .where(palettes.c.sha256.in_(chunk))
                .order_by(palettes.c.sha256, palettes.c.place)
            )
            for row in rows:
                found[row.sha256].append(Swatch(row.share, row.l, row.a, row.b))
        return found
