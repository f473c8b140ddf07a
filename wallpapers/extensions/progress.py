"""Show the progress of a run: a live display on a terminal, otherwise regular log lines."""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from scrapy import signals
from scrapy.exceptions import NotConfigured
from scrapy.utils.asyncio import create_looping_call
from scrapy.utils.log import get_scrapy_root_handler

from wallpapers.extensions.display import LiveDisplay, Snapshot
from wallpapers.extensions.page_wait import PageWait
from wallpapers.logs.terminal import screen_for
from wallpapers.options.setting_values import one_of, positive
from wallpapers.run.addon import run_of
from wallpapers.run.listings import WANTED
from wallpapers.run.reasons import Verdict
from wallpapers.signals import listing_started

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

    from wallpapers.logs.terminal import Screen

logger = logging.getLogger(__name__)

_DISPLAY_INTERVAL_S = 0.25


class Progress:
    """Log what is crawled, and show pages, wallpapers by verdict, MB, MB/s, and the time left.

    Settings: WALLPAPERS_PROGRESS (``auto``, ``log`` or ``off``), WALLPAPERS_PROGRESS_INTERVAL
    (seconds between two log lines).
    """

    def __init__(self, crawler: Crawler, interval_s: float, screen: Screen | None) -> None:
        run = run_of(crawler)
        self._ledger, self._state = run.ledger, run.state
        self._settings = crawler.settings
        self._page_wait = PageWait(crawler.signals)
        self._started_s = monotonic()
        self._has_begun = False
        self._screen = screen
        self._display = LiveDisplay(screen.console) if screen else None
        self._interval_s = _DISPLAY_INTERVAL_S if screen else interval_s
        self._call = create_looping_call(self._show)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        kind = one_of(crawler.settings, "WALLPAPERS_PROGRESS", ("auto", "log", "off"))
        interval_s = positive(crawler.settings, "WALLPAPERS_PROGRESS_INTERVAL")
        if kind == "off":
            raise NotConfigured
        progress = cls(crawler, interval_s, screen_for(crawler.settings))
        connect = crawler.signals.connect
        connect(progress.spider_opened, signals.spider_opened)
        connect(progress.listing_started, listing_started)
        connect(progress.spider_closed, signals.spider_closed)
        return progress

    def spider_opened(self) -> None:
        if self._screen and self._display:
            self._screen.share_with(get_scrapy_root_handler())
            self._display.start()
        self._call.start(self._interval_s, now=False)

    def listing_started(self, sender: Crawler, listing: str = "", remaining: int = 0) -> None:
        """Log what is crawled when the first listing starts."""
        if listing and not self._has_begun and sender.spider:
            logger.info("%s", _headline(sender.spider, listing, remaining, self._settings))
        self._has_begun = True

    def spider_closed(self) -> None:
        if self._call.running:
            self._call.stop()
        if self._screen and self._display:
            self._show()
            self._display.stop()
            if repeats := str(self._screen.repeats):
                logger.warning("%s; --logfile FILE keeps them all", repeats)

    def abort(self) -> None:
        """Restore the terminal after a run that Scrapy did not close."""
        if self._display:
            self._display.stop()

    def _show(self) -> None:
        if self._display:
            self._display.update(self._snapshot())
        else:
            logger.info("%s", self._line())

    def _line(self) -> str:
        ledger, verdicts = self._ledger, self._ledger.verdicts
        line = (
            f"{ledger.pages} pages, {ledger.listed + ledger.left} found, "
            f"{verdicts[Verdict.STORED]} stored, "
            f"{verdicts[Verdict.KNOWN]} known, {verdicts[Verdict.FAILED]} failed, "
            f"{ledger.bytes / 1e6:.1f} MB, {self._rate_mb_s:.1f} MB/s"
        )
        if (left_s := self._left_s) is not None:
            total, done = self._total or 0, self._done
            line += f", about {left_s:.0f} s left for {total - done} of {total}"
        return "; ".join([line, *self._notes()])

    def _snapshot(self) -> Snapshot:
        ledger = self._ledger
        others = (Verdict.FAILED, Verdict.KNOWN, Verdict.FILTERED, Verdict.DUPLICATE)
        verdicts = (Verdict.STORED, *(other for other in others if ledger.verdicts[other]))
        counts = [f"{ledger.verdicts[verdict]:,} {verdict}" for verdict in verdicts]
        if ledger.wanted is not None:
            counts[0] = f"{ledger.wanted:,} {WANTED}"
        if ledger.aside:
            counts.append(f"{ledger.aside:,} waiting")
        counts += [
            f"{ledger.bytes / 1e6:,.1f} MB",
            f"{ledger.pages:,} {'page' if ledger.pages == 1 else 'pages'}",
        ]
        done, listed = self._done, ledger.listed + ledger.left
        rate, left_s = self._rate_mb_s, self._left_s
        return Snapshot(done, listed, self._total, rate, left_s, counts, self._notes())

    def _notes(self) -> list[str]:
        """Return what the run waits for, and why it may end early."""
        ledger = self._ledger
        left = ledger.listed - self._done
        notes = [str(self._page_wait)]
        if self._state.stopping:
            notes = [f"Stopping, {left:,} wallpapers in progress"]
        elif self._state.listing_failure:
            notes.append(f"Listing failed, {left:,} wallpapers in progress")
        return [note for note in notes if note]

    @property
    def _rate_mb_s(self) -> float:
        return self._ledger.bytes / 1e6 / max(monotonic() - self._started_s, 1e-6)

    @property
    def _done(self) -> int:
        return self._ledger.verdicts.total() + (self._ledger.wanted or 0)

    @property
    def _total(self) -> int | None:
        ledger = self._ledger
        return max(ledger.expected, ledger.listed) if ledger.expected else None

    @property
    def _left_s(self) -> float | None:
        """The estimated time to the end, if the number of wallpapers is known."""
        total, done = self._total, self._done
        if not total or not done:
            return None
        return (monotonic() - self._started_s) / done * (total - done)


def _headline(spider: Spider, listing: str, remaining: int, settings: BaseSettings) -> str:
    """Return what is read from where, and where images and items are written."""
    others = f" and {remaining:,} other listings" if remaining else ""
    endpoint: Any = getattr(spider, "endpoint", "")
    feeds = [f"feed {uri}" for uri in settings.getdict("FEEDS")]
    places = ", ".join([str(settings["IMAGES_STORE"]), *feeds])
    return f"Crawling {spider.name} {listing}{others} at {endpoint} into {places}"
