"""Export feeds as Scrapy does, and complete them only if the run ends with status 0 or 3."""

from __future__ import annotations

import asyncio
import codecs
import logging
import sys
from typing import IO, TYPE_CHECKING, Any, Self, cast
from urllib.parse import urlsplit

from scrapy import signals
from scrapy.exceptions import NotConfigured
from scrapy.extensions.feedexport import FeedExporter, FeedSlot, apply_uri_params
from scrapy.utils.defer import ensure_awaitable
from scrapy.utils.misc import build_from_crawler, load_object

from wallpapers.errors import SettingError, message_of
from wallpapers.feeds.compression import PLUGINS
from wallpapers.feeds.storages import CheckedStorage, WholeFileFeedStorage
from wallpapers.options.extras import require_for_feed
from wallpapers.run.addon import run_of

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.exporters import BaseItemExporter

    from wallpapers.feeds.files import FeedFile

logger = logging.getLogger(__name__)


class CheckedFeedExporter(FeedExporter):
    """Open every feed at the start, write each item to disk, and complete feeds at the end.

    Feeds are completed only if the run ends with status 0 or 3; full batches wait for that, too. A
    feed that cannot be exported raises SettingError at the start; Scrapy would continue without it.
    A feed that fails later stops the run, which ends with status 5.

    Stats: Scrapy's ``feedexport/success_count/<storage>``, ``feedexport/failed_count/<storage>``.
    """

    def __init__(self, crawler: Crawler) -> None:
        settings = crawler.settings
        if not settings["FEEDS"] and not settings["FEED_URI"]:
            raise NotConfigured
        self._state = run_of(crawler).state
        self._finished: list[FeedSlot] = []
        for uri in settings.getdict("FEEDS"):
            scheme = urlsplit(str(uri)).scheme
            require_for_feed(scheme)
            if scheme == "stdout" and sys.stdout is None:
                raise SettingError(f"the feed {uri} needs a standard output, which is closed")
        try:
            super().__init__(crawler)
        except NotConfigured as error:
            raise SettingError("a feed cannot be exported; see the line above") from error
        self.storages = {
            scheme: CheckedStorage.around(storage, self._state)
            for scheme, storage in self.storages.items()
        }
        self.exporters = {
            name: CheckedItemExporter.around(exporter) for name, exporter in self.exporters.items()
        }
        for uri, options in self.feeds.items():
            _check_encoding(options["encoding"])
            # FeedFile applies the plugins itself: Scrapy would apply them before FeedFile.
            options[PLUGINS] = _plugins(options.pop("postprocessing", ()))
            self._check_first(uri, options)

    def open_spider(self, spider: Spider) -> None:
        super().open_spider(spider)
        for slot in self.slots:
            if slot.store_empty:
                slot.start_exporting()

    def item_scraped(self, item: Any, spider: Spider) -> None:
        try:
            super().item_scraped(item, spider)
        except Exception as error:  # in a filter or uri_params, or a batch file that exists
            self._state.store_failed(f"Feed export failed: {error}")

    async def close_spider(self, spider: Spider, reason: str = "finished") -> None:
        self._state.close(reason)  # other handlers of spider_closed may run later
        for slot in self.slots:
            self._finish(slot)
        # Renames come last, because they rarely fail: a failed upload keeps all feeds partial.
        for slot in self._finished:
            _storage_of(slot).sync(close=False)
        slots = sorted(self._finished, key=lambda slot: _storage_of(slot).is_local)
        remote = [slot for slot in slots if not _storage_of(slot).is_local]
        await asyncio.gather(*(self._store(slot) for slot in remote))
        for slot in slots[len(remote) :]:
            await self._store(slot)
        for slot in slots:
            self._report(slot)
            await self.crawler.signals.send_catch_log_async(signals.feed_slot_closed, slot=slot)
        await self.crawler.signals.send_catch_log_async(signals.feed_exporter_closed)

    def abort(self) -> None:
        """End the partial feeds after Scrapy failed to close the run, so that they are readable."""
        for slot in self.slots:
            self._finish(slot)

    def _check_first(self, uri: str, options: dict[str, Any]) -> None:
        """Create the storage of the first batch. Raises UserError."""
        if self.crawler.spider is not None:
            parameters = self._get_uri_params(self.crawler.spider, options["uri_params"])
            self._get_storage(apply_uri_params(uri, parameters), options)

    def _schedule_slot_close(self, slot: FeedSlot, spider: Spider) -> Any:
        """Finish a full batch; it is completed at the end of the run."""
        self._finish(slot)
        # The first file stays open to hold the lock; there may be more batches than open files.
        _storage_of(slot).sync(close=slot.batch_id > 1)

    def _finish(self, slot: FeedSlot) -> None:
        if slot.file is not None and slot not in self._finished:
            self._finished.append(slot)
            slot.finish_exporting()

    async def _store(self, slot: FeedSlot) -> None:
        storage = _storage_of(slot)
        try:
            await ensure_awaitable(storage.store())
        except Exception as error:  # each client library has its own exceptions
            storage.stored = False
            self._state.store_failed(f"Feed failed: {slot.uri}: {message_of(error)}")

    def _report(self, slot: FeedSlot) -> None:
        storage = _storage_of(slot)
        wrapped = storage.wrapped
        assert storage.file is not None
        description = f"{slot.format} feed ({storage.file.items} items)"
        name = type(wrapped).__name__
        if storage.stored:
            logger.info("Stored %s in: %s", description, slot.uri)
            self.crawler.stats.inc_value(f"feedexport/success_count/{name}")
            return
        self.crawler.stats.inc_value(f"feedexport/failed_count/{name}")
        if not isinstance(wrapped, WholeFileFeedStorage):
            logger.warning("Feed incomplete: %s not uploaded to %s", description, slot.uri)
        elif wrapped.is_open:
            logger.warning("Feed incomplete: %s kept in %s", description, wrapped.partial)


