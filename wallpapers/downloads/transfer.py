"""Send one request and stream the response into a body."""

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

from wallpapers.downloads.bodies import MemoryBody, RangeMismatchError, ResumePoint
from wallpapers.downloads.content_codings import ContentDecoder
from wallpapers.downloads.responses import PictureResponse
from wallpapers.signals import has_receivers

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from wallpapers.storage.parts import Part

TOO_LARGE = "too_large"

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # aiohttp does not send these
_PAGE_MARGIN_BYTES = 1024 * 1024

_MIN_BYTES_PER_IDLE_TIMEOUT = 32 * 1024  # a slower transfer is aborted
_MAX_ERROR_BYTES = 32 * 1024  # of a page that a server sends instead of an image
_GRACE_S = 20.0  # for a running transfer, after the run has begun to stop


class TransferContext(Protocol):
    """The part of the download handler that a transfer uses."""

    crawler: Crawler
    idle_s: float
    maxsize: int

    @property
    def stopping(self) -> bool:
        """Whether the run is stopping."""

    def session_for(self, request: Request) -> aiohttp.ClientSession: ...

    def request_options(self, request: Request) -> dict[str, Any]: ...

    def fails_on_dataloss(self, request: Request) -> bool: ...

    async def run_in_thread(self, work: Callable[[], None]) -> None: ...


class InvalidHeaderError(Exception):
    """A header of the request cannot be sent; its address may be valid."""


