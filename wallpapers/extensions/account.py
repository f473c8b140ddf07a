"""Close the account of the run: what fell outside our own pipelines, and the table at the end."""

from __future__ import annotations

import logging
from collections import Counter
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from scrapy import signals

from wallpapers.outcome import CATEGORIES, Outcome

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.statscollectors import StatsCollector

logger = logging.getLogger(__name__)

_MOST_HOSTS = 10  # lines of the table that tell where wallpapers failed


class Account:
    """Gives every wallpaper a verdict that no pipeline of ours gave, and logs the closing table.

    Stats: ``wallpapers/filtered/dropped`` (a pipeline of the user's dropped it),
    ``wallpapers/failed/fault`` (a pipeline raised), ``wallpapers/outcome``.
    """

    def __init__(self, outcome: Outcome, stats: StatsCollector) -> None:
        self._outcome = outcome
        self._stats = stats
        self._begun_s = monotonic()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        account = cls(Outcome.of(crawler), crawler.stats)
        connect = crawler.signals.connect
        connect(account.spider_opened, signals.spider_opened)
        connect(account.item_dropped, signals.item_dropped)
        connect(account.item_scraped, signals.item_scraped)
        connect(account.item_error, signals.item_error)
        connect(account.spider_error, signals.spider_error)
        connect(account.spider_closed, signals.spider_closed)
        connect(account.engine_stopped, signals.engine_stopped)
        return account

    def spider_opened(self) -> None:
        for name in ("listed", *CATEGORIES):
            self._stats.inc_value(f"wallpapers/{name}", 0)

    def item_dropped(self, item: Any) -> None:
        self._outcome.settle(item, "filtered", "dropped")

    def item_scraped(self, item: Any) -> None:
        """An item that reaches the feed without a verdict went past our pipelines."""
        self._outcome.settle(item, "failed", "fault")

    def item_error(self, item: Any) -> None:
        self._outcome.settle(item, "failed", "fault")
        self._outcome.listing_failed("A pipeline failed; the traceback above says where")

    def spider_error(self) -> None:
        self._outcome.listing_failed("The spider failed; the traceback above says where")

    def spider_closed(self, reason: str) -> None:
        self._outcome.ended(reason)

    def ended_by_force(self) -> None:
        """Tell what there is to tell where nobody else could any more."""
        logger.info("%s", self.table())

    def engine_stopped(self) -> None:
        logger.info("%s", self.table())

    def table(self) -> str:
        """Return the closed table: listed = stored + known + duplicate + filtered + failed."""
        outcome = self._outcome
        seconds = monotonic() - self._begun_s
        rows = [("listed", outcome.listed, "")]
        for name in CATEGORIES:
            note = _by_reason(outcome.reasons[name])
            if name == "stored" and outcome.bytes:
                note = f"{outcome.bytes / 1e6:,.1f} MB in {seconds:,.1f} s"
            rows.append((f"  {name}", outcome.verdicts[name], note))
        hosts = sorted(outcome.failed_at.items(), key=lambda entry: -entry[1].total())
        for host, reasons in hosts[:_MOST_HOSTS]:
            rows.append((f"    at {host or 'no host'}", reasons.total(), _by_reason(reasons)))
        if rest := hosts[_MOST_HOSTS:]:
            rows.append((f"    at {len(rest)} more", sum(r.total() for _, r in rest), ""))
        if outcome.left:
            rows.append(("left for the next run", outcome.left, ""))
        if outcome.rejected:
            rows.append(
                ("no wallpaper at all", outcome.rejected.total(), _by_reason(outcome.rejected))
            )
        if outcome.repeated:
            rows.append(("listed more than once", outcome.repeated, ""))
        width = max(len(title) for title, _, _ in rows)
        lines = [f"{title:<{width}} {count:>8,}  {note}".rstrip() for title, count, note in rows]
        ending = outcome.ending
        lines.append(f"outcome: {ending.name.lower()} (exit status {ending.value})")
        return "Wallpapers of this run\n" + "\n".join(lines)


def _by_reason(counts: Counter[str]) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in counts.most_common())
