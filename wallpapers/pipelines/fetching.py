"""Download candidates within the limits of their hosts, with retries, each address once."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.http import Response
from scrapy.utils.httpobj import urlparse_cached

from wallpapers.downloads import failures
from wallpapers.downloads.errors import RunIsEndingError
from wallpapers.downloads.hosts import HostPolicy, Hosts
from wallpapers.downloads.responses import PictureResponse, forbids_ai
from wallpapers.errors import InspectionStoppedError, PictureRefusedError, StoreError
from wallpapers.items import StoredImage, Wallpaper
from wallpapers.middlewares.retry import PatientRetryMiddleware, RetryLaterError
from wallpapers.options.setting_values import not_negative
from wallpapers.pipelines.drops import LeftForNextRun
from wallpapers.pipelines.places import HostNotReadyError, HostQueue, Place, Places
from wallpapers.run.reasons import http_reason

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from wallpapers.pipelines.library import Library
    from wallpapers.run.state import RunState
    from wallpapers.storage.intake import StagedImage
    from wallpapers.storage.parts import Part

# Returns the path of an image, and those of its thumbnails by name, for a response and a size.
Paths = Callable[[Response, int, int], tuple[str, Mapping[str, str]]]


@dataclass(frozen=True)
class Candidate:
    """One address of a wallpaper, and how to store its image."""

    request: Request
    wallpaper: Wallpaper
    paths: Paths
    preview: bool
    accept_smaller: bool  # even with less than a quarter of the listed pixels

    @property
    def claimed_pixels(self) -> int:
        """The listed number of pixels; 0 = unknown, as for previews."""
        return 0 if self.preview else self.wallpaper.width * self.wallpaper.height

    @property
    def key(self) -> tuple[object, ...]:
        """The key under which equal downloads are shared."""
        return self.request.url, self.claimed_pixels, self.accept_smaller


class PictureFetcher:
    """Download candidates into the library, and share downloads of the same address.

    The methods raise PictureRefusedError with the reason, HostNotReadyError, LeftForNextRun if the
    run is stopping, and StoreError. Settings: CONCURRENT_REQUESTS,
    CONCURRENT_REQUESTS_PER_DOMAIN, DOWNLOAD_SLOTS.
    """

    def __init__(
        self,
        crawler: Crawler,
        state: RunState,
        library: Library,
        resume: Callable[[HostQueue], None],
    ) -> None:
        self._crawler = crawler
        self._state = state
        self._library = library
        self._slots = crawler.settings.getdict("DOWNLOAD_SLOTS")
        limit = not_negative(crawler.settings, "CONCURRENT_REQUESTS")
        # One of Scrapy's requests is reserved for the listing, so that it does not wait for images.
        # An image occupies its place until its file is stored, which limits memory and disk usage.
        total = max(1, limit - 1) if limit else sys.maxsize
        self.places = Places(
            _hosts_of(crawler),
            total,
            self._limit_of,
            extra_changed=self._change_limit,
            resume=resume,
        )
        # As many again may wait for their rows. This limits how long a stop takes.
        self._rows = asyncio.Semaphore(total)
        self._in_flight: dict[tuple[object, ...], asyncio.Future[StoredImage]] = {}
        self._stopping = asyncio.Event()
        state.call_on_stop(self._stop)

    async def fetch(self, candidate: Candidate, *, must_wait: bool = False) -> StoredImage:
        """Download and store a candidate, or share a running download of the same address.

        With *must_wait*, HostNotReadyError is not raised.
        """
        key, wallpaper = candidate.key, candidate.wallpaper
        while (running := self._in_flight.get(key)) is not None:
            try:
                image = await asyncio.shield(running)
            except HostNotReadyError:  # the other caller did not wait
                if not must_wait:
                    raise
                continue
            shared = await self._library.share(wallpaper, image, preview=candidate.preview)
            if shared:
                return shared
        fetched = self._in_flight[key] = asyncio.get_running_loop().create_future()
        try:
            image = await self._fetch(candidate, must_wait)
        except BaseException as error:
            fetched.set_exception(error)
            fetched.exception()  # mark it as retrieved, as there may be no waiter
            raise
        else:
            fetched.set_result(image)
            return image
        finally:
            self._in_flight.pop(key, None)
            del fetched  # its error has a traceback, which refers to this frame

    async def _fetch(self, candidate: Candidate, must_wait: bool) -> StoredImage:
        part = self._library.part()
        candidate.request.meta["part"] = part
        self._choose_slot(candidate.request)
        staged: StagedImage | None = None
        try:
            place, response = await self._download(candidate.request, part, must_wait)
            try:
                staged = await self._store_file(candidate, part, response)
                await self._rows.acquire()
            finally:
                self.places.release(place)
            try:
                return await self._library.add_row(candidate.wallpaper, staged)
            finally:
                self._rows.release()
        finally:
            part.remove()
            if staged is not None:
                staged.discard()

    async def _store_file(
        self, candidate: Candidate, part: Part, response: Response
    ) -> StagedImage:
        try:
            staged = await self._library.store_file(
                candidate.wallpaper,
                part,
                candidate.request.url,
                partial(candidate.paths, response),
                candidate.claimed_pixels,
                preview=candidate.preview,
                accept_smaller=candidate.accept_smaller,
            )
        except InspectionStoppedError as error:
            raise LeftForNextRun from error
        if forbids_ai(response):
            staged = replace(staged, image={**staged.image, "noai": True})
        return staged

    async def _download(
        self, request: Request, part: Part, must_wait: bool
    ) -> tuple[Place, Response]:
        """Return the response, whose image is in *part*, and the place, which is still occupied."""
        while True:
            place = await self._acquire_place(request, part, must_wait)
            try:
                response = await self._send(request)
                if not (isinstance(response, PictureResponse) and response.has_body_in(part)):
                    await _write_body(part, response.body)
            except RetryLaterError as later:
                self.places.release(place)
                request, wait_s = later.request, later.wait_s
            except BaseException:
                self.places.release(place)
                raise
            else:
                place.is_downloading = False
                return place, response
            await self._wait(wait_s)

    async def _acquire_place(self, request: Request, part: Part, must_wait: bool) -> Place:
        if self._state.stopping:
            raise LeftForNextRun
        name = urlparse_cached(request).netloc
        try:
            return await self.places.acquire(name, part, must_wait=must_wait)
        except (HostNotReadyError, LeftForNextRun):
            raise
        except Exception as error:  # the host is given up
            raise PictureRefusedError(*failures.explain(error)) from error

    async def _send(self, request: Request) -> Response:
        """Return the response, whose status is 200."""
        engine = self._crawler.engine
        fetch = getattr(engine.downloader, "fetch_picture", engine.download_async)
        try:
            response: Response = await fetch(request)
        except (PictureRefusedError, StoreError, RetryLaterError):
            raise
        except Exception as error:  # of Scrapy, Twisted or a middleware
            if self._state.stopping or isinstance(error, RunIsEndingError):
                raise LeftForNextRun from error
            raise PictureRefusedError(*failures.explain(error)) from error
        if response.status != 200:
            raise PictureRefusedError(http_reason(response.status))
        return response

    async def _wait(self, seconds: float) -> None:
        """Wait for a retry. Raises LeftForNextRun."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
        raise LeftForNextRun

    def _stop(self) -> None:
        self._stopping.set()
        self.places.stop(LeftForNextRun)

    # Scrapy's limits

    def _limit_of(self, host: str) -> int:
        """Return how many images of *host* may be downloaded concurrently."""
        slot = self._slots.get(host) or self._slots.get(urlsplit(f"//{host}").hostname) or {}
        per_domain = not_negative(self._crawler.settings, "CONCURRENT_REQUESTS_PER_DOMAIN")
        return int(slot.get("concurrency") or 0) or per_domain or sys.maxsize

    def _choose_slot(self, request: Request) -> None:
        """Use a separate slot for each port of a host, unless DOWNLOAD_SLOTS has the host."""
        parts = urlparse_cached(request)
        if parts.port and parts.hostname not in self._slots:
            request.meta.setdefault("download_slot", parts.netloc)

    def _change_limit(self, change: int) -> None:
        """Change Scrapy's limit, so that transfers in addition to the places do not count."""
        downloader = self._crawler.engine.downloader
        if downloader.total_concurrency:
            downloader.total_concurrency += change


def _hosts_of(crawler: Crawler) -> Hosts:
    """Return the hosts of the retry middleware; without it, all hosts stay healthy."""
    middleware = crawler.get_downloader_middleware(PatientRetryMiddleware)
    return middleware.hosts if middleware else Hosts(HostPolicy(1.0, 1.0, 1.0))


async def _write_body(part: Part, body: bytes) -> None:
    """Write *body*, which comes from a middleware or another download handler, to *part*."""
    part.begin()
    if work := part.feed(body):
        await asyncio.to_thread(work)
