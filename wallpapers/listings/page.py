"""One page of a listing, whatever protocol it came by: where it begins, and what it names."""

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
    """What a page of a listing names.

    ``entries`` counts what came, good and bad: paging advances by it. ``rejected`` counts, by
    reason, the entries that are no wallpaper at all. ``total`` is what the source claims the whole
    listing holds, or None; it is never to be trusted.
    """

    wallpapers: list[Wallpaper] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    entries: int = 0
    total: int | None = None
    cursor: str = ""  # what the source wants to be told when it is asked for the next page
    ended: bool = False  # the source itself says that no page follows
    compare: Callable[[], Drift] = field(default=Drift, repr=False, compare=False)

    @cached_property
    def drift(self) -> Drift:
        """How far its entries are from what was seen before; costs a tenth of reading them."""
        return self.compare()


@dataclass(frozen=True)
class Position:
    """Where a page begins. One source asks by offset, another by number, a third by cursor."""

    offset: int = 0  # entries before it, 0-based
    number: int = 1  # of the page
    cursor: str = ""  # what the page before said

    def after(self, page: Page) -> Position:
        """Return where the page behind *page*, which began here, begins."""
        return Position(self.offset + page.entries, self.number + 1, page.cursor)


def page_of(
    entries: list[Any], schema: Expected, read: Callable[[dict[str, Any]], Wallpaper]
) -> Page:
    """Return the page of *entries*; one that is bad costs itself and is counted.

    *read* makes a wallpaper of an entry. One without a candidate is none; where it names previews
    all the same, that is its reason.
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
    """Return the list that *answer* has under *key*; null and absent are an empty one.

    Raises ListingError where *answer* is no object or has something else there.
    """
    if not isinstance(answer, dict):
        raise ListingError(f"JSON, but a {type(answer).__name__} instead of an object")
    entries = answer.get(key)
    if entries is None:
        return []
    if not isinstance(entries, list):
        raise ListingError(f"JSON whose {key} is a {type(entries).__name__} instead of a list")
    return entries


def request_url(endpoint: str, parameters: Mapping[str, object]) -> str:
    """Return *endpoint* with *parameters*; its own are kept, except for those of the same name."""
    parts = urlsplit(endpoint)
    kept = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name not in parameters
    ]
    return urlunsplit(parts._replace(query=urlencode([*kept, *parameters.items()]), fragment=""))
