"""Summarize the listings of a run that read several: one line for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wallpapers.listings.text import one_line
from wallpapers.run.listings import WANTED, ListingEnd
from wallpapers.run.reasons import Verdict

if TYPE_CHECKING:
    from wallpapers.run.listings import ListingAccount, Listings

_WIDTH = max(map(len, ListingEnd))


def listings_summary(listings: Listings) -> str:
    """Return how each listing ended, with the number of its wallpapers; "" for a single listing.

    The names come last, because their width on a terminal is unknown.
    """
    if len(listings.begun) + listings.unread < 2:
        return ""
    lines = ["Listings of this run", *map(_line, listings.begun)]
    if listings.unread:
        lines.append(f"{ListingEnd.UNREAD:<{_WIDTH}} {listings.unread:>8,} listings")
    return "\n".join(lines)


def _line(listing: ListingAccount) -> str:
    counts = ", ".join(
        f"{verdict} {listing.settled[verdict]:,}"
        for verdict in (*Verdict, WANTED)
        if listing.settled[verdict]
    )
    if listing.end is ListingEnd.SKIPPED:
        counts = f"read to its end at {listing.read_at}"
    total = listing.settled.total()
    line = f"{listing.end:<{_WIDTH}} {total:>8,}  {one_line(listing.name)}"
    return f"{line}: {counts}" if counts else line
