"""Export feeds as Scrapy does, and complete them only where the run ends with 0 or 3."""

from __future__ import annotations

import codecs
import logging
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from scrapy import signals
from scrapy.exceptions import NotConfigured
from scrapy.extensions.feedexport import FeedExporter, FeedSlot
from scrapy.utils.defer import ensure_awaitable

from wallpapers.errors import SettingError, in_words
from wallpapers.feeds.storages import CheckedStorage, WholeFileFeedStorage
from wallpapers.options.extras import require_for_feed
from wallpapers.run.addon import run_of

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)


class CheckedFeedExporter(FeedExporter):
    """Opens every feed at the start, writes out each item, and completes a feed on 0 and 3 only.

    Scrapy goes on without a feed that it cannot export; here that is a SettingError at the start.
    A feed that fails later stops the run, which ends with 5.

    Stats: Scrapy's ``feedexport/success_count/<storage>``, ``feedexport/failed_count/<storage>``.
    """

    def __init__(self, crawler: Crawler) -> None:
        settings = crawler.settings
        if not settings["FEEDS"] and not settings["FEED_URI"]:
            raise NotConfigured
        self._state = run_of(crawler).state
        for uri in settings.getdict("FEEDS"):
            require_for_feed(urlsplit(str(uri)).scheme)
        try:
            super().__init__(crawler)
        except NotConfigured as error:
            raise SettingError("a feed cannot be exported as asked; see the line above") from error
        for options in self.feeds.values():
            _check_encoding(options["encoding"])
        self.storages = {
            scheme: CheckedStorage.around(storage, self._state)
            for scheme, storage in self.storages.items()
        }

    def open_spider(self, spider: Spider) -> None:
        super().open_spider(spider)
        for slot in self.slots:
            if slot.store_empty:
                self._start(slot)

    def item_scraped(self, item: Any, spider: Spider) -> None:
        try:
            super().item_scraped(item, spider)
        except Exception as error:  # an exporter's: a text that its encoding cannot write, say
            self._state.store_failed(f"A feed failed: {error}")
        for slot in self.slots:
            if slot.file is not None:
                _storage_of(slot).flush()

    async def close_spider(self, spider: Spider, reason: str = "finished") -> None:
        self._state.close(reason)  # the handlers of spider_closed run side by side
        await super().close_spider(spider)

    def abort(self) -> None:
        """End the partial feeds of a run that Scrapy did not close, so that each is parseable."""
        for slot in self.slots:
            if slot.file is not None:
                slot.finish_exporting()
                _storage_of(slot).finish(slot.file)

    def _start(self, slot: FeedSlot) -> None:
        try:
            slot.start_exporting()
        except OSError as error:
            self._failed(slot, error)

    async def _close_slot(self, slot: FeedSlot, spider: Spider) -> None:
        """Close a feed as Scrapy does, except that the state of the run decides over it."""
        if slot.file is None:
            return
        slot.finish_exporting()
        storage = _storage_of(slot)
        file = storage.finish(slot.file)
        try:
            await ensure_awaitable(storage.store(file))
        except Exception as error:  # whatever the client library of a remote store raises
            self._failed(slot, error)
        self._report(slot)
        await self.crawler.signals.send_catch_log_async(signals.feed_slot_closed, slot=slot)

    def _report(self, slot: FeedSlot) -> None:
        what = f"{slot.format} feed ({slot.itemcount} items)"
        storage = _storage_of(slot).wrapped
        name = type(storage).__name__
        if self._state.feeds_are_complete:
            logger.info("Stored %s in: %s", what, slot.uri)
            self.crawler.stats.inc_value(f"feedexport/success_count/{name}")
            return
        self.crawler.stats.inc_value(f"feedexport/failed_count/{name}")
        if not isinstance(storage, WholeFileFeedStorage):
            logger.warning("Incomplete %s not uploaded to %s", what, slot.uri)
        elif storage.is_open:
            logger.warning("Incomplete %s kept in %s", what, storage.partial)

    def _failed(self, slot: FeedSlot, error: Exception) -> None:
        self._state.store_failed(f"The feed {slot.uri} failed: {in_words(error)}")


def _storage_of(slot: FeedSlot) -> CheckedStorage:
    return cast("CheckedStorage", slot.storage)


def _check_encoding(encoding: str | None) -> None:
    try:
        codecs.lookup(encoding or "utf-8")
    except LookupError:
        raise SettingError(f"FEED_EXPORT_ENCODING must be an encoding, got {encoding!r}") from None
