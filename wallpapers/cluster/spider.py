"""Make a spider process what the tasks of a worker pass to it, instead of paging by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

from scrapy import Request, signals
from scrapy.exceptions import DontCloseSpider
from scrapy.http import Response
from twisted.python.failure import Failure

from wallpapers.cluster.claims import TaskClaims
from wallpapers.cluster.errors import CrawlEndedError, ListingUnreadableError
from wallpapers.items import Wallpaper
from wallpapers.listings.page import Page, Position
from wallpapers.listings.text import one_line
from wallpapers.run.addon import run_of
from wallpapers.spiders import diagnosis
from wallpapers.spiders.listing_spider import ListingSpider

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

_IDLE_S = 1.0


class WallpapersResponse(Response):
    """The response whose callback yields wallpapers of a task; nothing was requested for it."""

    callback_failed = False


class FedSpider(ListingSpider):
    """A mixin for the spider of a source; its crawl lives until ``end`` is called.

    Redirects, retries, the visit of the home page, the other protocol and all messages are those
    of the spider.
    """

    claims: TaskClaims
    is_part = True  # of a run

    def __init__(self, **given: str) -> None:
        super().__init__(**given)
        self._given: asyncio.Queue[Request | None] = asyncio.Queue()
        self._page: asyncio.Future[Page] | None = None
        self._position = self.first_position
        self._has_visited_home = False

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider._callback_failed, signals.spider_error)
        return spider

    async def start(self) -> AsyncIterator[Any]:
        """Yield the requests for pages of the listing, until ``end`` is called."""
        while True:
            try:
                if self._given.empty():
                    async with asyncio.timeout(_IDLE_S):
                        given = await self._given.get()
                else:
                    given = self._given.get_nowait()
            except TimeoutError:
                # For the engine, a spider that waits here is busy. But wallpapers that were put
                # aside are resumed when it is idle.
                self.crawler.signals.send_catch_log(
                    signals.spider_idle, spider=self, dont_log=DontCloseSpider
                )
                continue
            if given is None:
                return
            yield given

    def process(self, wallpapers: Sequence[Wallpaper]) -> asyncio.Future[WallpapersResponse]:
        """Process *wallpapers* as if a callback had yielded them.

        The result is available when all of them have passed the pipelines or were put aside.
        ``start`` could yield them, too, but one in each iteration of the event loop.
        """
        request = Request(
            self.page_url(self.first_position),
            callback=self._yield_all,
            cb_kwargs={"wallpapers": wallpapers},
        )
        response = WallpapersResponse(request.url, request=request)
        assert self.crawler.engine is not None
        scraper = self.crawler.engine.scraper
        processed = scraper.enqueue_scrape(response, request).addCallback(lambda _: response)
        return processed.asFuture(asyncio.get_running_loop())

    def _callback_failed(self, failure: Failure, response: object) -> None:
        """Fail the page whose callback raised an exception, which Scrapy has logged."""
        if isinstance(response, WallpapersResponse):
            response.callback_failed = True
            return
        error = failure.value
        message = one_line(f"The spider failed: {type(error).__name__}: {error}")
        self.fail_listing(message, suggest=False)

    def end(self) -> None:
        """Let the crawl end when everything that was passed to it is done."""
        self._given.put_nowait(None)

    def _yield_all(
        self, response: Response, wallpapers: Sequence[Wallpaper]
    ) -> Iterator[Wallpaper]:
        yield from wallpapers

    async def fetch_page(self, position: Position, protocol: str) -> Page:
        """Return the page at *position*, read with *protocol* ("" = the first of the source).

        Raises ListingUnreadableError, and CrawlEndedError if the crawl is stopping.
        """
        if protocol:
            self.current_protocol = protocol
        self._position = position
        page: asyncio.Future[Page] = asyncio.get_running_loop().create_future()
        self._page = page
        needs_home = self.visits_home and self.settings.getbool("COOKIES_ENABLED")
        if needs_home and not self._has_visited_home:
            self._has_visited_home = True
            home = (self.referer, self.home_page_loaded, self.home_page_failed)
            self._given.put_nowait(self._request(*home, dont_retry=True))
        else:
            self._given.put_nowait(self.page_request(position))
        return await page

    def home_page_loaded(self, response: Response) -> Iterator[Request]:
        yield self.page_request(self._position)

    def home_page_failed(self, failure: Failure) -> Iterator[Request]:
        for _ in super().home_page_failed(failure):  # logs why
            yield self.page_request(self._position)

    def process_page(self, page: Page, position: Position) -> Iterator[Request | Wallpaper]:
        """Pass *page* to the task that waits for it."""
        is_first = position == self.first_position
        if is_first and page.drift:
            self._log_drift(page.drift)
        if is_first and not page.wallpapers:
            self.fail_listing(diagnosis.no_wallpapers_found(page, self.page_url(position)))
        elif self._page is not None and not self._page.done():
            self._page.set_result(page)
        return iter(())

    def next_listing(self) -> Iterator[Request]:
        """Request nothing, because the tasks request the pages."""
        return iter(())

    def fail_listing(self, message: str, *, refused: bool = False, suggest: bool = True) -> None:
        """Raise *message* as an error in the task that waits for a page."""
        if self._page is not None and not self._page.done():
            stopping = run_of(self.crawler).state.stopping
            unreadable = ListingUnreadableError(message, another_may_work=suggest)
            self._page.set_exception(CrawlEndedError() if stopping else unreadable)
