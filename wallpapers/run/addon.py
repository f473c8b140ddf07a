"""Provide the Scrapy add-on through which the components of a crawl share ledger and state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from wallpapers.errors import SettingError
from wallpapers.run.ledger import RunLedger
from wallpapers.run.listings import Listings
from wallpapers.run.state import RunState

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class Run:
    """The listings, the ledger and the state of one crawl, and lines to print below its summary."""

    def __init__(self, crawler: Crawler) -> None:
        self.listings = Listings(crawler)
        self.ledger = RunLedger(crawler, self.listings)
        self.state = RunState(crawler, self.ledger, self.listings)
        self.hints: list[str] = []

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)


def run_of(crawler: Crawler) -> Run:
    """Return the Run of *crawler*. Raises SettingError if ADDONS lacks it."""
    run = crawler.get_addon(Run)
    if run is None:
        raise SettingError(
            "ADDONS lacks wallpapers.run.addon.Run, which the components of this project share"
        )
    return run
