"""Scrapy's feed exports, told what became of the run."""

from __future__ import annotations

import codecs
import logging
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from scrapy import signals
from scrapy.exceptions import NotConfigured
from scrapy.extensions.feedexport import FeedExporter, FeedSlot
from scrapy.utils.defer import ensure_awaitable

from wallpapers.errors import SettingError
from wallpapers.feeds import FeedFile, WatchedStdoutFeedStorage, WholeFileFeedStorage
from wallpapers.libraries import require_for_feed
from wallpapers.outcome import Outcome

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.extensions.feedexport import FeedStorageProtocol

logger = logging.getLogger(__name__)

_OURS = (WholeFileFeedStorage, WatchedStdoutFeedStorage)


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
        self._outcome = Outcome.of(crawler)
        try:
            super().__init__(crawler)
        except NotConfigured as error:
            raise SettingError("a feed cannot be exported as asked; see the line above") from error
        for options in self.feeds.values():
            _check_encoding(options["encoding"])

    def open_spider(self, spider: Spider) -> None:
        super().open_spider(spider)
        for slot in self.slots:
            if slot.store_empty:
                self._start(slot)

    def item_scraped(self, item: Any, spider: Spider) -> None:
        try:
            super().item_scraped(item, spider)
        except Exception as error:  # an exporter's: a text that its encoding cannot write, say
            self._outcome.store_failed(f"A feed failed: {error}")
        for slot in self.slots:
            if slot.file is not None:
                slot.file.flush()

    async def close_spider(self, spider: Spider, reason: str = "finished") -> None:
        self._outcome.ended(reason)  # the signal's handlers run side by side; this needs it first
        await super().close_spider(spider)

    def ended_by_force(self) -> None:
        """Leave the feeds partial, but whole: nobody closed the spider."""
        for slot in self.slots:
            if slot.file is not None:
                slot.finish_exporting()
                file = self._get_file(slot)
                if isinstance(file, FeedFile):
                    file.end()

    def _start(self, slot: FeedSlot) -> None:
        try:
            slot.start_exporting()
        except OSError as error:
            self._failed(slot, error)

    def _get_storage(self, uri: str, feed_options: dict[str, Any]) -> FeedStorageProtocol:
        """Have every storage write to a file that tells its errors."""
        storage = super()._get_storage(uri, feed_options)
        if not isinstance(storage, _OURS):
            storage.open = _watched(storage.open, uri, self._outcome)  # type: ignore[method-assign,assignment]
        return storage

    async def _close_slot(self, slot: FeedSlot, spider: Spider) -> None:
        """Scrapy's, except that the outcome decides whether the feed is completed."""
        if slot.file is None:
            return
        slot.finish_exporting()
        file = self._get_file(slot)
        ours = isinstance(slot.storage, _OURS)
        if not ours and isinstance(file, FeedFile):
            file.end()
            file = file.file
        if ours or self._outcome.feeds_are_complete:
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
        if isinstance(slot.storage, WholeFileFeedStorage) and slot.storage.is_open:
            logger.warning("Incomplete %s kept in %s", what, slot.storage.partial)
        elif not isinstance(slot.storage, _OURS):
            logger.warning("Incomplete %s not uploaded to %s", what, slot.uri)

    def _failed(self, slot: FeedSlot, error: Exception) -> None:
        self._outcome.store_failed(f"The feed {slot.uri} failed: {error}")

    def _storage_supported(self, uri: str, feed_options: dict[str, Any]) -> bool:
        require_for_feed(urlsplit(uri).scheme)
        return super()._storage_supported(uri, feed_options)


def _watched(
    open_file: Callable[[Spider], IO[bytes]], uri: str, outcome: Outcome
) -> Callable[[Spider], IO[bytes]]:
    def open_watched(spider: Spider) -> IO[bytes]:
        return cast("IO[bytes]", FeedFile(open_file(spider), uri, outcome))

    return open_watched


def _check_encoding(encoding: str | None) -> None:
    try:
        codecs.lookup(encoding or "utf-8")
    except LookupError:
        raise SettingError(f"FEED_EXPORT_ENCODING must be an encoding, got {encoding!r}") from None
