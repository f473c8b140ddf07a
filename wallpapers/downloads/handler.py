"""The download handler: pages into memory, pictures into a part file, nothing private.

Scrapy's documented interface for http and https, on aiohttp's client: docs/decisions.md has the
figures. What a request's meta says is Scrapy's own (``download_timeout``, ``download_maxsize``,
``download_fail_on_dataloss``, ``proxy``, ``verbatim_url``), and two keys of ours: ``part``, a Part
that the body flows into, so that the response has none; ``page_maxsize``, bytes beyond which the
answer is given with its beginning and the flag ``too_large``, instead of being cancelled: what came
in place of a page is to be diagnosed. What comes compressed is inflated as it flows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

import aiohttp
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult
from scrapy import Request, signals
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    StopDownload,
    UnsupportedURLSchemeError,
)
from scrapy.http import Headers, Response
from scrapy.utils._download_handlers import check_stop_download, make_response
from scrapy.utils.ssl import _make_ssl_context
from scrapy.utils.url import add_http_if_no_scheme

from wallpapers.downloads.guard import (
    Origin,
    PrivateAddressError,
    guarded_socket,
    is_public,
    origin,
    refuse_private_literal,
)

if TYPE_CHECKING:
    from socket import AddressFamily

    from scrapy.crawler import Crawler

    from wallpapers.downloads.parts import Part

_CONNECT_TIMEOUT_S = 10
# A transfer that brings less than this in an idle timeout is as good as none.
_LEAST_BYTES = 32 * 1024
# A body that breaks before this is cheaper to fetch again than to continue.
_WORTH_CONTINUING_BYTES = 1024 * 1024
_MOST_CONTINUATIONS = 5
_WORKERS = 2
TOO_LARGE = "too_large"
_BEGINNING_BYTES = 1024
_INFLATED = ("gzip", "deflate", "br", "zstd")  # by aiohttp; Scrapy's middleware does the rest


class GuardedResolver(AbstractResolver):
    """The system's resolver, except that a name which leads to a private address leads nowhere."""

    def __init__(self) -> None:
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: AddressFamily = 0,  # type: ignore[assignment]
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        for result in found:
            if not is_public(result["host"]):
                raise PrivateAddressError(host, result["host"])
        return found

    async def close(self) -> None:
        await self._resolver.close()


