"""Describe which page of the listing a run waits for, and what is being retried."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from wallpapers import signals

if TYPE_CHECKING:
    from scrapy.signalmanager import SignalManager


class PageWait:
    """The page that is requested next; ``str()`` is a text, or "" if nothing is unusual."""

    def __init__(self, manager: SignalManager) -> None:
        self._page = 1
        self._since_s: float | None = None  # None: no page is requested
        self._problem = ""
        self._retried_at_s = 0.0
        manager.connect(self._request, signals.listing_started)
        manager.connect(self._retry, signals.page_retried)
        manager.connect(self._read, signals.listing_page_read)
        manager.connect(self._end, signals.listing_ended)
        manager.connect(self._end, signals.listing_failed)

    def __str__(self) -> str:
        if self._since_s is None:
            return ""
        page = "the first page" if self._page == 1 else f"page {self._page}"
        now_s = monotonic()
        if self._problem:
            left_s = self._retried_at_s - now_s
            when = f"in {left_s:.0f} s" if left_s >= 1 else "now"
            return f"Retrying {page} {when}: {self._problem}"
        return f"Waiting for {page} ({now_s - self._since_s:.0f} s)" if self._page == 1 else ""

    def _request(self) -> None:
        self._page, self._since_s, self._problem = 1, monotonic(), ""

    def _retry(self, reason: str, host: str, retry: int, most: int, wait_s: float) -> None:
        self._retried_at_s = monotonic() + wait_s
        tries = f" (retry {retry} of {most})" if retry else ""
        self._problem = f"{reason} at {host}{tries}"

    def _read(self) -> None:
        self._page += 1
        self._problem = ""

    def _end(self) -> None:
        self._since_s = None
