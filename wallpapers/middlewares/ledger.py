"""Register each wallpaper in the ledger of the run when any spider yields it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from scrapy.exceptions import CloseSpider
from scrapy.spidermiddlewares.base import BaseSpiderMiddleware

from wallpapers.items import candidates_of
from wallpapers.run.addon import run_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response


class RunLedgerMiddleware(BaseSpiderMiddleware):
    """Register items that have candidates, and leave other items unchanged.

    While the run is stopping, wallpapers are left for the next run. If the store failed before the
    start, the spider is not started. Setting: IMAGES_URLS_FIELD.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        run = run_of(crawler)
        self._ledger, self._state = run.ledger, run.state
        self._field = crawler.settings.get("IMAGES_URLS_FIELD", "image_urls")

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_start(self, start: AsyncIterator[Any]) -> AsyncIterator[Any]:
        if self._state.store_failure is not None:
            raise CloseSpider("store")
        async for request_or_item in super().process_start(start):
            yield request_or_item

    def get_processed_item(self, item: Any, response: Response | Request | None) -> Any:
        if not candidates_of(item, self._field):
            return item
        self._ledger.register(item)
        if self._state.stopping:
            self._ledger.leave(item)
            return None
        return item
