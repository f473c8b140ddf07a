"""Read and write what images look like, and which of them look alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select, update

from wallpapers.catalogue.decisions import HIDDEN_IMAGES
from wallpapers.catalogue.look_tables import look_alikes, looks, palettes
from wallpapers.catalogue.rows import image_of, now
from wallpapers.catalogue.schema import pictures
from wallpapers.images.look import VERSION, Look
from wallpapers.items import StoredImage

T = TypeVar("T")

_CHUNK = 500  # values in one statement; SQLite allows 32,766 parameters
_VALUES = (
    *("fingerprint", "cells", "plain", "lightness", "contrast", "colourfulness", "detail"),
    "sharpness_ratio",
)

# A look of this version, whether it has values or an error.
_IS_CURRENT = and_(looks.c.sha256 == pictures.c.sha256, looks.c.version == VERSION)
_HAS_VALUES = and_(looks.c.version == VERSION, looks.c.error.is_(None))


@dataclass(frozen=True)
class Pair:
    """Two images that look alike; ``one`` is the smaller sha256."""

    one: str
    other: str
    bits: int  # in which the fingerprints differ
    colours: float  # root mean square of the difference of the cells, in levels
    kind: str  # same, marked or recoloured


class Looks:
    """Reads and writes looks within one transaction. Only looks of the current VERSION count."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def without_look(
        self, *, after: str = "", most: int = _CHUNK, with_errors: bool = False
    ) -> list[StoredImage]:
        """Return images that were not looked at, by sha256, beginning behind the sha256 *after*.

        Damaged and hidden ones are left out. *with_errors* adds those that could not be decoded.
        """
        rows = self._connection.execute(
            select(pictures)
            .where(_needs_look(with_errors), pictures.c.sha256 > after)
            .order_by(pictures.c.sha256)
            .limit(most)
        )
        return [image_of(row) for row in rows]

    def count_without_look(self, *, with_errors: bool = False) -> int:
        """Return the number of images that ``without_look`` returns in all."""
        counted = select(func.count()).select_from(pictures).where(_needs_look(with_errors))
        return self._connection.execute(counted).scalar_one()

    def put_looks(self, seen: Mapping[str, Look | str]) -> None:
        """Write looks by sha256; a text is the reason why there is none. They replace older ones.

        Their look-alikes are removed, except what the user has decided, until they are paired anew.
        """
        for some in _chunks(list(seen)):
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
            .join(looks, _IS_CURRENT)
            .where(looks.c.error.is_not(None))
            .order_by(pictures.c.path)
        )
        return {row.path: row.error for row in rows}

    # Look-alikes

    def unpaired(self) -> list[str]:
        """Return the sha256 of the looks that are not paired with the others yet."""
        rows = select(looks.c.sha256).where(~looks.c.paired, _HAS_VALUES).order_by(looks.c.sha256)
        return list(self._connection.execute(rows).scalars())

    def fingerprints(self, *, after: str = "", most: int = 10_000) -> list[tuple[str, bytes]]:
        """Return sha256 and fingerprint of looks by sha256, beginning behind the sha256 *after*."""
        rows = self._connection.execute(
            select(looks.c.sha256, looks.c.fingerprint)
            .where(_HAS_VALUES, looks.c.sha256 > after)
            .order_by(looks.c.sha256)
            .limit(most)
        )
        return [(row.sha256, row.fingerprint) for row in rows]

    def cells(self, checksums: Iterable[str]) -> dict[str, tuple[bytes, bool]]:
        """Return the cells of looks, and whether each is plain, by sha256."""
        found = {}
        for some in _chunks(list(checksums)):
            rows = select(looks.c.sha256, looks.c.cells, looks.c.plain)
            for row in self._connection.execute(rows.where(looks.c.sha256.in_(some))):
                found[row.sha256] = row.cells, bool(row.plain)
        return found

    def put_pairs(self, pairs: Sequence[Pair], paired: Sequence[str]) -> None:
        """Write *pairs*, and that the looks *paired* have all of theirs; decisions are kept."""
        for some in _chunks(pairs):
            known = self._connection.execute(
                select(look_alikes.c.one, look_alikes.c.other).where(
                    look_alikes.c.one.in_([pair.one for pair in some])
                )
            ).all()
            known_keys = {(row.one, row.other) for row in known}
            for pair in some:
                if (pair.one, pair.other) in known_keys:
                    values = {"bits": pair.bits, "colours": pair.colours, "kind": pair.kind}
                    mine = update(look_alikes).where(_is_pair(pair.one, pair.other))
                    self._connection.execute(mine.values(values))
            new = [vars(pair) for pair in some if (pair.one, pair.other) not in known_keys]
            if new:
                self._connection.execute(look_alikes.insert(), new)
        for done in _chunks(paired):
            mine = update(looks).where(looks.c.sha256.in_(done), looks.c.version == VERSION)
            self._connection.execute(mine.values(paired=True))

    def pairs(self, kinds: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield the pairs of *kinds* that the user has not judged to be different."""
        rows = self._connection.execute(
            select(look_alikes.c.one, look_alikes.c.other)
            .where(look_alikes.c.kind.in_(kinds), look_alikes.c.verdict.is_(None))
            .order_by(look_alikes.c.one, look_alikes.c.other)
        )
        for row in rows:
            yield row.one, row.other

    def judge(self, one: str, other: str, verdict: str | None) -> None:
        """Record that the user calls two images ``different``; None takes it back."""
        one, other = sorted((one, other))
        mine = update(look_alikes).where(_is_pair(one, other)).values(verdict=verdict)
        if not self._connection.execute(mine).rowcount and verdict is not None:
            row = {"one": one, "other": other, "verdict": verdict}
            self._connection.execute(look_alikes.insert(), row)


def _needs_look(with_errors: bool) -> ColumnElement[bool]:
    has_look = select(looks.c.sha256).where(_IS_CURRENT)
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


def _is_pair(one: str, other: str) -> ColumnElement[bool]:
    return and_(look_alikes.c.one == one, look_alikes.c.other == other)


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
