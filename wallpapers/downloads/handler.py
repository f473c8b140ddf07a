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
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

import aiohttp
from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.exceptions import DownloadFailedError
from scrapy.http import Response
from scrapy.utils.httpobj import urlparse_cached
from scrapy.utils.url import add_http_if_no_scheme

from wallpapers.downloads.bodies import MemoryBody, NotTheRestError
from wallpapers.downloads.client_errors import scrapys_errors
from wallpapers.downloads.errors import RunIsEndingError
from wallpapers.downloads.framing import LenientConnector
from wallpapers.downloads.guard import (
    Origin,
    Resolver,
    guarded_socket,
    origin,
    refuse_private_literal,
)
from wallpapers.downloads.tls import tls_context
from wallpapers.downloads.transfer import Transfer
from wallpapers.options.setting_values import positive
from wallpapers.run.addon import run_of
from wallpapers.storage.batching import BatchExecutor, run_each

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from wallpapers.storage.parts import Part

_CONNECT_TIMEOUT_S = 10
# A body that breaks before this is cheaper to fetch again than to continue.
_WORTH_CONTINUING_BYTES = 1024 * 1024
_MOST_CONTINUATIONS = 5
_WORKERS = 2
_HEADER_BYTES = 64 * 1024
# Half of what a connection may be ahead of the disk. aiohttp's default stops every picture twice.
_BUFFER_BYTES = 128 * 1024


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
        self._state = run_of(crawler).state
        self.idle_s = positive(settings, "WALLPAPERS_IDLE_TIMEOUT")
        self.maxsize = settings.getint("DOWNLOAD_MAXSIZE")
        self._total_s = settings.getfloat("DOWNLOAD_TIMEOUT")
        self._fail_on_dataloss = settings.getbool("DOWNLOAD_FAIL_ON_DATALOSS")
        self._ssl = tls_context(settings)
        self._trusted = _origins_of_endpoint(crawler)
        self._open = self._session(guarded=False)
        self._guarded = (
            self._open
            if settings.getbool("WALLPAPERS_ALLOW_PRIVATE_ADDRESSES")
            else self._session(guarded=True)
        )
        self._workers = BatchExecutor(_WORKERS, "wallpapers-parts", run_each)

    def _session(self, *, guarded: bool) -> aiohttp.ClientSession:
        bind = self.crawler.settings["DOWNLOAD_BIND_ADDRESS"]
        connector = LenientConnector(
            limit=0,  # Scrapy's slots decide how many
            local_addr=(bind, 0) if isinstance(bind, str) else bind,
            resolver=Resolver(guarded=guarded),
            use_dns_cache=self.crawler.settings.getbool("DNSCACHE_ENABLED"),
            socket_factory=guarded_socket if guarded else None,
        )
        return aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            max_line_size=_HEADER_BYTES,
            max_field_size=_HEADER_BYTES,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            read_bufsize=_BUFFER_BYTES,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S),
        )

    async def close(self) -> None:
        await self._open.close()
        await self._guarded.close()
        self._workers.close()

    @property
    def stopping(self) -> bool:
        """Is the run ending, so that what is in flight should come to an end too?"""
        return self._state.stopping

    async def in_worker(self, work: Callable[[], None]) -> None:
        """Have *work*, which blocks on the disk, done outside of the reactor's thread."""
        await self._workers.do(work)

    def fails_on_dataloss(self, request: Request) -> bool:
        """Is a body that ends early a failure of this request?"""
        return bool(request.meta.get("download_fail_on_dataloss", self._fail_on_dataloss))

    async def download_request(self, request: Request) -> Response:
        """Download *request*. Raises Scrapy's download errors and PictureRefusedError."""
        if self.stopping:
            raise RunIsEndingError
        with scrapys_errors(request):
            return await self._download(request)

    async def _download(self, request: Request) -> Response:
        body: Part | MemoryBody = request.meta.get("part") or MemoryBody()
        body.begin()
        beginning = None
        total_s = request.meta.get("download_timeout") or self._total_s or math.inf
        end_s = asyncio.get_running_loop().time() + total_s
        for continuation in range(_MOST_CONTINUATIONS + 1):
            transfer = Transfer(self, request, body, end_s, beginning=beginning)
            try:
                return await transfer.run()
            except NotTheRestError:
                body.begin()
                beginning = None
            except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, TimeoutError):
                beginning = transfer.beginning
                worth_it = beginning and body.size >= _WORTH_CONTINUING_BYTES and transfer.has_time
                if not worth_it or self.stopping or continuation == _MOST_CONTINUATIONS:
                    raise
                self.crawler.stats.inc_value("wallpapers/continued")
        raise DownloadFailedError("answers to a Range that are no rest, again and again")

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

    def _is_named_by_user(self, request: Request) -> bool:
        """Return whether the address is a start address, or was typed into ``scrapy shell``."""
        named = request.meta.get("is_start_request") or not self._state.is_crawl
        return bool(named) and not request.meta.get("redirect_times")

    def session_for(self, request: Request) -> aiohttp.ClientSession:
        """Return the session that may ask for this address. Raises PrivateAddressError."""
        asked = origin(urlparse_cached(request))
        if self._is_named_by_user(request):
            self._trusted.add(asked)
        listed_at: str = request.meta.get("endpoint", "")  # of a retry, which may have several
        is_own = bool(listed_at) and asked == origin(urlparse(listed_at))
        if is_own or asked in self._trusted or self._guarded is self._open:
            return self._open
        refuse_private_literal(asked[1])
        # A proxy is the user's word; what it asks for, it resolves itself.
        return self._open if request.meta.get("proxy") else self._guarded


def _origins_of_endpoint(crawler: Crawler) -> set[Origin]:
    """Return the origin of the spider's endpoint, if it has one: the user named it."""
    endpoint = getattr(crawler.spider, "endpoint", None)
    return {origin(urlparse(endpoint))} if endpoint else set()
