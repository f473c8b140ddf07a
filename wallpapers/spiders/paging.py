"""Track the wallpapers that a listing has returned, and detect its end."""

from __future__ import annotations

from wallpapers.items import Wallpaper
from wallpapers.listings.page import Page, Position


class PagingState:
    """Track what the pages of one listing have listed so far.

    *limit*: wallpapers after which paging stops, 0 = no limit. *first*: position of the first
    page. *repeats_from*: offset from which the source repeats its results, None if unknown.
    """

    def __init__(self, limit: int, first: Position, repeats_from: int | None) -> None:
        self._limit = limit
        self._first = first
        self._repeats_from = repeats_from
        self._seen_ids: set[str] = set()
        self._claimed_total: int | None = None  # by the source, for the whole listing
        self.entries = 0

    def add_page(self, page: Page) -> tuple[list[Wallpaper], int]:
        """Record *page*; return its new wallpapers up to the limit, and the number of repeats."""
        self.entries += page.entries
        if page.total is not None:
            self._claimed_total = page.total
        new: list[Wallpaper] = []
        repeated = 0
        for wallpaper in page.wallpapers:
            if self.limit_reached:
                break
            if wallpaper.id in self._seen_ids:
                repeated += 1
                continue
            self._seen_ids.add(wallpaper.id)
            new.append(wallpaper)
        return new, repeated

    def is_last_page(self, position: Position, page: Page, new: list[Wallpaper]) -> bool:
        """Return whether paging ends after *page*, which starts at *position*.

        *new* are the wallpapers that ``add_page`` returned for it.
        """
        if page.ended or not new or self.limit_reached:
            return True
        return self._repeats_from is not None and position.after(page).offset >= self._repeats_from

    @property
    def limit_reached(self) -> bool:
        """Whether as many wallpapers were listed as the limit allows."""
        return 0 < self._limit <= len(self._seen_ids)

    @property
    def listed(self) -> int:
        """The number of different wallpapers that the pages have listed."""
        return len(self._seen_ids)

    @property
    def claimed_entries(self) -> int | None:
        """The number of entries from the first position on, as claimed by the source."""
        return None if self._claimed_total is None else self._claimed_total - self._first.offset

    def expected_wallpapers(self, *, ended: bool) -> int | None:
        """Return the expected number of wallpapers of the listing, or None if unknown.

        *ended*: paging has ended, so the number is exact.
        """
        if ended:
            return len(self._seen_ids)
        if self._claimed_total is None:
            return None
        last = min(self._claimed_total, self._repeats_from or self._claimed_total)
        reachable = last - self._first.offset
        return min(reachable, self._limit or reachable)
