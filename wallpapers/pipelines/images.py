"""Download each wallpaper's original and store it, byte for byte as it was served."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

import PIL
from scrapy import Request, Spider
from scrapy.exceptions import NotConfigured
from scrapy.http import Response
from scrapy.pipelines.images import ImagesPipeline
from scrapy.utils.asyncio import is_asyncio_available
from scrapy.utils.misc import arg_to_iter

from wallpapers import filters
from wallpapers.catalogue.place import catalogue_url
from wallpapers.catalogue.writer import Writer
from wallpapers.checks import not_negative, one_of, positive, sizes
from wallpapers.downloads import reasons
from wallpapers.downloads.addresses import host_of, is_askable
from wallpapers.downloads.pictures import picture_request
from wallpapers.downloads.responses import PictureResponse
from wallpapers.errors import MissingLibraryError, PictureRefusedError, SettingError, StoreError
from wallpapers.filters import Wanted
from wallpapers.inspection.findings import Demands
from wallpapers.items import StoredImage, Wallpaper, candidates_of, fields_of
from wallpapers.listings.text import one_line
from wallpapers.pipelines import candidates, results
from wallpapers.pipelines.drops import Filtered, LeftForNextRun
from wallpapers.pipelines.library import Library
from wallpapers.run.addon import run_of
from wallpapers.run.reasons import FailureReason, Verdict, http_reason
from wallpapers.storage.address import folder_of, store_address
from wallpapers.storage.contract import Storage
from wallpapers.storage.intake import Arrival, Intake
from wallpapers.storage.local import LocalStorage
from wallpapers.storage.names import safe_name
from wallpapers.storage.remote import RemoteStorage

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.pipelines.files import FilesStoreProtocol
    from scrapy.pipelines.media import FileInfoOrError, MediaPipeline

    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.storage.parts import Part

    SpiderInfo = MediaPipeline.SpiderInfo

logger = logging.getLogger(__name__)

_MAX_LINE = 2_000  # characters of a log line that tells of a failed wallpaper

Refusal = tuple[str, PictureRefusedError]  # the candidate, and why it gave nothing


class NoWallpaper(Exception):
    """The item names no candidate, and there is no request for it."""


# Hooks of ImagesPipeline and its bases that this pipeline has no use for.
_NOT_CALLED = (
    *("get_images", "convert_image", "image_downloaded", "file_downloaded", "inc_stats"),
    *("media_to_download", "media_downloaded", "media_failed"),
)


class WallpaperImagesPipeline(ImagesPipeline):
    """Scrapy's ImagesPipeline with another heart: originals, one candidate after the other.

    ``get_media_requests``, ``file_path``, ``thumb_path`` and ``item_completed`` are the extension
    points that Scrapy documents. ``item_completed`` gets one success, or a Failure with a
    PictureRefusedError for each candidate; the extension that ``file_path`` gives is replaced by
    the true one. Nothing is kept beyond the download that it belongs to.

    Stats: ``wallpapers/stored``, ``wallpapers/known``, ``wallpapers/duplicate``,
    ``wallpapers/filtered/<reason>``, ``wallpapers/failed/<reason>``.
    """

    STORE_SCHEMES: ClassVar[dict[str, type[FilesStoreProtocol]]] = {
        **ImagesPipeline.STORE_SCHEMES,
        "": LocalStorage,
        "file": LocalStorage,
    }

    def __init__(
        self, store_uri: str | PathLike[str], download_func: None = None, *, crawler: Crawler
    ) -> None:
        if int(PIL.__version__.split(".")[0]) < 13:
            raise MissingLibraryError(
                f"Pillow 13 or later is needed, {PIL.__version__} is installed: its JPEG decoder "
                "can be made to overflow; pip install 'pillow>=13'"
            )
        self._refuse_hooks_that_are_not_called()
        if not is_asyncio_available():
            raise SettingError("TWISTED_REACTOR must be the asyncio reactor, Scrapy's default")
        settings = crawler.settings
        self._demands = Demands(
            check=one_of(settings, "WALLPAPERS_CHECK", ("structure", "decode")),
            max_pixels=int(positive(settings, "WALLPAPERS_MAX_PIXELS")),
            wanted=Wanted.of(crawler.spider, settings),
            placeholders=frozenset(settings.getlist("WALLPAPERS_PLACEHOLDERS")),
            thumbs=sizes(settings, "IMAGES_THUMBS"),
        )
        most = not_negative(settings, "CONCURRENT_REQUESTS")
        try:
            super().__init__(store_address(str(store_uri)), crawler=crawler)
        except NotConfigured as error:
            raise SettingError("IMAGES_STORE must be a folder, s3:// or gs://, got none") from error
        self.thumbs = dict(self._demands.thumbs)
        if settings["WALLPAPERS_CATALOGUE"]:
            catalogue_url(settings)  # a wrong one is to be told at the start
        run = run_of(crawler)
        self._ledger, self._state = run.ledger, run.state
        self._in_flight: dict[str, asyncio.Future[StoredImage]] = {}
        # One of Scrapy's requests is kept for the listing, which else would wait for pictures.
        # A picture has its place until it is stored: neither memory nor disk runs full.
        places = max(1, most - 1) if most else sys.maxsize
        self._places = asyncio.Semaphore(places)
        # As many again may wait for their rows, so that the run stops soon after it is told to.
        self._rows = asyncio.Semaphore(places)

    def open_spider(self, spider: Spider | None = None) -> None:
        super().open_spider()
        self._storage = self._make_storage()
        self._intake = Intake(self._storage, self._demands)
        self._writer = Writer(self._open_catalogue)
        self._library = Library(self._storage, self._intake, self._writer)
        try:
            self._intake.open()
        except StoreError as error:
            self._state.store_failed(f"The store does not take a file: {error}")
        else:
            # Beside the first request, which needs no catalogue.
            self._opening = asyncio.ensure_future(self._open_library())

    async def _open_library(self) -> None:
        try:
            await self._writer.open()
        except StoreError as error:
            self._state.store_failed(f"The catalogue cannot be used: {error}")

    def _open_catalogue(self) -> Catalogue:
        from wallpapers.catalogue.catalogue import Catalogue

        url = catalogue_url(self.crawler.settings)
        return Catalogue.open(url, self._storage.holds, self._storage.address)

    def _make_storage(self) -> Storage:
        address = store_address(str(self.crawler.settings["IMAGES_STORE"]))
        if folder_of(address) is not None:
            return LocalStorage(address)
        return RemoteStorage(self.store, address, self.spiderinfo)

    def close_spider(self) -> None:
        self._writer.close()
        self._intake.close()

    # What Scrapy's users may override

    def get_media_requests(self, item: Any, info: SpiderInfo) -> list[Request]:
        """Return a request for each candidate that may be asked for, best first."""
        referer = getattr(info.spider, "picture_referer", lambda url: "")
        previews = fields_of(item).get("previews") or ()
        return [
            picture_request(url, referer(url), preview=url in previews)
            for url in self._candidates(item)
            if is_askable(url)
        ]

    def file_path(
        self,
        request: Request,
        response: Response | None = None,
        info: SpiderInfo | None = None,
        *,
        item: Any = None,
    ) -> str:
        """Return ``source/listing/id.jpg``; its extension gives way to the true one.

        An item without an id is named after its address, one without a source after the spider.
        """
        wallpaper = fields_of(item)
        source = wallpaper.get("source") or (info.spider.name if info else "")
        identity = wallpaper.get("id") or candidates.hash_of(request.url)
        if _is_preview(request, item):  # which never takes the place of an original
            identity = f"{identity}-preview"
        names = (source, wallpaper.get("listing"), identity)
        return "/".join(safe_name(str(name)) for name in names if name) + ".jpg"

    def thumb_path(
        self,
        request: Request,
        thumb_id: str,
        response: Response | None = None,
        info: SpiderInfo | None = None,
        *,
        item: Any = None,
    ) -> str:
        """Return ``thumbs/<name>/source/listing/id.jpg``; a thumbnail is always a JPEG."""
        path = self.file_path(request, response, info, item=item)
        return f"thumbs/{safe_name(thumb_id)}/{path}"

    def _refuse_hooks_that_are_not_called(self) -> None:
        for hook in _NOT_CALLED:
            if getattr(type(self), hook) is not getattr(ImagesPipeline, hook):
                raise SettingError(
                    f"{type(self).__name__}.{hook} would never be called: pictures are stored as "
                    "they were served; override get_media_requests, file_path, thumb_path or "
                    "item_completed"
                )

    # The heart

    async def process_item(self, item: Any, spider: Spider | None = None) -> Any:
        """Have the wallpaper stored and give it its verdict; an item without candidates passes."""
        try:
            done = await self._results(item)
        except NoWallpaper:
            named = self.images_urls_field in fields_of(item)
            return self.item_completed([], item, self.spiderinfo) if named else item
        except (StoreError, OSError) as error:
            self._state.store_failed(f"The store failed: {error}")
            self._ledger.leave(item)
            raise LeftForNextRun from error
        except LeftForNextRun:
            self._ledger.leave(item)
            raise
        return self.item_completed(done, item, self.spiderinfo)

    async def _results(self, item: Any) -> list[FileInfoOrError]:
        requests = list(arg_to_iter(self.get_media_requests(item, self.spiderinfo)))
        given = self._candidates(item)
        if not (given or requests):
            raise NoWallpaper
        self._ledger.register_missing(item)
        if self._state.stopping:
            raise LeftForNextRun
        first_url = requests[0].url if requests else ""
        wallpaper = candidates.wallpaper_of(item, given, first_url, self.spiderinfo.spider.name)
        if known := await self._known(wallpaper, requests, item):
            self._ledger.settle(item, Verdict.KNOWN)
            return [results.success(known)]
        refusals: list[Refusal] = []
        for candidate in candidates.in_order(given, requests):
            try:
                if not isinstance(candidate, Request):
                    raise PictureRefusedError("bad_url", "no http(s) address without user part")
                image = await self._fetch_once(candidate, item, wallpaper)
            except PictureRefusedError as refusal:
                url = getattr(candidate, "url", None) or candidates.name_of(candidate)
                refusals.append((url, results.bare(refusal)))
                continue
            duplicate = image["status"] == "duplicate"
            verdict = Verdict.DUPLICATE if duplicate else Verdict.STORED
            self._ledger.settle(item, verdict, size_bytes=image["size"])
            return [results.success(image)]
        await self._give_up(item, wallpaper, refusals)
        return [results.failure(refusal) for _, refusal in refusals]

    def _candidates(self, item: Any) -> list[object]:
        return candidates_of(item, self.images_urls_field)

    async def _known(
        self, wallpaper: Wallpaper, requests: Sequence[Request], item: Any
    ) -> StoredImage | None:
        url, path, preview = "", "", False
        if requests:
            url, preview = requests[0].url, _is_preview(requests[0], item)
            path = self.file_path(requests[0], info=self.spiderinfo, item=item)
        known = await self._library.known(wallpaper, url, path, preview=preview)
        if known is None or not known.get("preview"):
            return known
        originals = {given for given in wallpaper.image_urls if given not in wallpaper.previews}
        if known["url"] in originals:  # by what its listing says now
            return results.labelled(known, preview=False)
        # A wallpaper that has an original, too, is not known by its preview.
        return known if preview else None

    async def _fetch_once(self, request: Request, item: Any, wallpaper: Wallpaper) -> StoredImage:
        """Fetch and store a candidate, or share in what is under way for the same address."""
        # Who promises another size judges otherwise.
        key = f"{wallpaper.width}x{wallpaper.height} {request.url}"
        if (under_way := self._in_flight.get(key)) is not None:
            image = await asyncio.shield(under_way)
            preview = _is_preview(request, item)
            if shared := await self._library.share(wallpaper, image, preview=preview):
                return shared
        fetched = self._in_flight[key] = asyncio.get_running_loop().create_future()
        try:
            image = await self._fetch(request, item, wallpaper)
        except BaseException as error:
            fetched.set_exception(error)
            fetched.exception()  # which nobody may be waiting for
            raise
        else:
            fetched.set_result(image)
            return image
        finally:
            self._in_flight.pop(key, None)

    async def _fetch(self, request: Request, item: Any, wallpaper: Wallpaper) -> StoredImage:
        info = self.spiderinfo
        part = self._intake.part()
        arrival: Arrival | None = None
        request.meta["part"] = part
        preview = _is_preview(request, item)
        try:
            async with self._places:
                response = await self._download(request)
                if not (isinstance(response, PictureResponse) and response.is_in(part)):
                    await _replace(part, response.body)
                path = self.file_path(request, response, info, item=item)
                thumb_paths = {
                    name: self.thumb_path(request, name, response, info, item=item)
                    for name in self.thumbs
                }
                # A preview is smaller than what is claimed for its original.
                claimed_pixels = 0 if preview else wallpaper.width * wallpaper.height
                arrival = await self._library.keep(
                    wallpaper,
                    part,
                    request.url,
                    path,
                    thumb_paths,
                    claimed_pixels,
                    preview=preview,
                )
                await self._rows.acquire()
            try:
                return await self._library.enter(wallpaper, arrival)
            finally:
                self._rows.release()
        finally:
            part.remove()
            if arrival is not None:
                arrival.discard()

    async def _download(self, request: Request) -> Response:
        """Return the answer with the picture. Raises PictureRefusedError and LeftForNextRun."""
        if self._state.stopping:
            raise LeftForNextRun
        try:
            response = await self._fetch_picture(request)
        except (PictureRefusedError, StoreError):
            raise
        except Exception as error:  # Scrapy's, Twisted's, a middleware's
            if self._state.stopping:
                raise LeftForNextRun from error
            raise PictureRefusedError(*reasons.explain(error)) from error
        if response.status != 200:
            raise PictureRefusedError(http_reason(response.status))
        return response

    async def _fetch_picture(self, request: Request) -> Response:
        engine = self.crawler.engine
        fetch = getattr(engine.downloader, "fetch_picture", engine.download_async)
        response: Response = await fetch(request)
        return response

    async def _give_up(self, item: Any, wallpaper: Wallpaper, refusals: Sequence[Refusal]) -> None:
        """Settle a wallpaper that none of its candidates gave, in one line of the log."""
        for _, refusal in refusals:
            if refusal.reason in filters.REASONS:
                await self._library.filter(wallpaper, refusal.reason)
                self._ledger.settle(item, Verdict.FILTERED, refusal.reason)
                raise Filtered(str(refusal))
        reason = refusals[0][1].reason if refusals else FailureReason.BAD_URL
        host = one_line(host_of(refusals[0][0])) if refusals else ""
        tried = "; ".join(f"{url} -> {refusal}" for url, refusal in refusals)
        await self._library.fail(wallpaper, reason, host, one_line(tried)[:_MAX_LINE])
        self._ledger.settle(item, Verdict.FAILED, reason, host=host)
        line = f"failed {reason}: wallpaper {wallpaper.id}, tried {tried}"
        logger.warning("%s", one_line(line)[:_MAX_LINE])


def _is_preview(request: Request, item: Any) -> bool:
    """Return whether *request* is for a candidate of *item* that is no original."""
    return request.meta.get("preview") or request.url in (fields_of(item).get("previews") or ())


async def _replace(part: Part, body: bytes) -> None:
    """Put *body*, which a middleware or another download handler brought, into *part*."""
    part.begin()
    if work := part.feed(body):
        await asyncio.to_thread(work)
