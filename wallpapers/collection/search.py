"""Search the collection: by lightness, colour, size, source, words, and only the best copies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from wallpapers.catalogue.chunks import chunks
from wallpapers.catalogue.looks import Colour
from wallpapers.catalogue.search import Condition, FoundImage, Origin
from wallpapers.collection.look_alikes import worse_copies
from wallpapers.options.filters import ImageFilters

if TYPE_CHECKING:
    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.catalogue.entries import Entries

# OKLab lightness, 0 to 100. A dark image does not dazzle at night, a light one suits a bright room.
MAX_DARK, MIN_LIGHT = 40.0, 65.0

_COLOUR_RADIUS = 0.12  # distance in OKLab; a fifth of that is just noticeable
_MIN_COLOUR_SHARE = 0.05  # of the image


@dataclass(frozen=True)
class Criteria:
    """What to search for; empty values mean no condition. All conditions must hold."""

    condition: Condition = field(default_factory=Condition)
    filters: ImageFilters = field(default_factory=ImageFilters)
    colours: tuple[Colour, ...] = ()  # each must occur
    words: tuple[str, ...] = ()  # in title, tags, listings or credit; case does not matter
    best: bool = False  # leave out images of which there is a better copy


def search(catalogue: Catalogue, criteria: Criteria) -> Iterator[FoundImage]:
    """Yield matching images, ordered by sha256; with colours, the largest shares come first.

    Hidden and damaged images are left out. Raises StoreError.
    """
    shares = _shares(catalogue, criteria.colours)
    worse = worse_copies(catalogue) if criteria.best else set()

    def matches(found: FoundImage) -> bool:
        image = found.image
        checksum = image["checksum"]
        return (
            checksum not in worse
            and (shares is None or checksum in shares)
            and not criteria.filters.find_mismatch(
                image["width"], image["height"], size_bytes=image["size"], kind=image["format"]
            )
        )

    matching = (
        found
        for page in _pages(catalogue, criteria)
        for found in _with_words(catalogue, [one for one in page if matches(one)], criteria.words)
    )
    if shares is None:
        return matching
    return iter(sorted(matching, key=lambda found: -shares[found.image["checksum"]]))


def _pages(catalogue: Catalogue, criteria: Criteria) -> Iterator[list[FoundImage]]:
    """Yield images that meet the condition, ordered by sha256; with words, those that may match."""
    condition = criteria.condition
    if criteria.words:
        mentioning = catalogue.run(lambda e: [e.search.mentioning(one) for one in criteria.words])
        for some in chunks(sorted(set.intersection(*mentioning))):
            found = catalogue.run(lambda e: e.search.images(some, condition))  # noqa: B023
            yield [found[checksum] for checksum in some if checksum in found]
        return

    def read(entries: Entries, after: str) -> list[FoundImage]:
        return entries.search.page(condition, after=after)

    after = ""
    while page := catalogue.run(partial(read, after=after)):
        yield page
        after = page[-1].image["checksum"]


def _shares(catalogue: Catalogue, colours: Sequence[Colour]) -> dict[str, float] | None:
    """Return the share of the colours in each image that has all of them; None = any colour."""
    if not colours:
        return None

    def read(entries: Entries) -> list[dict[str, float]]:
        return [entries.looks.shares_of_colour(colour, _COLOUR_RADIUS) for colour in colours]

    first, *others = catalogue.run(read)
    return {
        checksum: min(shares)
        for checksum in first
        if min(shares := [one.get(checksum, 0) for one in (first, *others)]) >= _MIN_COLOUR_SHARE
    }


def _with_words(
    catalogue: Catalogue, found: list[FoundImage], words: Sequence[str]
) -> list[FoundImage]:
    """Return the images whose wallpapers have all *words*."""
    if not words or not found:
        return found
    checksums = [one.image["checksum"] for one in found]
    origins = catalogue.run(lambda entries: entries.search.origins(checksums))
    wanted = [word.casefold() for word in words]

    def matches(one: FoundImage) -> bool:
        text = "\n".join(map(_text, origins.get(one.image["checksum"], ()))).casefold()
        return all(word in text for word in wanted)

    return [one for one in found if matches(one)]


def _text(origin: Origin) -> str:
    wallpaper = origin.wallpaper
    said = (wallpaper.title, wallpaper.credit, wallpaper.listing, *wallpaper.tags, *origin.listings)
    return "\n".join(said)
