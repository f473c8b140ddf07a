"""Wait for a run of the cluster as a crawl: same progress, feeds, summary and exit status."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

from scrapy.exceptions import CloseSpider

from wallpapers import signals
from wallpapers.cluster.results import Progress, progress_of
from wallpapers.cluster.runs import ListingState
from wallpapers.errors import CatalogueError
from wallpapers.items import Key, key_of
from wallpapers.pipelines.drops import Filtered
from wallpapers.run.addon import run_of
from wallpapers.run.reasons import Verdict
from wallpapers.spiders.listing_spider import ListingSpider

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

    from wallpapers.cluster.database import Database
    from wallpapers.cluster.pictures import Settled

logger = logging.getLogger(__name__)

_POLL_INTERVAL_S = 1.0


class WaitingSpider(ListingSpider):
    """A mixin for the spider of a source, which yields what the workers have settled."""

    run_number: ClassVar[int]
    database: ClassVar[Database]

    def __init__(self, **given: str) -> None:
        super().__init__(**given)
        self.verdicts: dict[Key, Settled] = {}
        self._seen: set[int] = set()

    @classmethod
    def update_settings(cls, settings: BaseSettings) -> None:
        super().update_settings(settings)
        settings.set("ITEM_PIPELINES", {RecordedVerdictPipeline: 0}, priority="spider")

    async def start(self) -> AsyncIterator[Any]:
        """Yield the wallpapers of each page as soon as all of them have verdicts."""
        self.send(signals.listing_started)
        while True:
            progress = await self._progress()
            for page in progress.pages:
                self._seen.add(page.number)
                self.send(
                    signals.listing_page_read,
                    rejected=page.rejected,
                    repeated=page.repeated,
                    expected=progress.listed,
                )
                for item, settled in page.items:
                    self.verdicts[key_of(item)] = settled
                    yield item
            if progress.is_done:
                break
            if not progress.pages:
                await asyncio.sleep(_POLL_INTERVAL_S)
        if progress.state is ListingState.CANCELLED:
            logger.warning("Run %d was cancelled", self.run_number)
            raise CloseSpider("shutdown")
        if progress.state is ListingState.FAILED:
            self.fail_listing(progress.message)
        else:
            self.send(signals.listing_ended)

    async def _progress(self) -> Progress:
        """Return what is new, also if PostgreSQL is away for a while."""
        is_away = False
        look = partial(progress_of, run=self.run_number, seen=self._seen)
        while True:
            try:
                return await self.database.do(lambda entries: look(entries.connection))
            except CatalogueError as error:
                if not is_away:
                    logger.warning("Catalogue failed: %s; waiting for it", error)
                is_away = True
            await asyncio.sleep(_POLL_INTERVAL_S)


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
