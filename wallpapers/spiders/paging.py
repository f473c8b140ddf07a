"""What a listing has named so far: which wallpapers are new, and whether it has come to its end."""

from __future__ import annotations

from wallpapers.items import Wallpaper
from wallpapers.listings.page import Page, Position


class Books:
    """Kept over all pages of one run.

    *limit* wallpapers are wanted, 0 = all; the listing is entered at *first* and repeats itself
    from the offset *repeats_from* on, if that is known.
    """

    def __init__(self, limit: int, first: Position, repeats_from: int | None) -> None:
        self._limit = limit
        self._first = first
        self._repeats_from = repeats_from
        self._seen: set[str] = set()
        self._claimed: int | None = None  # by the source, for the whole listing
        self.entries = 0

    def enter(self, page: Page) -> tuple[list[Wallpaper], int]:
        """Take up a page; return what is new and wanted of it, and how many it named again."""
        self.entries += page.entries
        if page.total is not None:
            self._claimed = page.total
        found: list[Wallpaper] = []
        repeated = 0
        for wallpaper in page.wallpapers:
            if self.limit_is_reached:
                break
            if wallpaper.id in self._seen:
                repeated += 1
                continue
            self._seen.add(wallpaper.id)
            found.append(wallpaper)
        return found, repeated

    def ends_with(self, position: Position, page: Page, found: list[Wallpaper]) -> bool:
        """Is *page*, which began at *position* and gave what was *found*, the last to be read?"""
        if page.ended or not found or self.limit_is_reached:
            return True
        return self._repeats_from is not None and position.after(page).offset >= self._repeats_from

    @property
    def limit_is_reached(self) -> bool:
        return 0 < self._limit <= len(self._seen)

    @property
    def are_empty(self) -> bool:
        """Has no page named a wallpaper?"""
        return not self._seen

    @property
    def claimed(self) -> int | None:
        """How many entries the source claims from where the listing was entered."""
        return None if self._claimed is None else self._claimed - self._first.offset

    def expected(self, *, ended: bool) -> int | None:
        """How many wallpapers there will be in all, as far as that is known."""
        if ended:
            return len(self._seen)
        if self._claimed is None:
            return None
        reachable = min(self._claimed, self._repeats_from or self._claimed) - self._first.offset
        return min(reachable, self._limit or reachable)
