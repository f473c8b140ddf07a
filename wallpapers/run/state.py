"""Track whether a run has failed or is stopping, and determine its exit status."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from scrapy import signals
from scrapy.utils.defer import deferred_from_coro

from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.explanation import (
    Explanation,
    explain_component_failure,
    explain_failures,
    explain_interruption,
    explain_listing_failures,
    explain_store_failure,
)
from wallpapers.run.listings import ListingAccount, ListingEnd
from wallpapers.run.reasons import Verdict
from wallpapers.signals import (
    listing_ended,
    listing_failed,
    listing_skipped,
    listing_started,
    listing_yielded,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scrapy.core.scraper import Scraper
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from twisted.internet.defer import Deferred
    from twisted.python.failure import Failure

    from wallpapers.run.ledger import RunLedger
    from wallpapers.run.listings import Listings

logger = logging.getLogger(__name__)


class RunState:
    """The failures of a run, whether it is stopping, and its exit status.

    Stat: ``wallpapers/outcome``.
    """

    def __init__(self, crawler: Crawler, ledger: RunLedger, listings: Listings) -> None:
        self._crawler = crawler
        self._ledger = ledger
        self._listings = listings
        self.listing_failure: Explanation | None = None
        self.store_failure: Explanation | None = None
        self.has_listing = False
        self._limited = False  # by a CLOSESPIDER_ setting
        self._interrupted = False
        self.is_crawl = False  # False in a shell
        self.close_reason: str | None = None  # Scrapy's, as soon as the spider begins to close
        self._closed: Deferred[None] | None = None  # a reference, against garbage collection
        self._on_stop: list[Callable[[], None]] = []
        connect = crawler.signals.connect
        connect(self._spider_opened, signals.spider_opened)
        connect(self._note_listing_started, listing_started)
        connect(self._note_listing_skipped, listing_skipped)
        connect(self._note_listing_ended, listing_ended)
        connect(listings.note_yielded, listing_yielded)
        connect(self.listing_failed, listing_failed)

    def call_on_stop(self, callback: Callable[[], None]) -> None:
        """Call *callback* when the run begins to stop, possibly more than once."""
        self._on_stop.append(callback)

    def listing_failed(self, message: str, purpose: str = "", command: str = "") -> None:
        """Record that the current listing cannot be read to its end, and log *message*, one line.

        *purpose* says what *command* is for, which may help. Has no effect while the run is
        stopping.
        """
        if not self.stopping:
            self._listings.end(ListingEnd.FAILED)
            self._fail_listing(Explanation(message, purpose, command))

    def component_failed(self, message: str) -> None:
        """Record that a callback or a pipeline raised, which makes the run incomplete.

        Only the first message is logged.
        """
        if self.listing_failure is None:
            self._fail_listing(explain_component_failure(message))

    def store_failed(self, message: str) -> None:
        """Record that the store, the catalogue or a feed failed, and stop the run."""
        if self.store_failure is None:
            self.store_failure = explain_store_failure(message)
            text = "%s; stopping the run, stored wallpapers are kept"
            logger.warning(text, message, extra={"in_summary": True})
            self._publish()
            self._stop()
            self._close_spider("store")

    def close(self, reason: str) -> None:
        """Determine how the run ended from Scrapy's *reason*; a second call has no effect."""
        # A signal may arrive while the run is closing for another reason.
        self._interrupted |= reason == "shutdown" or self._was_stopped
        self._limited |= reason.startswith("closespider_")
        ends_early = self._interrupted or self._limited or self.store_failure is not None
        complete = self._listings.are_read if self.has_listing else reason == "finished"
        if not (complete or ends_early):
            self.component_failed(
                f"Listing incomplete: the run ended with {reason!r} after "
                f"{self._ledger.pages} pages, because of a setting or a middleware"
                if self.has_listing
                else f"Run incomplete: ended with {reason!r}, because of a setting or a component"
            )
        self._ledger.close(ends_early=ends_early)
        self._listings.close()
        self._publish()

    @property
    def exit_status(self) -> ExitStatus:
        """The exit status that follows from the most severe failure so far."""
        if self.store_failure is not None:
            return ExitStatus.STORE
        if self._interrupted:
            return ExitStatus.INTERRUPTED
        if self.listing_failure is not None:
            return ExitStatus.LISTING
        failed = self._ledger.verdicts[Verdict.FAILED]
        return ExitStatus.FAILURES if failed else ExitStatus.COMPLETE

    @property
    def explanation(self) -> Explanation | None:
        """The reason for an exit status other than 0, and what to run next."""
        spider = self._crawler.spider
        match self.exit_status:
            case ExitStatus.STORE:
                return self.store_failure and self.store_failure.after(self.listing_failure)
            case ExitStatus.INTERRUPTED:
                own = getattr(spider, "interruption", None)
                return (own or explain_interruption(self._ledger)).after(self.listing_failure)
            case ExitStatus.LISTING:
                return explain_listing_failures(self._listings, self.listing_failure)
            case ExitStatus.FAILURES:
                retry_words = getattr(spider, "retry_words", ())
                return explain_failures(self._ledger, self._crawler.settings, retry_words)
        return None

    @property
    def feeds_are_complete(self) -> bool:
        """Whether the feeds of this run may replace the previous ones.

        They may not if a limit ended the run before its first verdict.
        """
        ledger = self._ledger
        has_result = ledger.verdicts.total() or ledger.wanted or self._listings.any_is_read
        cut_off = self._limited and not has_result
        return self.exit_status in (ExitStatus.COMPLETE, ExitStatus.FAILURES) and not cut_off

    @property
    def stopping(self) -> bool:
        """Whether the run is ending early, so that nothing new may start."""
        failed = self.store_failure is not None
        is_closing = self.close_reason is not None
        return failed or self._interrupted or is_closing or self._was_stopped

    @property
    def _was_stopped(self) -> bool:
        """Whether a signal or a program stopped the crawler."""
        return self.is_crawl and not self._crawler.crawling

    def _fail_listing(self, failure: Explanation) -> None:
        self.listing_failure = self.listing_failure or failure
        # Of several listings, the summary repeats the first message only.
        is_first = self.listing_failure is failure
        logger.warning("%s", failure, extra={"in_summary": is_first})
        self._publish()

    def _publish(self) -> None:
        self._crawler.stats.set_value("wallpapers/outcome", self.exit_status.name.lower())

    def _close_spider(self, reason: str) -> None:
        engine = self._crawler.engine
        # If the engine does not run yet, RunLedgerMiddleware prevents the spider from starting.
        if engine.running and self.close_reason is None:
            self._closed = deferred_from_coro(engine.close_spider_async(reason=reason))

    def _stop(self) -> None:
        for callback in self._on_stop:
            callback()

    def _spider_opened(self) -> None:
        self.is_crawl = self._crawler.crawling
        engine = self._crawler.engine
        # Scrapy sends no signal when it begins to close a spider.
        engine.close_spider_async = self._watch_close(engine.close_spider_async)  # type: ignore[method-assign]
        engine.scraper.start_itemproc_async = _closing_when_idle(engine.scraper)  # type: ignore[method-assign]

    def _watch_close(self, close: Callable[..., Awaitable[None]]) -> Any:
        async def close_spider_async(*, reason: str = "cancelled") -> None:
            if self.close_reason is None:
                self.close_reason = reason
            self._stop()
            await close(reason=reason)

        return close_spider_async

    def _note_listing_started(
        self, listing: str = "", fingerprint: str = "", remaining: int = 0
    ) -> None:
        self.has_listing = True
        if not self.stopping:
            self._listings.begin(ListingAccount(listing, fingerprint), remaining)

    def _note_listing_skipped(self, listing: str, read_at: str, remaining: int) -> None:
        self.has_listing = True
        skipped = ListingAccount(listing, read_at=read_at, pages_end=ListingEnd.SKIPPED)
        self._listings.begin(skipped, remaining)

    def _note_listing_ended(self) -> None:
        self._listings.end(ListingEnd.READ)


def _closing_when_idle(scraper: Scraper) -> Any:
    """Return a ``start_itemproc_async`` that lets the spider close after its last item.

    Scrapy 2.19 closes a spider when its last response has been processed, and would wait forever
    for items that ``start()`` yielded. After them, it would check only every five seconds whether
    the spider is idle.
    """
    process = scraper.start_itemproc_async

    async def start_itemproc_async(item: Any, *, response: Response | Failure | None) -> None:
        await process(item, response=response)
        slot = scraper.slot
        closing = slot.closing if slot and response is None and slot.is_idle() else None
        if closing and scraper.crawler.spider and not closing.called:
            closing.callback(scraper.crawler.spider)
        check_idle = getattr(scraper.crawler.engine.downloader, "check_idle", None)
        if check_idle and response is None:
            check_idle()

    return start_itemproc_async
