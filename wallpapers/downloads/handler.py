"""Download pages into memory and images into part files, never from private networks.

The handler implements Scrapy's documented interface with aiohttp's client; docs/decisions.md has
the figures. It supports these keys of ``Request.meta``:

- Scrapy's ``download_timeout``, ``download_maxsize``, ``download_fail_on_dataloss``, ``proxy`` and
  ``verbatim_url``;
- ``part``: a Part that receives the body;
- ``page_maxsize``: the size limit of a page in bytes. A larger page is not cancelled: its response
  has the first bytes and the flag ``too_large``, because the error message quotes them.

Compressed bodies are decompressed while they arrive.
"""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

import aiohttp
from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.exceptions import DownloadFailedError
from scrapy.http import Response
from scrapy.utils.httpobj import urlparse_cached
from scrapy.utils.url import add_http_if_no_scheme

from wallpapers.downloads.bodies import MemoryBody, RangeMismatchError
from wallpapers.downloads.client_errors import converted_errors
from wallpapers.downloads.errors import RunIsEndingError
from wallpapers.downloads.framing import LenientConnector
from wallpapers.downloads.guard import (
    Origin,
    Resolver,
    guarded_socket,
    origin,
    refuse_private_literal,
)
from wallpapers.downloads.transfer import Transfer
from wallpapers.options.setting_values import positive
from wallpapers.options.tls import tls_context
from wallpapers.run.addon import run_of
from wallpapers.storage.batching import BatchExecutor, run_each

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from wallpapers.storage.parts import Part

_CONNECT_TIMEOUT_S = 10
# Below this size, a new download is cheaper than resuming.
_MIN_RESUME_BYTES = 1024 * 1024
_MAX_RESUMES = 5
_WRITER_THREADS = 2
_MAX_HEADER_BYTES = 64 * 1024
# aiohttp pauses a connection when twice as many bytes are unread. With its default, most images
# would cause two pauses.
_BUFFER_BYTES = 128 * 1024


