"""Represent one page of a listing and its position, independently of the protocol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from wallpapers.errors import ListingError
from wallpapers.listings.drift import Drift, Expected, drift

if TYPE_CHECKING:
    from wallpapers.items import Wallpaper


@dataclass
class Page:
    """A parsed page of a listing.

    ``entries`` counts all entries, good and bad; paging advances by it. ``rejected`` counts invalid
    entries by reason. ``total`` is the number of entries of the whole listing as claimed by the
    source, or None; it is often wrong.
    """

    wallpapers: list[Wallpaper] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    entries: int = 0
    total: int | None = None
    cursor: str = ""  # to send with the request for the next page
    ended: bool = False  # the source states that this is the last page
    compare: Callable[[], Drift] = field(default=Drift, repr=False, compare=False)

    @cached_property
    def drift(self) -> Drift:
        """The differences from the expected format, computed on first access.

        This takes a tenth of the time of parsing the page.
        """
        return self.compare()


@dataclass(frozen=True)
class Position:
    """The position at which a page starts; each source uses offset, page number or cursor."""

    offset: int = 0  # entries before it, 0-based
    number: int = 1  # of the page
    cursor: str = ""  # from the previous page

    def after(self, page: Page) -> Position:
        """Return the position of the page that follows *page*, which starts at this position."""
        return Position(self.offset + page.entries, self.number + 1, page.cursor)


def page_of(
    entries: list[Any], schema: Expected, read: Callable[[dict[str, Any]], Wallpaper]
) -> Page:
    """Return the page with the wallpapers of *entries*; bad entries are skipped and counted.

    *read* converts an entry to a wallpaper. A wallpaper without candidates is rejected, with the
    reason ``only_previews`` if it has previews.
    """
    page = Page(entries=len(entries), compare=partial(drift, entries, schema))
    for entry in entries:
        if not isinstance(entry, dict):
            page.rejected["not_an_object"] += 1
            continue
        wallpaper = read(entry)
        if wallpaper.image_urls:
            page.wallpapers.append(wallpaper)
        else:
            page.rejected["only_previews" if wallpaper.previews else "no_candidate"] += 1
    return page


def entries_of(answer: object, key: str) -> list[Any]:
    """Return the list under *key*, or an empty list if it is null or absent.

    Raises ListingError if *answer* is not an object or the value is not a list.
    """
    if not isinstance(answer, dict):
        raise ListingError(f"JSON: expected an object, got {type(answer).__name__}")
    entries = answer.get(key)
    if entries is None:
        return []
    if not isinstance(entries, list):
        raise ListingError(f"JSON: expected a list in {key}, got {type(entries).__name__}")
    return entries


def object_of(entry: Mapping[str, object], key: str) -> dict[str, Any]:
    """Return the object under *key*, or an empty one for any other value."""
    value = entry.get(key)
    return value if isinstance(value, dict) else {}


def request_url(endpoint: str, parameters: Mapping[str, object]) -> str:
    """Return *endpoint* with *parameters* added to its query; equal names are replaced."""
    parts = urlsplit(endpoint)
    kept = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name not in parameters
    ]
    return urlunsplit(parts._replace(query=urlencode([*kept, *parameters.items()]), fragment=""))
