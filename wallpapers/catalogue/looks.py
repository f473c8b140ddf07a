"""Read and write what images look like."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import dist
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select

from wallpapers.catalogue.chunks import chunks
from wallpapers.catalogue.decisions import HIDDEN_IMAGES
from wallpapers.catalogue.look_tables import look_alikes, looks, palettes
from wallpapers.catalogue.rows import image_of, now
from wallpapers.catalogue.schema import pictures
from wallpapers.images.look import VERSION, Look, Swatch
from wallpapers.items import StoredImage

Colour = tuple[float, float, float]  # OKLab

_PAGE = 500  # images
_VALUES = (
    *("fingerprint", "cells", "plain", "lightness", "contrast", "colourfulness", "detail"),
    "sharpness_ratio",
)

# Conditions: a look of this version, and one that has values instead of an error.
IS_CURRENT = and_(looks.c.sha256 == pictures.c.sha256, looks.c.version == VERSION)
HAS_VALUES = and_(looks.c.version == VERSION, looks.c.error.is_(None))


@dataclass(frozen=True)
class Tone:
    """The values that distinguish a copy of a picture from a version in other colours."""

    cells: bytes  # mean sRGB colours of 8x8 cells
    contrast: float
    plain: bool


class Looks:
    """Read and write looks within one transaction. Only looks of the current VERSION count."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def without_look(
        self,
        *,
        after: str = "",
        before: str = "g",
        most: int = _PAGE,
        with_errors: bool = False,
    ) -> list[StoredImage]:
        """Return images without a look, ordered by sha256, between *after* and *before*.

        Damaged and hidden ones are left out. *with_errors* adds those that could not be decoded.
        """
        rows = self._connection.execute(
            select(pictures)
            .where(_needs_look(with_errors), pictures.c.sha256.between(after, before))
            .where(pictures.c.sha256 > after)
            .order_by(pictures.c.sha256)
            .limit(most)
        )
        return [image_of(row) for row in rows]

    def count_without_look(self, *, with_errors: bool = False) -> int:
        """Return the total number of images that ``without_look`` returns."""
        counted = select(func.count()).select_from(pictures).where(_needs_look(with_errors))
        return self._connection.execute(counted).scalar_one()

    def put_looks(self, seen: Mapping[str, Look | str]) -> None:
        """Write looks by sha256, or the reason why there is none; older looks are replaced.

        Their look-alikes are removed, except those that the user has judged. The next comparison
        finds them again.
        """
        for some in chunks(list(seen)):
            self._connection.execute(delete(looks).where(looks.c.sha256.in_(some)))
            self._connection.execute(delete(palettes).where(palettes.c.sha256.in_(some)))
            theirs = or_(look_alikes.c.one.in_(some), look_alikes.c.other.in_(some))
            undecided = look_alikes.c.verdict.is_(None)
            self._connection.execute(delete(look_alikes).where(theirs, undecided))
        rows = [_look_row(sha256, value) for sha256, value in seen.items()]
        if rows:
            self._connection.execute(looks.insert(), rows)
        swatches = [
            {"sha256": sha256, "place": place, **vars(swatch)}
            for sha256, value in seen.items()
            if isinstance(value, Look)
            for place, swatch in enumerate(value.palette)
        ]
        if swatches:
            self._connection.execute(palettes.insert(), swatches)

    def look_errors(self) -> dict[str, str]:
        """Return why images could not be decoded, by path."""
        rows = self._connection.execute(
            select(pictures.c.path, looks.c.error)
            .join(looks, IS_CURRENT)
            .where(looks.c.error.is_not(None))
            .order_by(pictures.c.path)
        )
        return {row.path: row.error for row in rows}

    def fingerprints(self, *, after: str = "", most: int = 10_000) -> list[tuple[str, bytes]]:
        """Return sha256 and fingerprint of looks that follow *after*, ordered by sha256."""
        rows = self._connection.execute(
            select(looks.c.sha256, looks.c.fingerprint)
            .where(HAS_VALUES, looks.c.sha256 > after)
            .order_by(looks.c.sha256)
            .limit(most)
        )
        return [(row.sha256, row.fingerprint) for row in rows]

    def tones(self, checksums: Iterable[str]) -> dict[str, Tone]:
        """Return the tones of looks by sha256."""
        columns = (looks.c.sha256, looks.c.cells, looks.c.contrast, looks.c.plain)
        found = {}
        for some in chunks(list(checksums)):
            rows = select(*columns).where(looks.c.sha256.in_(some), HAS_VALUES)
            for row in self._connection.execute(rows):
                found[row.sha256] = Tone(row.cells, row.contrast, bool(row.plain))
        return found

    def palettes(self, checksums: Sequence[str]) -> dict[str, list[Swatch]]:
        """Return the palettes of looks by sha256, the largest share first."""
        found: dict[str, list[Swatch]] = {}
        for some in chunks(checksums):
            mine = palettes.c.sha256.in_(some)
            rows = select(palettes).where(mine).order_by(palettes.c.sha256, palettes.c.place)
            for row in self._connection.execute(rows):
                swatch = Swatch(row.hex, row.share, row.l, row.a, row.b)
                found.setdefault(row.sha256, []).append(swatch)
        return found

    def shares_of_colour(self, colour: Colour, radius: float) -> dict[str, float]:
        """Return images that contain about this *colour*, with its share of each image.

        A swatch counts in full if it is the colour, and not at all at a distance of *radius*.
        """
        near = [
            column.between(value - radius, value + radius)
            for column, value in zip(
                (palettes.c.l, palettes.c.a, palettes.c.b), colour, strict=True
            )
        ]
        shares: dict[str, float] = defaultdict(float)
        for row in self._connection.execute(select(palettes).where(*near)):
            distance = dist((row.l, row.a, row.b), colour)
            if distance < radius:
                shares[row.sha256] += row.share * (1 - distance / radius)
        return dict(shares)


def _needs_look(with_errors: bool) -> ColumnElement[bool]:
    has_look = select(looks.c.sha256).where(IS_CURRENT)
    if with_errors:
        has_look = has_look.where(looks.c.error.is_(None))
    is_shown = pictures.c.sha256.not_in(HIDDEN_IMAGES)
    return and_(~has_look.exists(), pictures.c.damaged_at.is_(None), is_shown)


def _look_row(sha256: str, value: Look | str) -> dict[str, Any]:
    values = {name: getattr(value, name, None) for name in _VALUES}
    return {
        **values,
        "sha256": sha256,
        "version": VERSION,
        "looked_at": now(),
        "error": value if isinstance(value, str) else None,
        "paired": False,
    }
