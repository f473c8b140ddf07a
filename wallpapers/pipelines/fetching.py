"""Fetch one candidate: in a place of its host, retried patiently, once for each address."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.http import Response

from wallpapers.downloads import failures
from wallpapers.downloads.errors import RunIsEndingError
from wallpapers.downloads.hosts import HostPolicy, Hosts
from wallpapers.downloads.responses import PictureResponse
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
    from wallpapers.storage.intake import Arrival
    from wallpapers.storage.parts import Part

# Path of a picture and of its thumbnails by name, for the response to its request.
Paths = Callable[[Response], tuple[str, Mapping[str, str]]]


@dataclass(frozen=True)
class Candidate:
    """One address of a wallpaper's picture, and what is to be made of its picture."""

    request: Request
    wallpaper: Wallpaper
    paths: Paths
    preview: bool
    accept_smaller: bool  # than a quarter of the pixels that the listing claims

    @property
    def claimed_pixels(self) -> int:
        """The pixels of the listing, 0 = unknown; a preview is smaller than its original."""
        return 0 if self.preview else self.wallpaper.width * self.wallpaper.height

    @property
    def key(self) -> tuple[object, ...]:
        """What two candidates share that get the same picture by the same rules."""
        return self.request.url, self.claimed_pixels, self.accept_smaller