class GuardedDownloadHandler(BaseDownloadHandler):
    """Downloads http and https.

    Settings: WALLPAPERS_ALLOW_PRIVATE_ADDRESSES, WALLPAPERS_IDLE_TIMEOUT, and Scrapy's
    DOWNLOAD_TIMEOUT (in all), DOWNLOAD_MAXSIZE (inflated), DOWNLOAD_FAIL_ON_DATALOSS,
    DOWNLOAD_VERIFY_CERTIFICATES, DOWNLOAD_BIND_ADDRESS.
    Stat: ``wallpapers/continued``, bodies that broke and were continued.
    """

    lazy = True  # its connections belong to the running loop

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        settings = crawler.settings
        self.idle_s = settings.getfloat("WALLPAPERS_IDLE_TIMEOUT")
        self.maxsize = settings.getint("DOWNLOAD_MAXSIZE")
        self._total_s = settings.getfloat("DOWNLOAD_TIMEOUT")
        self._fail_on_dataloss = settings.getbool("DOWNLOAD_FAIL_ON_DATALOSS")
        self._ssl = _make_ssl_context(settings)
        self._trusted = _trusted_origin(crawler)
        self._open = self._session(guarded=False)
        self._guarded = (
            self._open
            if settings.getbool("WALLPAPERS_ALLOW_PRIVATE_ADDRESSES")
            else self._session(guarded=True)
        )

        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="wallpapers-parts")

    def _session(self, *, guarded: bool) -> aiohttp.ClientSession:
        bind = self.crawler.settings.get("DOWNLOAD_BIND_ADDRESS")
        connector = aiohttp.TCPConnector(
            limit=0,  # Scrapy's slots decide how many
            local_addr=(bind, 0) if isinstance(bind, str) else bind,
            resolver=GuardedResolver() if guarded else None,
            use_dns_cache=self.crawler.settings.getbool("DNSCACHE_ENABLED"),
            socket_factory=guarded_socket if guarded else None,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S),
        )

    async def close(self) -> None:
        await self._open.close()
        await self._guarded.close()
        self._workers.shutdown(wait=False)

    async def in_worker(self, work: Callable[[], None]) -> None:
        """Have *work*, which blocks on the disk, done outside of the reactor's thread."""
        await asyncio.get_running_loop().run_in_executor(self._workers, work)

    def fails_on_dataloss(self, request: Request) -> bool:
        """Is a body that ends early a failure of this request?"""
        return bool(request.meta.get("download_fail_on_dataloss", self._fail_on_dataloss))

    async def download_request(self, request: Request) -> Response:
        """Download *request*. Raises Scrapy's download errors and what ``Part.look`` raises."""
        total_s = request.meta.get("download_timeout") or self._total_s
        with _scrapys_errors(request):
            async with asyncio.timeout(total_s or None):
                return await self._download(request)

    async def _download(self, request: Request) -> Response:
        body: Part | MemoryBody = request.meta.get("part") or MemoryBody()
        body.begin()
        validator = None
        for continuation in range(_MOST_CONTINUATIONS + 1):
            attempt = _Attempt(self, request, body, continued_by=validator)
            try:
                return await attempt.run()
            except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, TimeoutError):
                validator = attempt.validator
                broke_late = body.size >= _WORTH_CONTINUING_BYTES
                if not (validator and broke_late) or continuation == _MOST_CONTINUATIONS:
                    raise
                self.crawler.stats.inc_value("wallpapers/continued")
        raise AssertionError

    def request_options(self, request: Request) -> dict[str, Any]:
        """Return what aiohttp is told beside method, address and headers."""
        options: dict[str, Any] = {
            "data": request.body or None,
            "ssl": self._ssl,
            "allow_redirects": False,
        }
        if proxy := request.meta.get("proxy"):
            options["proxy"] = add_http_if_no_scheme(proxy)
            if authorization := request.headers.get("Proxy-Authorization"):
                options["proxy_headers"] = {"Proxy-Authorization": authorization.decode("latin-1")}
        return options

    def session_for(self, request: Request) -> aiohttp.ClientSession:
        """Return the session that may ask for this address. Raises PrivateAddressError."""
        asked = origin(request.url)
        if asked == self._trusted or self._guarded is self._open:
            return self._open
        refuse_private_literal(asked[1])
        # A proxy is the user's word; what it asks for, it resolves itself.
        return self._open if request.meta.get("proxy") else self._guarded


class MemoryBody:
    """The body of a page, which is small."""

    def begin(self) -> None:
        self._data = bytearray()

    @property
    def size(self) -> int:
        return len(self._data)

    def feed(self, data: bytes) -> bool:
        self._data += data
        return False

    def spill(self) -> None:
        """There is no place but memory."""

    def content(self) -> bytes:
        return bytes(self._data)

    def beginning(self) -> bytes:
        return bytes(self._data[:_BEGINNING_BYTES])


