"""Download images in fewer steps than Scrapy, with its middlewares, slots and signals.

On Scrapy's own path, a request passes through three tasks, five Deferreds and two dozen coroutines
that wait for nothing. docs/decisions.md has the figures.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from scrapy import Request, signals
from scrapy.core.downloader import Downloader
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.downloadermiddlewares.offsite import OffsiteMiddleware
from scrapy.http import Response
from scrapy.utils.log import logformatter_adapter

from wallpapers.fastpath.middlewares import DirectMiddlewareManager
from wallpapers.signals import send_to_receivers

if TYPE_CHECKING:
    from scrapy.core.downloader import Slot
    from scrapy.crawler import Crawler
    from twisted.internet.defer import Deferred

logger = logging.getLogger(__name__)


class PictureDownloader(Downloader):
    """Scrapy's downloader with a method for requests whose body is written to a part file."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        # The handler decompresses, and without allowed_domains nothing is offsite.
        without_effect: set[type] = {HttpCompressionMiddleware}
        if not getattr(crawler.spider, "allowed_domains", None):
            without_effect.add(OffsiteMiddleware)
        middlewares = [
            middleware
            for middleware in self.middleware.middlewares
            if type(middleware) not in without_effect
        ]
        self._picture_middleware = DirectMiddlewareManager(*middlewares, crawler=crawler)

    def check_idle(self) -> None:
        """Make the engine check now whether the spider is idle, not only every five seconds."""
        engine_slot = self.crawler.engine._slot
        if engine_slot is not None:
            engine_slot.nextcall.schedule()

    async def fetch_picture(self, request: Request) -> Response:
        """Return the response after redirects and retries, as the engine's ``download_async`` does.

        Raises the exceptions of the handler and the middlewares.
        """
        engine_slot = self.crawler.engine._slot
        assert engine_slot is not None
        while True:
            engine_slot.add_request(request)
            self.active.add(request)
            try:
                result = await self._picture_middleware.download_async(self._transfer, request)
            finally:
                self.active.remove(request)
                engine_slot.remove_request(request)
                engine_slot.nextcall.schedule()
            if isinstance(result, Response):
                self._report_response(request, result)
                return result
            request = result

    def _report_response(self, request: Request, response: Response) -> None:
        """Log a response and send its signal, as the engine does."""
        response.request = response.request or request
        spider = self.crawler.spider
        assert spider is not None
        line = self.crawler.logformatter.crawled(response.request, response, spider)
        if line is not None:
            logger.log(*logformatter_adapter(line), extra={"spider": spider})
        send_to_receivers(
            self.signals,
            signals.response_received,
            response=response,
            request=response.request,
            spider=spider,
        )

    async def _transfer(self, request: Request) -> Response:
        """Download *request* with its handler as soon as its slot has room."""
        key, slot = self._get_slot(request)
        request.meta[self.DOWNLOAD_SLOT] = key
        slot.active.add(request)
        arguments: dict[str, Any] = {"request": request, "spider": self.crawler.spider}
        send_to_receivers(self.signals, signals.request_reached_downloader, **arguments)
        try:
            await self._wait_for_slot(slot, request)
            try:
                response = await self.handlers.download_request_async(request)
                send_to_receivers(
                    self.signals, signals.response_downloaded, response=response, **arguments
                )
                return response
            finally:
                slot.transferring.discard(request)
                self._process_queue(slot)
                send_to_receivers(self.signals, signals.request_left_downloader, **arguments)
        finally:
            slot.active.remove(request)

    async def _wait_for_slot(self, slot: Slot, request: Request) -> None:
        """Wait until *slot* starts *request*; Scrapy applies its delay and its concurrency."""
        must_wait = slot.queue or slot.latercall or slot.delay or slot.free_transfer_slots() <= 0
        if not must_wait:
            slot.transferring.add(request)
            return
        queued = _QueuedTransfer()
        slot.queue.append((request, queued))  # type: ignore[arg-type]
        self._process_queue(slot)
        try:
            await queued.started
        except BaseException:  # cancelled, in the queue or just after it was started
            with suppress(ValueError):
                slot.queue.remove((request, queued))  # type: ignore[arg-type]
            slot.transferring.discard(request)
            self._process_queue(slot)
            raise

    def _wait_for_download(
        self, slot: Slot, request: Request, queue_dfd: Deferred[Response] | _QueuedTransfer
    ) -> Coroutine[Any, Any, None]:
        """Count a request as running as soon as its slot starts it.

        Scrapy 2.19 counts it when its task first runs, so that all requests of one iteration of
        the event loop start together. With CONCURRENT_REQUESTS_PER_DOMAIN=4, a host received 31
        image requests of one page at the same time.
        """
        slot.transferring.add(request)
        if isinstance(queue_dfd, _QueuedTransfer):
            return queue_dfd.start()
        return super()._wait_for_download(slot, request, queue_dfd)


class _QueuedTransfer:
    """An image request in the queue of a slot, in place of Scrapy's Deferred."""

    def __init__(self) -> None:
        self.started: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def start(self) -> None:
        if not self.started.done():
            self.started.set_result(None)
