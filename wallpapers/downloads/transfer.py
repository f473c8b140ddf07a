"""One request to a server, and the flow of its answer into a body."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
import yarl
from scrapy import Request, signals
from scrapy.exceptions import DownloadCancelledError, StopDownload
from scrapy.http import Headers, Response
from scrapy.responsetypes import responsetypes
from twisted.python.failure import Failure

from wallpapers.downloads.bodies import Beginning, MemoryBody, NotTheRestError
from wallpapers.downloads.content_codings import ContentDecoder
from wallpapers.downloads.receivers import has_listener
from wallpapers.downloads.responses import PictureResponse

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from wallpapers.storage.parts import Part

TOO_LARGE = "too_large"

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # what aiohttp refuses to send
_PAGE_MARGIN_BYTES = 1024 * 1024

# A transfer that brings less than this in an idle timeout is as good as none.
_LEAST_BYTES = 32 * 1024
# What Ctrl-C leaves a transfer that goes on and on.
_GRACE_S = 20.0


class Context(Protocol):
    """What a transfer asks of the handler that it belongs to."""

    crawler: Crawler
    idle_s: float
    maxsize: int

    @property
    def stopping(self) -> bool:
        """Is the run ending?"""

    def session_for(self, request: Request) -> aiohttp.ClientSession: ...

    def request_options(self, request: Request) -> dict[str, Any]: ...

    def fails_on_dataloss(self, request: Request) -> bool: ...

    async def in_worker(self, work: Callable[[], None]) -> None: ...


class InvalidHeaderError(Exception):
    """A request has a header that cannot be sent; its address may be good."""


class Transfer:
    """One request to the server, and the reading of its answer into a body."""

    def __init__(
        self,
        context: Context,
        request: Request,
        body: Part | MemoryBody,
        end_s: float,
        *,
        beginning: Beginning | None,
    ) -> None:
        self._context = context
        self._request = request
        self._body = body
        self._loop = asyncio.get_running_loop()
        self._end_s = end_s  # of the loop's clock: no attempt goes on beyond
        self._continues = beginning
        self._is_last_grace = False
        self.beginning = beginning  # of what is here, once it is known

    async def run(self) -> Response:
        """Return the answer. Raises what aiohttp raises, and TimeoutError where nothing comes."""
        context, request = self._context, self._request
        begun_s = monotonic()
        async with (
            asyncio.timeout_at(self._due_s()) as idle,
            context.session_for(request).request(
                request.method,
                yarl.URL(request.url, encoded=True),
                headers=self._headers(),
                **context.request_options(request),
            ) as answer,
        ):
            request.meta["download_latency"] = monotonic() - begun_s
            headers = Headers(list(answer.raw_headers))
            self._take_up(answer)
            coding = self._decoder(answer, headers)
            stop = self._told(
                signals.headers_received, headers=headers, body_length=answer.content_length
            )
            flags: list[str] = []
            if stop is None:
                try:
                    stop = await self._read(answer, idle, coding)
                except aiohttp.ClientPayloadError:
                    if context.fails_on_dataloss(request):
                        raise
                    flags.append("dataloss")
                if self._is_too_large_a_page():
                    flags.append(TOO_LARGE)
        return self._response(answer, headers, flags, stop)

    @property
    def has_time(self) -> bool:
        """Is there any left for another attempt?"""
        return self._loop.time() < self._end_s

    def _due_s(self) -> float:
        """Return until when something has to have come."""
        return min(self._loop.time() + self._context.idle_s, self._end_s)

    async def _read(
        self, answer: aiohttp.ClientResponse, idle: asyncio.Timeout, coding: ContentDecoder
    ) -> StopDownload | None:
        """Read the body; the idle time starts again whenever enough has come."""
        context, body = self._context, self._body
        since_bytes = 0
        async for chunk in answer.content.iter_any():
            since_bytes += len(chunk)
            if since_bytes >= _LEAST_BYTES:
                if context.stopping and not self._is_last_grace:
                    self._is_last_grace = True
                    self._end_s = min(self._end_s, self._loop.time() + _GRACE_S)
                idle.reschedule(self._due_s())
                since_bytes = 0
            for piece in (chunk,) if coding.is_idle else coding.decoded(chunk):
                if work := body.feed(piece):
                    await context.in_worker(work)
                self._check_size(body.size)
                if self._is_too_large_a_page() or self._is_enough_of_an_error(answer):
                    return None
            if stop := self._told(signals.bytes_received, data=chunk):
                return stop
        return None

    def _told(self, signal: object, **about: Any) -> StopDownload | None:
        """Send *signal*, if anybody listens; return what a listener raised to stop the download."""
        crawler = self._context.crawler
        if not has_listener(crawler.signals, signal):
            return None
        about |= {"request": self._request, "spider": crawler.spider}
        for _, answer in crawler.signals.send_catch_log(signal, **about):
            if isinstance(answer, Failure) and isinstance(answer.value, StopDownload):
                return answer.value
        return None

    def _headers(self) -> list[tuple[str, str]]:
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, values in self._request.headers.items()
            if name != b"Proxy-Authorization" or self._is_asked_of_proxy
            for value in values
        ]
        if self._continues:
            headers += [
                ("Range", f"bytes={self._body.size}-"),
                ("If-Range", self._continues.validator),
            ]
        for name, value in headers:
            if _CONTROL.search(name + value):
                raise InvalidHeaderError(f"request header {name!r} has a control character")
        return headers

    @property
    def _is_asked_of_proxy(self) -> bool:
        """Return whether the proxy reads this request itself, instead of passing on its TLS."""
        return bool(self._request.meta.get("proxy")) and self._request.url.startswith("http:")

    def _decoder(self, answer: aiohttp.ClientResponse, headers: Headers) -> ContentDecoder:
        """Return what decodes the body, and keep the codings that it does not know in *headers*."""
        decoder = ContentDecoder(
            answer.headers.getall("Content-Encoding", ()), self._most_decoded()
        )
        if decoder.kept:
            headers["Content-Encoding"] = ", ".join(decoder.kept)
        else:
            headers.pop("Content-Encoding", None)
        return decoder

    def _take_up(self, answer: aiohttp.ClientResponse) -> None:
        """Go on where the body broke, if this is the rest of it; else begin anew.

        Raises NotTheRestError.
        """
        if self._continues and answer.status == 206:
            if not self._continues.is_continued_by(answer, self._body.size):
                raise NotTheRestError
            return
        if self._continues and answer.status != 200:
            raise NotTheRestError
        if self._continues:
            self._body.begin()
        if answer.status != 200 and "part" in self._request.meta:
            self._body = MemoryBody()  # what comes with an error is no picture to look at
            self._body.begin()
        else:
            self._check_size(answer.content_length or 0)
        self.beginning = Beginning.of(answer)

    def _is_enough_of_an_error(self, answer: aiohttp.ClientResponse) -> bool:
        is_picture = "part" in self._request.meta
        return is_picture and answer.status not in (200, 206) and self._body.size > _LEAST_BYTES

    def _is_too_large_a_page(self) -> bool:
        most: int = self._request.meta.get("page_maxsize", 0)
        return 0 < most < self._body.size

    def _most_decoded(self) -> int:
        most: int = self._request.meta.get("download_maxsize", self._context.maxsize)
        # A page that is too large is diagnosed by its beginning, not cancelled.
        return most + _PAGE_MARGIN_BYTES if most and "page_maxsize" in self._request.meta else most

    def _check_size(self, size: int) -> None:
        if "page_maxsize" in self._request.meta:
            return
        most = self._request.meta.get("download_maxsize", self._context.maxsize)
        if most and size > most:
            raise DownloadCancelledError(f"{size} bytes or more, {most} are allowed")

    def _response(
        self,
        answer: aiohttp.ClientResponse,
        headers: Headers,
        flags: list[str],
        stop: StopDownload | None,
    ) -> Response:
        url, status = self._request.url, 200 if self._continues else answer.status
        if isinstance(self._body, MemoryBody):
            body = self._body.beginning() if TOO_LARGE in flags else self._body.content()
            kind = responsetypes.from_args(headers=headers, url=url, body=body)
            page = kind(url, status, headers=headers, body=body, flags=flags)
            return _stopped(page, stop)
        response = PictureResponse.of(self._body, url, status, headers, flags)
        return _stopped(response, stop)


def _stopped(response: Response, stop: StopDownload | None) -> Response:
    """Return *response*, or raise the StopDownload of a signal handler that wants no response."""
    if stop is not None:
        response.flags.append("download_stopped")
        if stop.fail:
            stop.response = response
            raise stop
    return response
