"""Wait for a run of the cluster, with the progress, feeds, summary and exit status of a crawl."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

from scrapy.exceptions import CloseSpider

from wallpapers import signals
from wallpapers.cluster.records import record_ends
from wallpapers.cluster.results import Progress, progress_of
from wallpapers.cluster.runs import ListingState
from wallpapers.items import Key, key_of
from wallpapers.pipelines.drops import Filtered
from wallpapers.run.addon import run_of
from wallpapers.run.command_line import shell_command
from wallpapers.run.explanation import Explanation
from wallpapers.run.reasons import Verdict
from wallpapers.spiders.listing_spider import ListingSpider

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

    from wallpapers.cluster.database import Database
    from wallpapers.cluster.pictures import Settled

_POLL_INTERVAL_S = 1.0


class WaitingSpider(ListingSpider):
    """A mixin for the spider of a source; it yields the wallpapers that workers have settled."""

    runs: ClassVar[list[int]]
    database: ClassVar[Database]

    def __init__(self, **given: str) -> None:
        super().__init__(**given)
        self.verdicts: dict[Key, Settled] = {}
        self._expected = 0  # wallpapers of the pages that were read
        numbers = map(str, self.runs)
        self.interruption = Explanation(
            "Interrupted, but the workers continue",
            "to cancel the run, run",
            shell_command("cluster", "cancel", *numbers),
        )

    @classmethod
    def update_settings(cls, settings: BaseSettings) -> None:
        super().update_settings(settings)
        settings.set("ITEM_PIPELINES", {RecordedVerdictPipeline: 0}, priority="spider")

    @property
    def retry_words(self) -> tuple[str, ...]:
        return "cluster", "retry", *map(str, self.runs)

    async def start(self) -> AsyncIterator[Any]:
        """Yield the wallpapers of each page as soon as all of them have verdicts."""
        for number in self.runs:
            if number != self.runs[0]:
                self.begin_listing(self.series.next().values)
            self.send(signals.listing_started, listing=self.listing_name)
            async for item in self._settled_of(number):
                yield item

    async def _settled_of(self, run: int) -> AsyncIterator[Any]:
        """Yield the wallpapers of a run until it has no work left, and report its end."""
        seen: set[int] = set()
        before = self._expected
        while True:
            progress = await self._progress(run, seen)
            self._expected = before + progress.listed
            for page in progress.pages:
                seen.add(page.number)
                self.send(
                    signals.listing_page_read,
                    rejected=page.rejected,
                    repeated=page.repeated,
                    expected=self._expected,
                )
                for item, settled in page.items:
                    self.verdicts[key_of(item)] = settled
                    yield item
            if progress.is_done:
                break
            if not progress.pages:
                await asyncio.sleep(_POLL_INTERVAL_S)
        await self.database.do_when_back(record_ends)
        self._report_end(run, progress)

    def _report_end(self, run: int, progress: Progress) -> None:
        if progress.state is ListingState.CANCELLED:
            command = shell_command("cluster", "retry", str(run))
            self.interruption = Explanation(
                f"Run {run} was cancelled", "to resume it, run", command
            )
            raise CloseSpider("shutdown")
        if progress.state is ListingState.FAILED:
            self.fail_listing(progress.message, suggest=progress.another_may_work)
        else:
            self.send(signals.listing_ended)

    async def _progress(self, run: int, seen: set[int]) -> Progress:
        """Return what is new; wait while PostgreSQL is not available."""
        look = partial(progress_of, run=run, seen=seen)
        return await self.database.do_when_back(lambda entries: look(entries.connection))


class RecordedVerdictPipeline:
    """Give each wallpaper the verdict that a worker recorded."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._ledger = run_of(crawler).ledger

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    def process_item(self, item: Any) -> Any:
        spider = self._crawler.spider
        assert isinstance(spider, WaitingSpider)
        settled = spider.verdicts.pop(key_of(item))
        self._ledger.settle(
            item,
            settled.verdict,
            settled.reason,
            size_bytes=settled.size_bytes,
            host=settled.host,
        )
        if settled.verdict is Verdict.FILTERED:
            raise Filtered(settled.reason)
        return item
