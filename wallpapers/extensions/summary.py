"""Log a summary of the wallpapers at the end of a run."""

from __future__ import annotations

import logging
from collections import Counter
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from scrapy import signals

from wallpapers.extensions.listings_summary import listings_summary
from wallpapers.run.addon import run_of
from wallpapers.run.reasons import FailureReason, FilterReason, Verdict

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from wallpapers.run.addon import Run

logger = logging.getLogger(__name__)

_MAX_HOSTS = 10  # rows of failures by host


class RunSummary:
    """Settle items without a verdict, and log the summary.

    A run without a listing and without wallpapers (``fetch``, ``parse``, ``check``, ``bench``) has
    no summary.

    Stats: ``wallpapers/filtered/dropped`` (dropped by a pipeline of the user),
    ``wallpapers/failed/fault`` (a pipeline raised), ``wallpapers/outcome``.
    """

    def __init__(self, run: Run) -> None:
        self._ledger, self._state, self._listings = run.ledger, run.state, run.listings
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
        self._ledger.settle_unjudged(item, Verdict.FILTERED, FilterReason.DROPPED)

    def item_scraped(self, item: Any) -> None:
        """Settle an item that passed the pipelines without a verdict."""
        self._ledger.settle_unjudged(item, Verdict.FAILED, FailureReason.FAULT)

    def item_error(self, item: Any) -> None:
        self._ledger.settle_unjudged(item, Verdict.FAILED, FailureReason.FAULT)
        self._state.component_failed("A pipeline failed; see the traceback above")

    def spider_error(self) -> None:
        self._state.component_failed("The spider failed; see the traceback above")

    def spider_closed(self, reason: str) -> None:
        self._state.close(reason)

    def engine_stopped(self) -> None:
        if self._state.has_listing or self._ledger.listed or self._ledger.left:
            self.log()

    def log(self) -> None:
        """Log the listings, if there are several, and the table, once."""
        if self._is_logged:
            return
        self._is_logged = True
        if listings := listings_summary(self._listings):
            logger.info("%s", listings)
        logger.info("%s", self.table())

    def table(self) -> str:
        """Return the summary: listed = stored + known + duplicate + filtered + failed."""
        ledger = self._ledger
        rows = [("listed", ledger.listed, "")]
        rows += [(f"  {name}", ledger.verdicts[name], self._note(name)) for name in Verdict]
        rows += self._failures_by_host()
        if ledger.left:
            rows.append(("left for the next run", ledger.left, ""))
        if ledger.rejected:
            note = _by_reason(ledger.rejected)
            rows.append(("invalid entries", ledger.rejected.total(), note))
        if ledger.repeated:
            rows.append(("listed more than once", ledger.repeated, ""))
        width = max(len(title) for title, _, _ in rows)
        lines = [f"{title:<{width}} {count:>8,}  {note}".rstrip() for title, count, note in rows]
        status = self._state.exit_status
        lines.append(f"outcome: {status.name.lower()} (exit status {status})")
        return "Wallpapers of this run\n" + "\n".join(lines)

    def _note(self, verdict: Verdict) -> str:
        ledger = self._ledger
        if verdict is Verdict.STORED and ledger.bytes:
            return f"{ledger.bytes / 1e6:,.1f} MB in {monotonic() - self._started_s:,.1f} s"
        return _by_reason(ledger.reasons[verdict])

    def _failures_by_host(self) -> list[tuple[str, int, str]]:
        hosts = sorted(self._ledger.failed_at.items(), key=lambda entry: -entry[1].total())
        rows = [
            (f"    at {host}" if host else "    without a host", *_row(reasons))
            for host, reasons in hosts[:_MAX_HOSTS]
        ]
        if rest := hosts[_MAX_HOSTS:]:
            failed = sum(reasons.total() for _, reasons in rest)
            rows.append((f"    at {len(rest)} other hosts", failed, ""))
        return rows


def _row(reasons: Counter[str]) -> tuple[int, str]:
    return reasons.total(), _by_reason(reasons)


def _by_reason(counts: Counter[str]) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in counts.most_common())