class GuardedDownloadHandler(BaseDownloadHandler):
    """Download http and https addresses.

    Settings: WALLPAPERS_ALLOW_PRIVATE_ADDRESSES, WALLPAPERS_IDLE_TIMEOUT, and Scrapy's
    DOWNLOAD_TIMEOUT (for a whole transfer), DOWNLOAD_MAXSIZE (decompressed),
    DOWNLOAD_FAIL_ON_DATALOSS, DOWNLOAD_VERIFY_CERTIFICATES, DOWNLOAD_BIND_ADDRESS.
    Stat: ``wallpapers/continued``, transfers that were interrupted and resumed.
    """

    lazy = True  # the connections belong to the running loop

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        settings = crawler.settings
        self._state = run_of(crawler).state
        self.idle_s = positive(settings, "WALLPAPERS_IDLE_TIMEOUT")
        self.maxsize = settings.getint("DOWNLOAD_MAXSIZE")
        self._total_s = settings.getfloat("DOWNLOAD_TIMEOUT")
        self._fail_on_dataloss = settings.getbool("DOWNLOAD_FAIL_ON_DATALOSS")
        self._trusted = _origins_of_endpoint(crawler)
        self._unguarded_session = self._new_session(guarded=False)
        self._guarded_session = (
            self._unguarded_session
            if settings.getbool("WALLPAPERS_ALLOW_PRIVATE_ADDRESSES")
            else self._new_session(guarded=True)
        )
        self._threads = BatchExecutor(_WRITER_THREADS, "wallpapers-parts", run_each)

    @cached_property
    def _tls_context(self) -> ssl.SSLContext:
        return tls_context(self.crawler.settings)

    def _new_session(self, *, guarded: bool) -> aiohttp.ClientSession:
        bind = self.crawler.settings["DOWNLOAD_BIND_ADDRESS"]
        connector = LenientConnector(
            limit=0,  # limited by Scrapy's slots
            local_addr=(bind, 0) if isinstance(bind, str) else bind,
            resolver=Resolver(guarded=guarded),
            use_dns_cache=self.crawler.settings.getbool("DNSCACHE_ENABLED"),
            socket_factory=guarded_socket if guarded else None,
        )
        return aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            max_line_size=_MAX_HEADER_BYTES,
            max_field_size=_MAX_HEADER_BYTES,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            read_bufsize=_BUFFER_BYTES,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S),
        )

    async def close(self) -> None:
        await self._unguarded_session.close()
        await self._guarded_session.close()
        self._threads.close()

    @property
    def stopping(self) -> bool:
        """Whether the run is stopping, so that running transfers should end soon."""
        return self._state.stopping

    async def run_in_thread(self, work: Callable[[], None]) -> None:
        """Run *work*, which blocks on the disk, outside the reactor's thread."""
        await self._threads.do(work)

    def fails_on_dataloss(self, request: Request) -> bool:
        """Return whether *request* fails if its body ends early."""
        return bool(request.meta.get("download_fail_on_dataloss", self._fail_on_dataloss))

    async def download_request(self, request: Request) -> Response:
        """Download *request*. Raises Scrapy's download errors and PictureRefusedError."""
        if self.stopping:
            raise RunIsEndingError
        with converted_errors(request):
            return await self._download(request)

    async def _download(self, request: Request) -> Response:
        body: Part | MemoryBody = request.meta.get("part") or MemoryBody()
        body.begin()
        resume_point = None
        total_s = request.meta.get("download_timeout") or self._total_s or math.inf
        end_s = asyncio.get_running_loop().time() + total_s
        for resumes in range(_MAX_RESUMES + 1):
            transfer = Transfer(self, request, body, end_s, resume_point=resume_point)
            try:
                return await transfer.run()
            except RangeMismatchError:
                body.begin()
                resume_point = None
            except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, TimeoutError):
                resume_point = transfer.resume_point
                can_resume = resume_point and body.size >= _MIN_RESUME_BYTES and transfer.has_time
                if not can_resume or self.stopping or resumes == _MAX_RESUMES:
                    raise
                self.crawler.stats.inc_value("wallpapers/continued")
        raise DownloadFailedError("resuming failed: unexpected responses to Range requests")

    def request_options(self, request: Request) -> dict[str, Any]:
        """Return the options of aiohttp in addition to method, address and headers."""
        options: dict[str, Any] = {
            "data": request.body or None,
            "allow_redirects": False,
        }
        proxy = request.meta.get("proxy")
        if proxy or request.url.startswith("https:"):
            options["ssl"] = self._tls_context
        if proxy:
            options["proxy"] = add_http_if_no_scheme(proxy)
            if authorization := request.headers.get("Proxy-Authorization"):
                options["proxy_headers"] = {"Proxy-Authorization": authorization.decode("latin-1")}
        return options

    def _is_chosen_by_user(self, request: Request) -> bool:
        """Return whether this is a start address, or one that was entered in ``scrapy shell``."""
        chosen = request.meta.get("is_start_request") or not self._state.is_crawl
        return bool(chosen) and not request.meta.get("redirect_times")

    def session_for(self, request: Request) -> aiohttp.ClientSession:
        """Return the session for the address of *request*. Raises PrivateAddressError."""
        target = origin(urlparse_cached(request))
        if self._is_chosen_by_user(request):
            self._trusted.add(target)
        # A retry may have wallpapers of several endpoints.
        endpoint: str = request.meta.get("endpoint", "")
        is_endpoint = bool(endpoint) and target == origin(urlparse(endpoint))
        if is_endpoint or target in self._trusted:
            return self._unguarded_session
        if self._guarded_session is self._unguarded_session:
            return self._unguarded_session
        refuse_private_literal(target[1])
        # The user chose the proxy, which resolves the names of its targets itself.
        return self._unguarded_session if request.meta.get("proxy") else self._guarded_session


def _origins_of_endpoint(crawler: Crawler) -> set[Origin]:
    """Return the origin of the spider's endpoint, if it has one; the user chose it."""
    endpoint = getattr(crawler.spider, "endpoint", None)
    return {origin(urlparse(endpoint))} if endpoint else set()