class CheckedItemExporter:
    """An exporter that writes each item completely or not at all.

    An item that cannot be exported ends the feed, because the wrapped exporter may be inconsistent
    afterwards.
    """

    def __init__(self, wrapped: BaseItemExporter | None, file: FeedFile) -> None:
        self.wrapped = wrapped
        self._file = file

    @classmethod
    def around(cls, exporter_class: type[BaseItemExporter]) -> Any:
        """Return a class that wraps *exporter_class*."""

        class Checked(cls):  # type: ignore[misc,valid-type]
            @classmethod
            def from_crawler(cls, crawler: Crawler, file: IO[bytes], **options: Any) -> Self:
                feed_file = cast("FeedFile", file)
                try:
                    exporter = build_from_crawler(exporter_class, crawler, file, **options)
                except Exception as error:  # for example an unknown option
                    feed_file.fail(str(error))
                    exporter = None
                return cls(exporter, feed_file)

        return Checked

    def start_exporting(self) -> None:
        if self.wrapped and self._file.takes_items:
            self.wrapped.start_exporting()
            self._file.commit(end_member=True)

    def export_item(self, item: Any) -> None:
        if not self.wrapped or not self._file.takes_items:
            return
        try:
            self.wrapped.export_item(item)
        except Exception as error:  # for example a character that the encoding lacks
            self._file.drop()
            self._file.fail(_message_of(error))
            return
        self._file.commit()
        self._file.items += self._file.takes_items

    def finish_exporting(self) -> None:
        try:
            if self.wrapped:
                self.wrapped.finish_exporting()
        except Exception as error:
            self._file.drop()
            self._file.fail(_message_of(error))
        self._file.end()


def _storage_of(slot: FeedSlot) -> CheckedStorage:
    return cast("CheckedStorage", slot.storage)


def _message_of(error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError):
        return f"{error}; set FEED_EXPORT_ENCODING to utf-8, which has all characters"
    return str(error) or type(error).__name__


def _check_encoding(encoding: str | None) -> None:
    try:
        codecs.lookup(encoding or "utf-8")
    except LookupError:
        raise SettingError(f"FEED_EXPORT_ENCODING must be an encoding, got {encoding!r}") from None


def _plugins(names: Any) -> list[Any]:
    try:
        return [load_object(name) for name in names]
    except Exception as error:
        raise SettingError(f"postprocessing must name plugins, got {names!r}: {error}") from None
