"""Scrapy's downloader, with a shorter way for pictures: the same middlewares, slots and signals.

On Scrapy's own way a request passes three tasks, five Deferreds and two dozen coroutines that wait
for nothing; that is half of what it costs to have a picture. docs/decisions.md has the figures.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from scrapy import Request, signals
from scrapy.core.downloader import Downloader
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.downloadermiddlewares.offsite import OffsiteMiddleware
from scrapy.http import Response
from scrapy.utils.log import logformatter_adapter

from wallpapers.downloads.receivers import tell
from wallpapers.fastpath.middlewares import PromptMiddlewareManager

if TYPE_CHECKING:
    from scrapy.core.downloader import Slot
    from scrapy.crawler import Crawler
    from twisted.internet.defer import Deferred

logger = logging.getLogger(__name__)


class PictureDownloader(Downloader):
    """Scrapy's downloader, and ``fetch_picture`` for requests whose body flows into a part."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        idle: set[type] = {HttpCompressionMiddleware}  # what comes is inflated by the handler
        if not getattr(crawler.spider, "allowed_domains", None):
            idle.add(OffsiteMiddleware)
        middlewares = (one for one in self.middleware.middlewares if type(one) not in idle)
        self._picture_middleware = PromptMiddlewareManager(*middlewares, crawler=crawler)

    async def fetch_picture(self, request: Request) -> Response:
        """Return the answer, as the engine's ``download_async`` does, redirects and retries done.

        Raises what a handler or a middleware raises.
        """
        engine_slot = self.crawler.engine._slot
        assert engine_slot is not None
        while True:
            engine_slot.add_request(request)
            self.active.add(request)
            try:
                answer = await self._picture_middleware.download_async(self._transfer, request)
            finally:
                self.active.remove(request)
                engine_slot.remove_request(request)
                engine_slot.nextcall.schedule()
            if isinstance(answer, Response):
                self._came(request, answer)
                return answer
            request = answer

    def _came(self, request: Request, answer: Response) -> None:
        """Tell log and signal of an answer, as the engine does."""
        answer.request = answer.request or request
        spider = self.crawler.spider
        assert spider is not None
        line = self.crawler.logformatter.crawled(answer.request, answer, spider)
        if line is not None:
            logger.log(*logformatter_adapter(line), extra={"spider": spider})
        tell(
            self.signals,
            signals.response_received,
            response=answer,
            request=answer.request,
            spider=spider,
        )

    async def _transfer(self, request: Request) -> Response:
        """Have the handler download *request* as soon as its slot has a place for it."""
        key, slot = self._get_slot(request)
        request.meta[self.DOWNLOAD_SLOT] = key
        slot.active.add(request)
        about: dict[str, Any] = {"request": request, "spider": self.crawler.spider}
        tell(self.signals, signals.request_reached_downloader, **about)
        try:
            await self._place(slot, request)
            try:
                answer = await self.handlers.download_request_async(request)
                tell(self.signals, signals.response_downloaded, response=answer, **about)
                return answer
            finally:
                slot.transferring.discard(request)
                self._process_queue(slot)
                tell(self.signals, signals.request_left_downloader, **about)
        finally:
            slot.active.remove(request)

    async def _place(self, slot: Slot, request: Request) -> None:
        """Wait until *slot* lets *request* go; its delay and its number are Scrapy's to keep."""
        waits = slot.queue or slot.latercall or slot.delay or slot.free_transfer_slots() <= 0
        if not waits:
            slot.transferring.add(request)
            return
        turn = _Turn()
        slot.queue.append((request, turn))  # type: ignore[arg-type]
        self._process_queue(slot)
        try:
            await turn.came
        except BaseException:
            slot.transferring.discard(request)
            if not turn.came.done():
                slot.queue.remove((request, turn))  # type: ignore[arg-type]
            raise

    def _wait_for_download(
        self, slot: Slot, request: Request, queue_dfd: Deferred[Response] | _Turn
    ) -> Coroutine[Any, Any, None]:
        """Count a request as under way as soon as it is let go.

        Scrapy 2.19 counts it when its task first runs: of a burst in one turn of the loop, all go
        at once. With CONCURRENT_REQUESTS_PER_DOMAIN=4, 31 pictures of one page were seen at one
        host.
        """
        slot.transferring.add(request)
        if isinstance(queue_dfd, _Turn):
            return queue_dfd.comes()
        return super()._wait_for_download(slot, request, queue_dfd)


class _Turn:
    """A picture that waits in the queue of a slot, where Scrapy has a Deferred."""

    def __init__(self) -> None:
        self.came: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def comes(self) -> None:
        if not self.came.done():
            self.came.set_result(None)