class _Attempt:
    """One request to the server, and the reading of its answer into a body."""

    def __init__(
        self,
        handler: GuardedDownloadHandler,
        request: Request,
        body: Part | MemoryBody,
        *,
        continued_by: str | None,
    ) -> None:
        self._handler = handler
        self._request = request
        self._body = body
        self._continued_by = continued_by
        self.validator = continued_by  # what tells that a rest belongs to this beginning

    async def run(self) -> Response:
        """Return the answer. Raises what aiohttp raises, and TimeoutError where nothing comes."""
        handler, request = self._handler, self._request
        begun_s = monotonic()
        async with (
            asyncio.timeout(handler.idle_s) as idle,
            handler.session_for(request).request(
                request.method,
                yarl.URL(request.url, encoded=True),
                headers=self._headers(),
                **handler.request_options(request),
            ) as answer,
        ):
            request.meta["download_latency"] = monotonic() - begun_s
            headers = Headers(list(answer.headers.items()))
            self._take_up(answer)
            stop = check_stop_download(
                signals.headers_received,
                handler.crawler,
                request,
                headers=headers,
                body_length=answer.content_length,
            )
            flags: list[str] = []
            if stop is None:
                try:
                    stop = await self._read(answer, idle)
                except aiohttp.ClientPayloadError:
                    if handler.fails_on_dataloss(request):
                        raise
                    flags.append("dataloss")
                if self._is_too_large_a_page():
                    flags.append(TOO_LARGE)
        return self._response(answer, headers, flags, stop)

    async def _read(
        self, answer: aiohttp.ClientResponse, idle: asyncio.Timeout
    ) -> StopDownload | None:
        """Read the body; the idle time starts again whenever enough has come."""
        handler, request, body = self._handler, self._request, self._body
        loop = asyncio.get_running_loop()
        since_bytes = 0
        async for chunk in answer.content.iter_any():
            since_bytes += len(chunk)
            if since_bytes >= _LEAST_BYTES:
                idle.reschedule(loop.time() + handler.idle_s)
                since_bytes = 0
            if body.feed(chunk):
                await handler.in_worker(body.spill)
            self._check_size(body.size)
            if self._is_too_large_a_page():
                return None
            if stop := check_stop_download(
                signals.bytes_received, handler.crawler, request, data=chunk
            ):
                return stop
        return None

    def _headers(self) -> list[tuple[str, str]]:
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, values in self._request.headers.items()
            if name != b"Proxy-Authorization"
            for value in values
        ]
        if self._continued_by:
            headers += [("Range", f"bytes={self._body.size}-"), ("If-Range", self._continued_by)]
        return headers

    def _take_up(self, answer: aiohttp.ClientResponse) -> None:
        """Go on where the body broke, if that is what the server does; else begin anew."""
        if self._continued_by and not _continues(answer, self._body.size):
            self._body.begin()
        length = answer.content_length or 0
        before = self._body.size
        self._check_size(before + length)
        if "Content-Encoding" in answer.headers or answer.status not in (200, 206):
            self.validator = None
            return
        etag = answer.headers.get("ETag", "")
        strong = etag if etag.startswith('"') else None
        self.validator = strong or answer.headers.get("Last-Modified")

    def _is_too_large_a_page(self) -> bool:
        most: int = self._request.meta.get("page_maxsize", 0)
        return 0 < most < self._body.size

    def _check_size(self, size: int) -> None:
        if "page_maxsize" in self._request.meta:
            return
        most = self._request.meta.get("download_maxsize", self._handler.maxsize)
        if most and size > most:
            raise DownloadCancelledError(f"{size} bytes or more, {most} are allowed")

    def _response(
        self,
        answer: aiohttp.ClientResponse,
        headers: Headers,
        flags: list[str],
        stop: StopDownload | None,
    ) -> Response:
        body = b""
        if answer.headers.get("Content-Encoding", "").lower() in _INFLATED:
            del headers["Content-Encoding"]
        if isinstance(self._body, MemoryBody):
            body = self._body.beginning() if TOO_LARGE in flags else self._body.content()
        else:
            self._handler.crawler.stats.inc_value("downloader/response_bytes", self._body.size)
        return make_response(
            url=self._request.url,
            status=200 if answer.status == 206 and self._continued_by else answer.status,
            headers=headers,
            body=body,
            flags=flags,
            stop_download=stop,
        )


def _continues(answer: aiohttp.ClientResponse, size: int) -> bool:
    """Is *answer* the rest of a body of which *size* bytes are here?"""
    return answer.status == 206 and answer.headers.get("Content-Range", "").startswith(
        f"bytes {size}-"
    )


def _trusted_origin(crawler: Crawler) -> Origin | None:
    """Return the origin of the endpoint, which the user named."""
    endpoint = getattr(crawler.spider, "endpoint", None)
    return origin(endpoint) if endpoint else None


@contextmanager
def _scrapys_errors(request: Request) -> Iterator[None]:
    """Turn what aiohttp raises into what Scrapy's middlewares know."""
    try:
        yield
    except TimeoutError as error:
        raise DownloadTimeoutError(f"no complete answer in time from {request.url}") from error
    except (aiohttp.InvalidUrlClientError, aiohttp.NonHttpUrlClientError) as error:
        raise UnsupportedURLSchemeError(str(error)) from error
    except aiohttp.ClientConnectorDNSError as error:
        raise CannotResolveHostError(str(error)) from error
    except aiohttp.ClientSSLError as error:
        raise DownloadFailedError(str(error)) from error
    except aiohttp.ClientConnectorError as error:
        raise DownloadConnectionRefusedError(str(error)) from error
    except aiohttp.ClientPayloadError as error:
        raise ResponseDataLossError(str(error)) from error
    except aiohttp.ClientError as error:
        raise DownloadFailedError(str(error) or type(error).__name__) from error
