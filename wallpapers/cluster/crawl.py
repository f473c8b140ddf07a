"""Process what the tasks of one run pass to its crawl, and return pages and verdicts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from scrapy import signals

from wallpapers.cluster.claims import TaskClaims
from wallpapers.cluster.errors import CrawlEndedError
from wallpapers.cluster.pictures import OpenPage, Settled
from wallpapers.cluster.politeness import SharedPauses
from wallpapers.cluster.spider import FedSpider, WallpapersResponse
from wallpapers.items import Key, Wallpaper, key_of
from wallpapers.listings.page import Page, Position
from wallpapers.listings.text import one_line
from wallpapers.middlewares.retry import PatientRetryMiddleware
from wallpapers.pipelines.drops import PutAside
from wallpapers.run.addon import run_of
from wallpapers.run.reasons import FailureReason, FilterReason, Verdict

if TYPE_CHECKING:
    from scrapy.crawler import AsyncCrawlerRunner, Crawler
    from scrapy.exceptions import DropItem

    from wallpapers.cluster.runs import ClusterRun

logger = logging.getLogger(__name__)

_STOPPING_S = 5.0  # for a crawl that closes by itself
_DROPPED = (Verdict.FILTERED, FilterReason.DROPPED)
_OWN_CLOSE_REASONS = (None, "finished", "shutdown")  # None = not closing
_FAULT = (Verdict.FAILED, FailureReason.FAULT)


class FedCrawl:
    """A crawl that processes the pages and wallpapers that the tasks of one run pass to it."""

    def __init__(
        self,
        runner: AsyncCrawlerRunner,
        run: ClusterRun,
        lease_s: float,
        on_open: Callable[[], None],
    ) -> None:
        self.run = run
        self._on_open = on_open
        self._claims = TaskClaims.of_run(run.id, lease_s)
        source = runner.spider_loader.load(run.source)
        spider = type(source.__name__, (FedSpider, source), {"claims": self._claims})
        self.crawler: Crawler = runner.create_crawler(spider)
        self._verdicts: dict[Key, asyncio.Future[Settled]] = {}
        self._aside: set[Key] = set()
        self._opened = asyncio.Event()
        self._given_up = asyncio.Event()
        self.users = 0
        self.pauses: SharedPauses | None = None
        self.reads_no_page = asyncio.Event()
        self.reads_no_page.set()
        self.crawler.signals.connect(self._spider_opened, signals.spider_opened)
        self.crawler.signals.connect(self._item_dropped, signals.item_dropped)
        self._task = asyncio.ensure_future(self.crawler.crawl_async(**run.arguments))
        self._task.add_done_callback(_note_error)

    @property
    def spider(self) -> FedSpider:
        """The spider, once the crawl has been opened."""
        return cast("FedSpider", self.crawler.spider)

    @property
    def has_ended(self) -> bool:
        """Whether the crawl accepts no more work."""
        if self._task.done() or self._given_up.is_set():
            return True
        return self._opened.is_set() and run_of(self.crawler).state.stopping

    @property
    def failure(self) -> str:
        """Why the crawl ended by itself, one line; "" = it was stopped."""
        if self._task.done() and not self._task.cancelled() and (error := self._task.exception()):
            return f"could not start: {error}"
        state = run_of(self.crawler).state
        if state.store_failure:
            return state.store_failure.reason
        if state.close_reason in _OWN_CLOSE_REASONS:
            return ""
        return f"crawl ended with {state.close_reason!r}, because of a setting or a middleware"

    async def opened(self) -> None:
        """Wait until the crawl accepts work. Raises CrawlEndedError."""
        await self._or_end(self._opened.wait())

    async def fetch_page(self, position: Position, protocol: str) -> tuple[Page, str]:
        """Return a page of the listing, and the protocol that it was read with."""
        self.reads_no_page.clear()
        try:
            page = await self._or_end(self.spider.fetch_page(position, protocol))
        except CrawlEndedError:
            raise CrawlEndedError(self.failure) from None
        finally:
            self.reads_no_page.set()
        return page, self.spider.current_protocol

    async def download(self, page: OpenPage, wallpapers: Sequence[Wallpaper]) -> list[Settled]:
        """Download *wallpapers* of *page*; return fewer verdicts if the crawl ends before."""
        if self.has_ended or not wallpapers:
            return []
        loop = asyncio.get_running_loop()
        verdicts: dict[Key, asyncio.Future[Settled]] = {}
        for wallpaper in wallpapers:
            key = wallpaper.source, wallpaper.id
            verdicts[key] = self._verdicts[key] = loop.create_future()
            self._claims.pages[key] = page
        processed = self.spider.process(wallpapers)
        try:
            with suppress(CrawlEndedError):
                await self._or_end(self._wait_for_verdicts(processed, verdicts))
        finally:
            self._aside -= verdicts.keys()
            for key, verdict in verdicts.items():
                del self._verdicts[key], self._claims.pages[key]
                if not verdict.done():
                    verdict.cancel()
        return [
            page.as_found(verdict.result())
            for verdict in verdicts.values()
            if not verdict.cancelled()
        ]

    async def _wait_for_verdicts(
        self,
        processed: asyncio.Future[WallpapersResponse],
        verdicts: Mapping[Key, asyncio.Future[Settled]],
    ) -> None:
        """Wait for *verdicts*; settle the wallpapers that a spider middleware dropped."""
        response = await asyncio.shield(processed)  # Scrapy still processes it if the crawl ends
        verdict, reason = _FAULT if response.callback_failed else _DROPPED
        for key, future in verdicts.items():
            if not (future.done() or key in self._aside or self.has_ended):
                future.set_result(Settled(key, verdict, reason))
        await asyncio.wait(verdicts.values())

    async def close(self) -> None:
        """End the crawl, which has no work left."""
        if not self._task.done() and self._opened.is_set():
            self.spider.end()
        await asyncio.wait([self._task])

    async def stop(self, timeout_s: float) -> None:
        """Stop the crawl; transfers may finish within *timeout_s*."""
        stopping = asyncio.ensure_future(self.crawler.stop_async())
        stopping.add_done_callback(_note_error)
        await asyncio.wait([stopping, self._task], timeout=timeout_s)
        self._given_up.set()

    def _spider_opened(self) -> None:
        retries = self.crawler.get_downloader_middleware(PatientRetryMiddleware)
        if retries is not None:
            self.pauses = SharedPauses(retries.hosts)
        run_of(self.crawler).ledger.call_on_verdict(self._settled)
        run_of(self.crawler).state.call_on_stop(self._stopping)
        self._opened.set()
        self._on_open()

    def _stopping(self) -> None:
        """Return the tasks to the queue soon, even if uploads or connections delay the crawl."""
        asyncio.get_running_loop().call_later(_STOPPING_S, self._given_up.set)

    def _settled(self, key: Key, verdict: Verdict, reason: str, size_bytes: int, host: str) -> None:
        future = self._verdicts.get(key)
        if future is not None and not future.done():
            future.set_result(Settled(key, verdict, reason, size_bytes, host))

    def _item_dropped(self, item: Any, exception: DropItem) -> None:
        """Note a wallpaper that gets its verdict after its page has been processed."""
        if isinstance(exception, PutAside):
            self._aside.add(key_of(item))

    async def _or_end(self, waiting: Any) -> Any:
        """Return the result of *waiting*. Raises CrawlEndedError if the crawl ends before."""
        task = asyncio.ensure_future(waiting)
        given_up = asyncio.ensure_future(self._given_up.wait())
        try:
            await asyncio.wait([task, given_up, self._task], return_when=asyncio.FIRST_COMPLETED)
        finally:
            given_up.cancel()
        if task.done():
            return task.result()
        task.cancel()
        raise CrawlEndedError(self.failure)


def _note_error(task: asyncio.Task[None]) -> None:
    """Mark the error of a crawl as handled, because there may be no task that waits for it."""
    if not task.cancelled() and (error := task.exception()):
        logger.debug("Crawl failed: %s", one_line(str(error)))