class PictureFetcher:
    """Downloads candidates into the library, each address once at a time.

    Its methods raise PictureRefusedError with the reason, HostNotReadyError, LeftForNextRun where
    the run is stopping, and StoreError. Settings: CONCURRENT_REQUESTS,
    CONCURRENT_REQUESTS_PER_DOMAIN, DOWNLOAD_SLOTS.
    """

    def __init__(
        self,
        crawler: Crawler,
        state: RunState,
        library: Library,
        room: Callable[[HostQueue], None],
    ) -> None:
        self._crawler = crawler
        self._state = state
        self._library = library
        self._slots = crawler.settings.getdict("DOWNLOAD_SLOTS")
        most = not_negative(crawler.settings, "CONCURRENT_REQUESTS")
        # One of Scrapy's requests is kept for the listing, which else would wait for pictures.
        # A picture has its place until it is stored: neither memory nor disk runs full.
        total = max(1, most - 1) if most else sys.maxsize
        self.places = Places(
            _hosts_of(crawler),
            total,
            self._limit_of,
            extra_changed=self._admit_requests,
            room=room,
        )
        # As many again may wait for their rows, so that the run can stop soon.
        self._rows = asyncio.Semaphore(total)
        self._in_flight: dict[tuple[object, ...], asyncio.Future[StoredImage]] = {}
        self._stopping = asyncio.Event()
        state.call_on_stop(self._stop)

    async def fetch(self, candidate: Candidate, *, may_wait: bool = False) -> StoredImage:
        """Fetch and store a candidate, or share in what is under way for the same address.

        HostNotReadyError is not raised where it *may_wait*.
        """
        key, wallpaper = candidate.key, candidate.wallpaper
        if (under_way := self._in_flight.get(key)) is not None:
            image = await asyncio.shield(under_way)
            shared = await self._library.share(wallpaper, image, preview=candidate.preview)
            if shared:
                return shared
        fetched = self._in_flight[key] = asyncio.get_running_loop().create_future()
        try:
            image = await self._fetch(candidate, may_wait)
        except BaseException as error:
            fetched.set_exception(error)
            fetched.exception()  # which nobody may be waiting for
            raise
        else:
            fetched.set_result(image)
            return image
        finally:
            self._in_flight.pop(key, None)

    async def _fetch(self, candidate: Candidate, may_wait: bool) -> StoredImage:
        part = self._library.part()
        candidate.request.meta["part"] = part
        self._choose_slot(candidate.request)
        arrival: Arrival | None = None
        try:
            place, response = await self._download(candidate.request, part, may_wait)
            try:
                arrival = await self._keep(candidate, part, response)
                await self._rows.acquire()
            finally:
                self.places.leave(place)
            try:
                return await self._library.enter(candidate.wallpaper, arrival)
            finally:
                self._rows.release()
        finally:
            part.remove()
            if arrival is not None:
                arrival.discard()

    async def _keep(self, candidate: Candidate, part: Part, response: Response) -> Arrival:
        path, thumb_paths = candidate.paths(response)
        try:
            return await self._library.keep(
                candidate.wallpaper,
                part,
                candidate.request.url,
                path,
                thumb_paths,
                candidate.claimed_pixels,
                preview=candidate.preview,
                accept_smaller=candidate.accept_smaller,
            )
        except InspectionStoppedError as error:
            raise LeftForNextRun from error

    async def _download(
        self, request: Request, part: Part, may_wait: bool
    ) -> tuple[Place, Response]:
        """Return the response with the picture in *part*, and the place, which is still taken."""
        while True:
            place = await self._enter(request, part, may_wait)
            try:
                response = await self._send(request)
                if not (isinstance(response, PictureResponse) and response.is_in(part)):
                    await _replace(part, response.body)
            except RetryLaterError as later:
                self.places.leave(place)
                request, wait_s = later.request, later.wait_s
            except BaseException:
                self.places.leave(place)
                raise
            else:
                place.is_downloading = False
                return place, response
            await self._wait(wait_s)

    async def _enter(self, request: Request, part: Part, may_wait: bool) -> Place:
        if self._state.stopping:
            raise LeftForNextRun
        name = urlsplit(request.url).netloc
        try:
            return await self.places.enter(name, part, may_wait=may_wait)
        except (HostNotReadyError, LeftForNextRun):
            raise
        except Exception as error:  # of a host that is given up
            raise PictureRefusedError(*failures.explain(error)) from error

    async def _send(self, request: Request) -> Response:
        """Return the response with status 200."""
        engine = self._crawler.engine
        fetch = getattr(engine.downloader, "fetch_picture", engine.download_async)
        try:
            response: Response = await fetch(request)
        except (PictureRefusedError, StoreError, RetryLaterError):
            raise
        except Exception as error:  # Scrapy's, Twisted's, a middleware's
            if self._state.stopping or isinstance(error, RunIsEndingError):
                raise LeftForNextRun from error
            raise PictureRefusedError(*failures.explain(error)) from error
        if response.status != 200:
            raise PictureRefusedError(http_reason(response.status))
        return response

    async def _wait(self, seconds: float) -> None:
        """Wait for a retry without a place. Raises LeftForNextRun."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
        raise LeftForNextRun

    def _stop(self) -> None:
        self._stopping.set()
        self.places.stop(LeftForNextRun)

    # Scrapy's own limits

    def _limit_of(self, host: str) -> int:
        """Return how many pictures of *host* may be under way."""
        slot = self._slots.get(host) or self._slots.get(urlsplit(f"//{host}").hostname) or {}
        per_domain = not_negative(self._crawler.settings, "CONCURRENT_REQUESTS_PER_DOMAIN")
        return int(slot.get("concurrency") or 0) or per_domain or sys.maxsize

    def _choose_slot(self, request: Request) -> None:
        """Give each port of a host a slot of its own, unless a setting names the host."""
        parts = urlsplit(request.url)
        if parts.port and parts.hostname not in self._slots:
            request.meta.setdefault("download_slot", parts.netloc)

    def _admit_requests(self, change: int) -> None:
        """Have Scrapy admit as many requests beside the transfers that it should not count."""
        downloader = self._crawler.engine.downloader
        if downloader.total_concurrency:
            downloader.total_concurrency += change


def _hosts_of(crawler: Crawler) -> Hosts:
    """Return the hosts that the retry middleware watches; without it, none is ever in trouble."""
    middleware = crawler.get_downloader_middleware(PatientRetryMiddleware)
    return middleware.hosts if middleware else Hosts(HostPolicy(1.0, 1.0, 1.0))


async def _replace(part: Part, body: bytes) -> None:
    """Put *body*, which a middleware or another download handler brought, into *part*."""
    part.begin()
    if work := part.feed(body):
        await asyncio.to_thread(work)