class Transfer:
    """Send *request* once and read the response into *body*, until *end_s* of the loop's clock.

    With a *resume_point*, only the missing bytes are requested. Afterwards, ``resume_point`` is
    that of the response, or None if it cannot be resumed.
    """

    def __init__(
        self,
        context: TransferContext,
        request: Request,
        body: Part | MemoryBody,
        end_s: float,
        *,
        resume_point: ResumePoint | None,
    ) -> None:
        self._context = context
        self._request = request
        self._body = body
        self._loop = asyncio.get_running_loop()
        self._end_s = end_s
        self._resumes_from = resume_point
        self._is_in_grace_period = False
        self.resume_point = resume_point

    async def run(self) -> Response:
        """Return the response. Raises aiohttp's exceptions, and TimeoutError on an idle timeout."""
        context, request = self._context, self._request
        started_s = monotonic()
        async with (
            asyncio.timeout_at(self._idle_deadline_s()) as idle,
            context.session_for(request).request(
                request.method,
                yarl.URL(request.url, encoded=True),
                headers=self._headers(),
                **context.request_options(request),
            ) as response,
        ):
            request.meta["download_latency"] = monotonic() - started_s
            headers = Headers(list(response.raw_headers))
            self._start_body(response)
            coding = self._decoder(response, headers)
            stop = self._send_signal(
                signals.headers_received, headers=headers, body_length=response.content_length
            )
            flags: list[str] = []
            if stop is None:
                try:
                    stop = await self._read(response, idle, coding)
                except aiohttp.ClientPayloadError:
                    if context.fails_on_dataloss(request):
                        raise
                    flags.append("dataloss")
                if self._is_too_large_page():
                    flags.append(TOO_LARGE)
        return self._response(response, headers, flags, stop)

    @property
    def has_time(self) -> bool:
        """Whether there is time left for another attempt."""
        return self._loop.time() < self._end_s

    def _idle_deadline_s(self) -> float:
        """Return the time at which the transfer times out if no more bytes arrive."""
        return min(self._loop.time() + self._context.idle_s, self._end_s)

    async def _read(
        self, response: aiohttp.ClientResponse, idle: asyncio.Timeout, coding: ContentDecoder
    ) -> StopDownload | None:
        """Read the body, and restart the idle timeout each time that enough bytes have arrived."""
        context, body = self._context, self._body
        since_bytes = 0
        async for chunk in response.content.iter_any():
            since_bytes += len(chunk)
            if since_bytes >= _MIN_BYTES_PER_IDLE_TIMEOUT:
                if context.stopping and not self._is_in_grace_period:
                    self._is_in_grace_period = True
                    self._end_s = min(self._end_s, self._loop.time() + _GRACE_S)
                idle.reschedule(self._idle_deadline_s())
                since_bytes = 0
            for piece in (chunk,) if coding.is_identity else coding.decode(chunk):
                if work := body.feed(piece):
                    await self._run_in_thread(work, idle)
                self._check_size(body.size)
                if self._is_too_large_page() or self._is_too_large_error(response):
                    return None
            if stop := self._send_signal(signals.bytes_received, data=chunk):
                return stop
        return None

    async def _run_in_thread(self, work: Callable[[], None], idle: asyncio.Timeout) -> None:
        """Run *work*, whose duration does not count as idle: the server does not cause it."""
        deadline_s = idle.when()
        assert deadline_s is not None
        left_s = deadline_s - self._loop.time()
        idle.reschedule(None)
        await self._context.run_in_thread(work)
        idle.reschedule(min(self._loop.time() + left_s, self._end_s))

    def _send_signal(self, signal: object, **arguments: Any) -> StopDownload | None:
        """Send *signal*, and return the StopDownload that a receiver raised, if any."""
        crawler = self._context.crawler
        if not has_receivers(crawler.signals, signal):
            return None
        arguments |= {"request": self._request, "spider": crawler.spider}
        for _, result in crawler.signals.send_catch_log(signal, **arguments):
            if isinstance(result, Failure) and isinstance(result.value, StopDownload):
                return result.value
        return None

    def _headers(self) -> list[tuple[str, str]]:
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, values in self._request.headers.items()
            if name != b"Proxy-Authorization" or self._is_read_by_proxy
            for value in values
        ]
        if self._resumes_from:
            headers += [
                ("Range", f"bytes={self._body.size}-"),
                ("If-Range", self._resumes_from.validator),
            ]
        for name, value in headers:
            if _CONTROL.search(name + value):
                raise InvalidHeaderError(f"request header {name!r} has a control character")
        return headers

    @property
    def _is_read_by_proxy(self) -> bool:
        """Whether a proxy reads the headers of this request, instead of forwarding its TLS."""
        return bool(self._request.meta.get("proxy")) and self._request.url.startswith("http:")

    def _decoder(self, response: aiohttp.ClientResponse, headers: Headers) -> ContentDecoder:
        """Return the decoder of the body, and leave only unknown codings in *headers*."""
        decoder = ContentDecoder(
            response.headers.getall("Content-Encoding", ()), self._max_decoded_bytes()
        )
        if decoder.unknown:
            headers["Content-Encoding"] = ", ".join(decoder.unknown)
        else:
            headers.pop("Content-Encoding", None)
        return decoder

    def _start_body(self, response: aiohttp.ClientResponse) -> None:
        """Continue the body if *response* has its missing bytes, otherwise start a new one.

        Raises RangeMismatchError.
        """
        if self._resumes_from and response.status == 206:
            if not self._resumes_from.is_continued_by(response, self._body.size):
                raise RangeMismatchError
            return
        if self._resumes_from and response.status != 200:
            raise RangeMismatchError
        if self._resumes_from:
            self._body.begin()
        if response.status != 200 and "part" in self._request.meta:
            self._body = MemoryBody()  # the body of an error is not inspected
            self._body.begin()
        else:
            self._check_size(response.content_length or 0)
        self.resume_point = ResumePoint.of(response)

    def _is_too_large_error(self, response: aiohttp.ClientResponse) -> bool:
        is_picture = "part" in self._request.meta
        return (
            is_picture and response.status not in (200, 206) and self._body.size > _MAX_ERROR_BYTES
        )

    def _is_too_large_page(self) -> bool:
        limit: int = self._request.meta.get("page_maxsize", 0)
        return 0 < limit < self._body.size

    def _max_decoded_bytes(self) -> int:
        limit: int = self._request.meta.get("download_maxsize", self._context.maxsize)
        # A page that is too large is not cancelled: the error message quotes its first bytes.
        is_page = "page_maxsize" in self._request.meta
        return limit + _PAGE_MARGIN_BYTES if limit and is_page else limit

    def _check_size(self, size: int) -> None:
        if "page_maxsize" in self._request.meta:
            return
        limit = self._request.meta.get("download_maxsize", self._context.maxsize)
        if limit and size > limit:
            raise DownloadCancelledError(f"at least {size} bytes, limit {limit}")

    def _response(
        self,
        response: aiohttp.ClientResponse,
        headers: Headers,
        flags: list[str],
        stop: StopDownload | None,
    ) -> Response:
        url, status = self._request.url, 200 if self._resumes_from else response.status
        if isinstance(self._body, MemoryBody):
            body = self._body.start() if TOO_LARGE in flags else self._body.content()
            response_type = responsetypes.from_args(headers=headers, url=url, body=body)
            page = response_type(url, status, headers=headers, body=body, flags=flags)
            return _checked_stop(page, stop)
        picture = PictureResponse.of(self._body, url, status, headers, flags)
        return _checked_stop(picture, stop)


def _checked_stop(response: Response, stop: StopDownload | None) -> Response:
    """Return *response*, flagged if *stop* is given; raise *stop* if its ``fail`` is set."""
    if stop is not None:
        response.flags.append("download_stopped")
        if stop.fail:
            stop.response = response
            raise stop
    return response
