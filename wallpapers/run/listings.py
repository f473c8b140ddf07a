"""Record the listings of a run: how each one ended, and the verdicts of its wallpapers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from wallpapers.signals import listing_settled

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

WANTED = "wanted"  # a crawl would download it, but this is a dry run


class ListingEnd(StrEnum):
    """How a listing ended."""

    READ = "read"  # to its end, or to the limit
    SKIPPED = "skipped"  # because it was read recently
    FAILED = "failed"
    UNFINISHED = "unfinished"  # the run ended before its last page or wallpaper
    UNREAD = "unread"  # the run ended before it was begun


@dataclass
class ListingAccount:
    """One listing that was begun or skipped, and the verdicts of its wallpapers."""

    name: str
    fingerprint: str = ""  # of its arguments
    read_at: str = ""  # when a listing that is skipped was read
    pages_end: ListingEnd = ListingEnd.UNFINISHED
    listed: int = 0
    is_yielded: bool = False  # no further wallpapers will be listed
    settled: Counter[str] = field(default_factory=Counter)  # wallpapers by verdict, or WANTED

    @property
    def is_settled(self) -> bool:
        """Whether each of its wallpapers has a verdict, or is wanted."""
        return self.settled.total() == self.listed

    @property
    def end(self) -> ListingEnd:
        """How the listing ended; one that is not settled is unfinished."""
        if self.pages_end is ListingEnd.READ and not self.is_settled:
            return ListingEnd.UNFINISHED
        return self.pages_end


class Listings:
    """The listings of a run, in the order in which they are read.

    Stats: ``wallpapers/listings/<end>``.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler  # the stats collector does not exist yet
        self._by_name: dict[str, ListingAccount] = {}
        self._current: ListingAccount | None = None
        self.unread = 0

    @property
    def begun(self) -> list[ListingAccount]:
        """The listings that were begun."""
        return list(self._by_name.values())

    @property
    def are_read(self) -> bool:
        """Whether the pages of all listings were read to their end, now or recently."""
        ends = {listing.pages_end for listing in self._by_name.values()}
        return ends <= {ListingEnd.READ, ListingEnd.SKIPPED} and not self.unread

    @property
    def any_is_read(self) -> bool:
        """Whether the pages of a listing were read to their end."""
        return any(listing.pages_end is ListingEnd.READ for listing in self._by_name.values())

    def begin(self, listing: ListingAccount, remaining: int) -> None:
        """Record that *listing* is begun or skipped; *remaining* others are not begun yet."""
        self._current = self._by_name.setdefault(listing.name, listing)
        self.unread = remaining

    def end(self, how: ListingEnd) -> None:
        """Record how the pages of the current listing ended."""
        if self._current is not None:
            self._current.pages_end = how

    def note_yielded(self, listing: str) -> None:
        """Record that the spider has yielded all wallpapers of a *listing*."""
        if account := self._by_name.get(listing):
            account.is_yielded = True
            self._announce_settled(account)

    def register(self, name: str) -> None:
        """Count a wallpaper that the listing *name* has listed."""
        if listing := self._by_name.get(name):
            listing.listed += 1

    def settle(self, name: str, verdict: str) -> None:
        """Count the *verdict* of a wallpaper of the listing *name*, or WANTED."""
        if listing := self._by_name.get(name):
            listing.settled[verdict] += 1
            self._announce_settled(listing)

    def _announce_settled(self, listing: ListingAccount) -> None:
        is_read = listing.pages_end is ListingEnd.READ and listing.is_yielded
        if is_read and listing.is_settled:
            self._crawler.signals.send_catch_log(
                listing_settled, listing=listing.name, fingerprint=listing.fingerprint
            )

    def close(self) -> None:
        """Publish the stats."""
        ends = Counter(listing.end for listing in self._by_name.values())
        ends[ListingEnd.UNREAD] = self.unread
        for end, count in (+ends).items():
            self._crawler.stats.set_value(f"wallpapers/listings/{end}", count)
