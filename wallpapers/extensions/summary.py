"""Log a summary of the wallpapers at the end of a run, and why it did not succeed."""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from scrapy import signals

from wallpapers.extensions.listings_summary import listings_summary
from wallpapers.extensions.summary_table import SummaryTable
from wallpapers.run.addon import run_of
from wallpapers.run.reasons import FailureReason, FilterReason, Verdict

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from wallpapers.run.addon import Run

logger = logging.getLogger(__name__)


class RunSummary:
    """Settle items without a verdict, and log the summary.

    A run without a listing and without wallpapers (``fetch``, ``parse``, ``check``, ``bench``) has
    no summary.

    Stats: ``wallpapers/filtered/dropped`` (dropped by a pipeline of the user),
    ``wallpapers/failed/fault`` (a pipeline raised), ``wallpapers/outcome``.
    """

    def __init__(self, run: Run) -> None:
        self._ledger, self._state = run.ledger, run.state
        self._listings, self._hints = run.listings, run.hints
        self._started_s = monotonic()
        self._is_logged = False

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        summary = cls(run_of(crawler))
        connect = crawler.signals.connect
        connect(summary.spider_opened, signals.spider_opened)
        connect(summary.item_dropped, signals.item_dropped)
        connect(summary.item_scraped, signals.item_scraped)
        connect(summary.item_error, signals.item_error)
        connect(summary.spider_error, signals.spider_error)
        connect(summary.spider_closed, signals.spider_closed)
        connect(summary.engine_stopped, signals.engine_stopped)
        return summary

    def spider_opened(self) -> None:
        self._ledger.start()

    def item_dropped(self, item: Any) -> None:
        self._ledger.settle_if_open(item, Verdict.FILTERED, FilterReason.DROPPED)

    def item_scraped(self, item: Any) -> None:
        """Settle an item that passed the pipelines without a verdict."""
        self._ledger.settle_if_open(item, Verdict.FAILED, FailureReason.FAULT)

    def item_error(self, item: Any) -> None:
        self._ledger.settle_if_open(item, Verdict.FAILED, FailureReason.FAULT)
        self._state.component_failed("A pipeline failed; see the traceback above")

    def spider_error(self) -> None:
        self._state.component_failed("The spider failed; see the traceback above")

    def spider_closed(self, reason: str) -> None:
        self._state.close(reason)

    def engine_stopped(self) -> None:
        if self._state.has_listing or self._ledger.listed or self._ledger.left:
            self.log()
        else:
            self.log_failure()

    def log(self) -> None:
        """Log the listings, if there are several, and the table; a second call has no effect.

        The last record is the reason for an exit status other than 0.
        """
        if self._is_logged:
            return
        self._is_logged = True
        if listings := listings_summary(self._listings):
            logger.info("%s", listings)
        duration_s = monotonic() - self._started_s
        table = SummaryTable(self._ledger, self._state.exit_status, duration_s, self._hints)
        logger.info(table)
        if explanation := self._state.explanation:
            logger.error(explanation)

    def log_failure(self) -> None:
        """Log the failure of a run without wallpapers, such as ``fetch``."""
        if failure := self._state.store_failure or self._state.listing_failure:
            logger.error("%s", failure)
