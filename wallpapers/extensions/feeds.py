"""Scrapy's feed exports, told what became of the run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from scrapy import signals
from scrapy.exceptions import NotConfigured
from scrapy.extensions.feedexport import FeedExporter, FeedSlot
from scrapy.utils.defer import ensure_awaitable

from wallpapers.errors import SettingError
from wallpapers.feeds import WatchedStdoutFeedStorage, WholeFileFeedStorage
from wallpapers.libraries import require_for_feed
from wallpapers.outcome import Outcome

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)


class HonestFeedExporter(FeedExporter):
    """Opens every feed at the start, writes out each item, and completes a feed on 0 and 3 only.

    Scrapy goes on without a feed that it cannot export; here that is a SettingError at the start.
    A feed that fails later stops the run, which ends with 5.

    Stats: Scrapy's ``feedexport/success_count/<storage>``, ``feedexport/failed_count/<storage>``.
    """

    def __init__(self, crawler: Crawler) -> None:
        settings = crawler.settings
        if not settings["FEEDS"] and not settings["FEED_URI"]:
            raise NotConfigured
        try:
            super().__init__(crawler)
        except NotConfigured as error:
            raise SettingError("a feed cannot be exported as asked; see the line above") from error
        self._outcome = Outcome.of(crawler)

    def open_spider(self, spider: Spider) -> None:
        super().open_spider(spider)
        for slot in self.slots:
            if slot.store_empty:
                self._start(slot)

    def item_scraped(self, item: Any, spider: Spider) -> None:
        if self._outcome.store_failure is not None:
            return
        try:
            super().item_scraped(item, spider)
        except OSError as error:
            self._failed(self.slots[0], error)
        for slot in self.slots:
            if slot.file is not None:
                slot.file.flush()

    async def close_spider(self, spider: Spider, reason: str = "finished") -> None:
        self._outcome.ended(reason)  # the signal's handlers run side by side; this needs it first
        await super().close_spider(spider)

    def _start(self, slot: FeedSlot) -> None:
        try:
            slot.start_exporting()
        except OSError as error:
            self._failed(slot, error)

    async def _close_slot(self, slot: FeedSlot, spider: Spider) -> None:
        """Scrapy's, except that the outcome decides whether the feed is completed."""
        if slot.file is None:
            return
        slot.finish_exporting()
        file = self._get_file(slot)
        local = isinstance(slot.storage, (WholeFileFeedStorage, WatchedStdoutFeedStorage))
        if local or self._outcome.feeds_are_complete:
            try:
                await ensure_awaitable(slot.storage.store(file))
            except Exception as error:  # whatever the client library of a remote store raises
                self._failed(slot, error)
        else:
            file.close()
        self._tell(slot)
        await self.crawler.signals.send_catch_log_async(signals.feed_slot_closed, slot=slot)

    def _tell(self, slot: FeedSlot) -> None:
        what = f"{slot.format} feed ({slot.itemcount} items)"
        storage = type(slot.storage).__name__
        if self._outcome.feeds_are_complete:
            logger.info("Stored %s in: %s", what, slot.uri)
            self.crawler.stats.inc_value(f"feedexport/success_count/{storage}")
            return
        self.crawler.stats.inc_value(f"feedexport/failed_count/{storage}")
        if isinstance(slot.storage, WholeFileFeedStorage):
            kept = slot.storage.partial
            logger.warning("Incomplete %s kept in %s; %s is as it was", what, kept, slot.uri)
        elif not isinstance(slot.storage, WatchedStdoutFeedStorage):
            logger.warning("Incomplete %s not uploaded; %s is as it was", what, slot.uri)

    def _failed(self, slot: FeedSlot, error: Exception) -> None:
        self._outcome.store_failed(f"The feed {slot.uri} failed: {error}")

    def _storage_supported(self, uri: str, feed_options: dict[str, Any]) -> bool:
        require_for_feed(urlsplit(uri).scheme)
        return super()._storage_supported(uri, feed_options)
