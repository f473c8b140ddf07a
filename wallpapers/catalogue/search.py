"""Search the images of the store by what they look like and where they were found."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, select

from wallpapers.catalogue.chunks import chunks
from wallpapers.catalogue.decisions import HIDDEN_IMAGES
from wallpapers.catalogue.look_tables import looks
from wallpapers.catalogue.looks import HAS_VALUES
from wallpapers.catalogue.rows import image_of, wallpaper_of
from wallpapers.catalogue.schema import findings, pictures, wallpapers
from wallpapers.items import Key, StoredImage, Wallpaper

_PAGE = 500  # images
_OF_WALLPAPER = and_(findings.c.source == wallpapers.c.source, findings.c.id == wallpapers.c.id)


@dataclass(frozen=True)
class Tonality:
    """The part of a look by which images are searched and compared."""

    fingerprint: bytes
    lightness: float
    contrast: float
    colourfulness: float
    detail: float
    sharpness_ratio: float


@dataclass(frozen=True)
class FoundImage:
    """A stored image; ``tonality`` is None if it has no look."""

    image: StoredImage
    stored_at: str  # UTC, ISO 8601
    tonality: Tonality | None


@dataclass(frozen=True)
class Origin:
    """A wallpaper that has an image."""

    source: str
    id: str
    url: str  # that the image was downloaded from
    wallpaper: Wallpaper  # as its listing described it
    listings: list[str]  # by which it was found
    noai: bool  # its server objects to the training of models


@dataclass(frozen=True)
class Condition:
    """A condition that the catalogue itself can check; empty values mean no condition."""

    min_lightness: float = 0.0
    max_lightness: float = 100.0
    sources: tuple[str, ...] = ()
    starred: bool = False

    @property
    def needs_look(self) -> bool:
        """Whether images without a look cannot match."""
        return self.min_lightness > 0 or self.max_lightness < 100


_ANY = Condition()
_TONALITY = [field.name for field in fields(Tonality)]


class Search:
    """Read images within one transaction. Hidden and damaged ones are left out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, condition: Condition, *, after: str = "", most: int = _PAGE) -> list[FoundImage]:
        """Return a page of images, ordered by sha256, that follow the sha256 *after*."""
        query = _images().where(_matches(condition), pictures.c.sha256 > after)
        rows = self._connection.execute(query.order_by(pictures.c.sha256).limit(most))
        return [_found(row) for row in rows]

    def images(
        self, checksums: Iterable[str], condition: Condition = _ANY
    ) -> dict[str, FoundImage]:
        """Return the images with these sha256."""
        found = {}
        for some in chunks(list(checksums)):
            query = _images().where(_matches(condition), pictures.c.sha256.in_(some))
            for row in self._connection.execute(query):
                found[row.sha256] = _found(row)
        return found

    def checksums(self, keys: Iterable[Key]) -> set[str]:
        """Return the sha256 of the images that these wallpapers have."""
        found: set[str | None] = set()
        for source, identity in keys:
            mine = (wallpapers.c.source == source, wallpapers.c.id == identity)
            found |= set(
                self._connection.execute(select(wallpapers.c.sha256).where(*mine)).scalars()
            )
        return {checksum for checksum in found if checksum}

    def mentioning(self, word: str) -> set[str]:
        """Return the sha256 of all images with *word* in their rows, ignoring case.

        Some others may be returned, too: parsing the rows would take too long, so *word* may be in
        a part of a row that the search does not cover.
        """
        folded = word.casefold()
        in_json = json.dumps(folded, ensure_ascii=False)[1:-1]
        rows = self._connection.execute(
            select(wallpapers.c.sha256, wallpapers.c.item)
            .where(wallpapers.c.sha256.is_not(None), wallpapers.c.hidden_at.is_(None))
            .execution_options(yield_per=_PAGE)
        )
        found = {checksum for checksum, item in rows if in_json in item.casefold() or "\\u" in item}
        listings = self._connection.execute(select(findings.c.listing).distinct()).scalars()
        for some in chunks([listing for listing in listings if folded in listing.casefold()]):
            mine = select(wallpapers.c.sha256).join(findings, _OF_WALLPAPER)
            found |= set(
                self._connection.execute(
                    mine.where(findings.c.listing.in_(some), wallpapers.c.sha256.is_not(None))
                ).scalars()
            )
        return found

    def origins(self, checksums: Sequence[str]) -> dict[str, list[Origin]]:
        """Return the wallpapers that have these images, ordered by source and id.

        Hidden ones, and those whose rows cannot be read, are left out.
        """
        found: dict[str, list[Origin]] = defaultdict(list)
        for some in chunks(checksums):
            mine = and_(wallpapers.c.sha256.in_(some), wallpapers.c.hidden_at.is_(None))
            listings = self._listings(mine)
            rows = self._connection.execute(
                select(wallpapers).where(mine).order_by(wallpapers.c.source, wallpapers.c.id)
            )
            for row in rows:
                if (wallpaper := wallpaper_of(row.item)) is not None:
                    key = row.source, row.id
                    found[row.sha256].append(
                        Origin(*key, row.url, wallpaper, listings[key], bool(row.noai))
                    )
        return dict(found)

    def _listings(self, condition: ColumnElement[bool]) -> dict[Key, list[str]]:
        """Return the listings in which the wallpapers of *condition* were found, by key."""
        found: dict[Key, list[str]] = defaultdict(list)
        rows = self._connection.execute(
            select(findings.c.source, findings.c.id, findings.c.listing)
            .join(wallpapers, _OF_WALLPAPER)
            .where(condition)
            .order_by(findings.c.listing)
        )
        for row in rows:
            found[row.source, row.id].append(row.listing)
        return found


def _images() -> Select[Any]:
    has_look = and_(looks.c.sha256 == pictures.c.sha256, HAS_VALUES)
    values = [looks.c[name] for name in _TONALITY]
    return select(pictures, *values).select_from(pictures.outerjoin(looks, has_look))


def _matches(condition: Condition) -> ColumnElement[bool]:
    is_shown: list[ColumnElement[bool]] = [
        pictures.c.damaged_at.is_(None),
        pictures.c.sha256.not_in(HIDDEN_IMAGES),
    ]
    if condition.needs_look:
        least, most = condition.min_lightness, condition.max_lightness
        is_shown.append(looks.c.lightness.between(least, most))
    if condition.sources or condition.starred:
        mine = select(wallpapers.c.id).where(
            wallpapers.c.sha256 == pictures.c.sha256, wallpapers.c.hidden_at.is_(None)
        )
        if condition.sources:
            mine = mine.where(wallpapers.c.source.in_(condition.sources))
        if condition.starred:
            mine = mine.where(wallpapers.c.starred_at.is_not(None))
        is_shown.append(mine.exists())
    return and_(*is_shown)


def _found(row: Row[Any]) -> FoundImage:
    values = [getattr(row, name) for name in _TONALITY]
    tonality = None if row.fingerprint is None else Tonality(*values)
    return FoundImage(image_of(row), row.stored_at, tonality)
