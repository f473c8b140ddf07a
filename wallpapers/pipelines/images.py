"""Download the original of each wallpaper and store it, byte for byte as it was served."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

from scrapy import Request, Spider, signals
from scrapy.exceptions import NotConfigured
from scrapy.http import Response
from scrapy.pipelines.images import ImagesPipeline
from scrapy.utils.misc import arg_to_iter

from wallpapers.downloads.addresses import host_of
from wallpapers.errors import PictureRefusedError, SettingError, StoreError
from wallpapers.items import StoredImage, Wallpaper, candidates_of, fields_of
from wallpapers.listings.text import one_line
from wallpapers.pipelines import candidates, results
from wallpapers.pipelines.aside import AsideQueues
from wallpapers.pipelines.candidates import Refusal
from wallpapers.pipelines.drops import Filtered, LeftForNextRun, PutAside
from wallpapers.pipelines.fetching import Candidate, PictureFetcher
from wallpapers.pipelines.places import HostNotReadyError
from wallpapers.pipelines.run_record import RunRecord
from wallpapers.pipelines.setup import (
    check_hooks,
    check_libraries,
    library_of,
    requirements_of,
)
from wallpapers.run.addon import run_of
from wallpapers.run.reasons import FailureReason, Verdict, is_reason
from wallpapers.storage.address import store_address
from wallpapers.storage.file_names import SETTING, FileNames
from wallpapers.storage.local import LocalStorage
from wallpapers.storage.names import thumbnail_path

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.pipelines.files import FilesStoreProtocol
    from scrapy.pipelines.media import FileInfoOrError, MediaPipeline

    SpiderInfo = MediaPipeline.SpiderInfo

logger = logging.getLogger(__name__)

_MAX_LINE = 2_000  # characters of a log line about a failed wallpaper


class WallpaperImagesPipeline(ImagesPipeline):
    """Scrapy's ImagesPipeline for originals, which tries one candidate after the other.

    Subclasses may override ``get_media_requests``, ``file_path``, ``thumb_path`` and
    ``item_completed`` as in Scrapy's documentation. ``item_completed`` receives one success, or a
    Failure with a PictureRefusedError for each candidate. The extension of ``file_path`` is
    replaced by that of the actual format.

    Stats: ``wallpapers/<verdict>``, ``wallpapers/filtered/<reason>``,
    ``wallpapers/failed/<reason>``, ``wallpapers/smaller_than_listed``.
    """

    STORE_SCHEMES: ClassVar[dict[str, type[FilesStoreProtocol]]] = {
        **ImagesPipeline.STORE_SCHEMES,
        "": LocalStorage,
        "file": LocalStorage,
    }

    def __init__(
        self, store_uri: str | PathLike[str], download_func: None = None, *, crawler: Crawler
    ) -> None:
        if crawler.settings.getbool("WALLPAPERS_DRY_RUN"):
            raise NotConfigured  # DryRunPipeline takes its place
        check_hooks(type(self))
        check_libraries()
        self._requirements = requirements_of(crawler)
        try:
            super().__init__(store_address(str(store_uri)), crawler=crawler)
        except NotConfigured as error:
            raise SettingError("IMAGES_STORE must be a folder, s3:// or gs://, got none") from error
        self._file_names = FileNames(str(crawler.settings[SETTING]))
        self.thumbs = dict(self._requirements.thumbs)
        self._run = run_of(crawler)
        self._ledger, self._state = self._run.ledger, self._run.state

    def open_spider(self, spider: Spider | None = None) -> None:
        super().open_spider()
        self._library = library_of(
            self.crawler, self._run, self._requirements, self.store, self.spiderinfo
        )
        try:
            self._library.open()
        except StoreError as error:
            self._state.store_failed(f"Store not writable: {error}")
        else:
            # Concurrently with the first request, which needs no catalogue.
            self._opening = asyncio.ensure_future(self._open_catalogue())
        self._record = RunRecord(self.crawler, self._run, self._library)
        self._aside = AsideQueues(self.crawler, self._run, self, self._library.scratch_file)
        self._fetcher = PictureFetcher(self.crawler, self._state, self._library, self._aside.resume)
        self.crawler.signals.connect(self._spider_idle, signals.spider_idle)

    async def _open_catalogue(self) -> None:
        try:
            await self._library.open_catalogue()
        except StoreError as error:
            self._state.store_failed(f"Catalogue failed: {error}")

    def _spider_idle(self) -> None:
        self._fetcher.places.end_of_listing()
        self._aside.keep_open(self._fetcher.places.queue)

    async def close_spider(self) -> None:
        self._aside.close()
        await self._record.written()  # the feeds and the summary depend on its success
        if not self._record.has_begun:  # otherwise closed when the exit status is known
            self._library.close()

    def close_by_force(self) -> None:
        """Record the end of a run that cannot be closed; the process ends afterwards."""
        self._record.close_by_force()

    # Hooks that users may override

    def get_media_requests(self, item: Any, info: SpiderInfo) -> list[Request]:
        """Return a request for each candidate that is a valid address, best first."""
        # The command retry requests each wallpaper as the spider that listed it did.
        spider_for = getattr(info.spider, "spider_for", None)
        spider: Any = spider_for(item) if spider_for else info.spider
        referer = getattr(spider, "picture_referer", lambda url: "")
        urls = candidates_of(item, self.images_urls_field)
        endpoint = spider.endpoint if spider_for else ""
        return candidates.requests_for(item, urls, referer, endpoint)

    def file_path(
        self,
        request: Request,
        response: Response | None = None,
        info: SpiderInfo | None = None,
        *,
        item: Any = None,
    ) -> str:
        """Return the path that WALLPAPERS_FILE_NAME gives; the extension is replaced later.

        An item without an id is named after its address, an item without a source after the spider.
        """
        wallpaper = fields_of(item)
        source = wallpaper.get("source") or (info.spider.name if info else "")
        identity = str(wallpaper.get("id") or candidates.hash_of(request.url))
        if candidates.is_preview(request, item):  # must not replace an original
            identity = f"{identity}-preview"
        listed = wallpaper.get("width") or 0, wallpaper.get("height") or 0
        width, height = request.meta.get("image_size", listed)
        values = {name: wallpaper.get(name) or "" for name in ("listing", "title", "date")}
        values |= {"source": source, "id": identity, "width": width, "height": height}
        return self._file_names.path(values)

    def thumb_path(
        self,
        request: Request,
        thumb_id: str,
        response: Response | None = None,
        info: SpiderInfo | None = None,
        *,
        item: Any = None,
    ) -> str:
        """Return ``thumbs/<name>/`` and the path of the image; a thumbnail is always a JPEG."""
        return thumbnail_path(thumb_id, self.file_path(request, response, info, item=item))

    # Processing an item

    async def process_item(self, item: Any, spider: Spider | None = None) -> Any:
        """Store the wallpaper and record its verdict; an item without candidates passes."""
        requests = list(arg_to_iter(self.get_media_requests(item, self.spiderinfo)))
        urls = candidates_of(item, self.images_urls_field)
        if not (urls or requests):
            has_field = self.images_urls_field in fields_of(item)
            return self.item_completed([], item, self.spiderinfo) if has_field else item
        self._ledger.register_missing(item)
        self._record.begin()
        try:
            if self._state.stopping:
                raise LeftForNextRun
            candidate_results = await self._settle_or_put_aside(item, urls, requests)
        except LeftForNextRun:
            self._ledger.leave(item)
            raise
        except (StoreError, OSError) as error:
            self._state.store_failed(f"Store failed: {error}")
            self._ledger.leave(item)
            raise LeftForNextRun from error
        return self.item_completed(candidate_results, item, self.spiderinfo)

    async def _settle_or_put_aside(
        self, item: Any, urls: list[Any], requests: Sequence[Request]
    ) -> list[FileInfoOrError]:
        """Settle *item*, or put it aside if its host is not ready. Raises PutAside.

        If it cannot be put aside, it waits in memory.
        """
        try:
            return await self._settle(item, urls, requests)
        except HostNotReadyError as not_ready:
            if self._aside.put(not_ready.host, item):
                raise PutAside from None
        return await self._settle(item, urls, requests, must_wait=True)

    async def _settle(
        self, item: Any, urls: list[Any], requests: Sequence[Request], *, must_wait: bool = False
    ) -> list[FileInfoOrError]:
        """Process a wallpaper, record its verdict, and return the results of its candidates."""
        first_url = requests[0].url if requests else ""
        wallpaper = candidates.wallpaper_of(item, urls, first_url, self.spiderinfo.spider.name)
        try:
            known = await self._find_known(wallpaper, requests, item)
        except PictureRefusedError as refusal:
            self._ledger.settle(item, Verdict.FILTERED, refusal.reason)
            raise Filtered(str(refusal)) from None
        if known:
            self._ledger.settle(item, Verdict.KNOWN)
            return [results.success(known)]

        async def fetch(request: Request, *, accept_smaller: bool) -> StoredImage:
            candidate = self._candidate(request, item, wallpaper, accept_smaller=accept_smaller)
            return await self._fetcher.fetch(candidate, must_wait=must_wait)

        in_order = list(candidates.in_order(urls, requests))
        image, refusals = await candidates.first_stored(in_order, fetch)
        if image is None:
            await self._give_up(item, wallpaper, refusals)
            return [results.failure(refusal) for _, refusal in refusals]
        if not image.get("preview"):
            image = results.with_size_note(image, wallpaper)
        duplicate = image["status"] == "duplicate"
        verdict = Verdict.DUPLICATE if duplicate else Verdict.STORED
        self._ledger.settle(item, verdict, size_bytes=image["size"])
        if image.get("smaller_than_listed"):
            self.crawler.stats.inc_value("wallpapers/smaller_than_listed")
        return [results.success(image)]

    def _candidate(
        self, request: Request, item: Any, wallpaper: Wallpaper, *, accept_smaller: bool
    ) -> Candidate:
        """Return a candidate with the paths of ``file_path`` and ``thumb_path``."""

        def paths(response: Response, width: int, height: int) -> tuple[str, dict[str, str]]:
            info = self.spiderinfo
            request.meta["image_size"] = width, height
            path = self.file_path(request, response, info, item=item)
            return path, {
                name: self.thumb_path(request, name, response, info, item=item)
                for name in self.thumbs
            }

        preview = candidates.is_preview(request, item)
        return Candidate(request, wallpaper, paths, preview, accept_smaller)

    async def _find_known(
        self, wallpaper: Wallpaper, requests: Sequence[Request], item: Any
    ) -> StoredImage | None:
        url, path, preview = "", "", False
        if requests:
            url, preview = requests[0].url, candidates.is_preview(requests[0], item)
            own = type(self).file_path is not WallpaperImagesPipeline.file_path
            if own or self._file_names.are_unique:
                path = self.file_path(requests[0], info=self.spiderinfo, item=item)
        known = await self._library.find_known(wallpaper, url, path, preview=preview)
        return known and results.as_listed(known, wallpaper, accepts_preview=preview)

    async def _give_up(self, item: Any, wallpaper: Wallpaper, refusals: Sequence[Refusal]) -> None:
        """Settle a wallpaper without a usable candidate, and log one line for a failure."""
        for _, refusal in refusals:
            if is_reason(Verdict.FILTERED, refusal.reason):
                await self._library.filter(wallpaper, refusal.reason)
                self._ledger.settle(item, Verdict.FILTERED, refusal.reason)
                raise Filtered(str(refusal))
        reason = refusals[0][1].reason if refusals else FailureReason.BAD_URL
        host = one_line(host_of(refusals[0][0])) if refusals else ""
        tried = "; ".join(f"{url} -> {refusal}" for url, refusal in refusals) or "no request"
        await self._library.fail(wallpaper, reason, host, one_line(tried)[:_MAX_LINE])
        self._ledger.settle(item, Verdict.FAILED, reason, host=host)
        line = f"failed {reason}: wallpaper {wallpaper.id}, tried {tried}"
        kind = f"failed {reason} at {host}" if host else f"failed {reason}"
        logger.warning("%s", one_line(line)[:_MAX_LINE], extra={"kind": kind})
