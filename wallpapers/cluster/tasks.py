"""Perform tasks: read a listing, download the images of a page, describe stored images.

The arguments of a task are ids of rows in the catalogue.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial, wraps
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from wallpapers.cluster import pages, pictures, runs, takeover
from wallpapers.cluster.errors import CrawlEndedError, ListingUnreadableError, TaskNotDoneError
from wallpapers.cluster.isolation import Isolation
from wallpapers.cluster.pages import Listing, NextPage
from wallpapers.cluster.pictures import PageState, Start
from wallpapers.cluster.runs import ClusterRun, ListingState
from wallpapers.errors import CatalogueError, StoreError, UserError
from wallpapers.pipelines.candidates import wallpaper_of
from wallpapers.pipelines.setup import listed_at

if TYPE_CHECKING:
    from procrastinate import JobContext

    from wallpapers.catalogue.entries import Entries
    from wallpapers.cluster.beat import CrawlLimits
    from wallpapers.cluster.crawl import FedCrawl
    from wallpapers.cluster.crawls import Crawls
    from wallpapers.cluster.database import Database
    from wallpapers.cluster.looks import PartLooker
    from wallpapers.cluster.pictures import OpenPage, Settled
    from wallpapers.cluster.queue import Queue
    from wallpapers.items import Key, Wallpaper
    from wallpapers.listings.page import Page

logger = logging.getLogger(__name__)

_POSTPONE_S = 0.5
_RETRY_DELAY_S = 5  # after a failure of the store, the catalogue or the program

Task = Callable[..., Awaitable[None]]


def reported(task: Task) -> Task:
    """Decorate *task*: log each failure, and raise a TaskNotDoneError for it.

    A worker that was frozen may receive a task that it is still performing. It waits for the first
    execution to end.
    """

    @wraps(task)
    async def do(self: Tasks, context: JobContext, **arguments: int) -> None:
        try:
            async with self.lock_of(task.__name__, **arguments):
                await task(self, context, **arguments)
        except TaskNotDoneError:
            raise
        except CatalogueError as error:
            logger.warning("Catalogue failed: %s", error)
            raise TaskNotDoneError(str(error), _RETRY_DELAY_S) from None
        except (StoreError, UserError) as error:
            logger.warning("Task failed: %s %s: %s", task.__name__, arguments, error)
            raise TaskNotDoneError(str(error), _RETRY_DELAY_S) from None
        except Exception as error:
            logger.exception("Task failed: %s %s", task.__name__, arguments)
            raise TaskNotDoneError(str(error), _RETRY_DELAY_S) from None

    return do


class Tasks:
    """The tasks of one worker."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        crawls: Crawls,
        limits: CrawlLimits,
        part_looker: PartLooker,
    ) -> None:
        self._limits = limits
        self._pause = limits.listing_pause
        self._database = database
        self._queue = queue
        self._crawls = crawls
        self._part_looker = part_looker
        self._isolation = Isolation()
        self.stopping = False
        self.number: int | None = None  # of the worker, in the queue
        self._introducing = asyncio.Lock()
        self._locks: WeakValueDictionary[object, asyncio.Lock] = WeakValueDictionary()

    def lock_of(self, name: str, **arguments: int) -> asyncio.Lock:
        """Return the lock that this worker holds while it performs a task."""
        return self._locks.setdefault((name, *sorted(arguments.items())), asyncio.Lock())

    async def introduce(self, number: int) -> None:
        """Record the name of this worker, which is *number* in the queue, before it performs tasks.

        By this name, others find the connections of a worker that is dead or frozen.
        """
        async with self._introducing:
            if number != self.number:
                introduce = partial(takeover.introduce, number=number)
                self._limits.workers = await self._database.do(introduce)
                self.number = number
                logger.info("Worker %d is ready", number)

    async def _begin(self, context: JobContext) -> None:
        assert context.job.worker_id is not None
        await self.introduce(context.job.worker_id)

    async def _run_of(self, number: int) -> ClusterRun:
        return await self._database.do(lambda entries: runs.run_of(entries.connection, number))

    # The listing of a run

    @reported
    async def listing(self, context: JobContext, run: int) -> None:
        """Read the pages of a listing, beginning with the first unread one."""
        await self._begin(context)
        submitted = await self._run_of(run)
        if submitted.state is not ListingState.READING:
            return
        try:
            async with self._crawls.use(submitted) as crawl:
                while not self.stopping:
                    at = await self._database.do(partial(pages.begin, run=run))
                    if at is None or not await self._read(crawl, submitted, at):
                        return
        except CrawlEndedError as error:
            raise await self._not_done(run, error) from None
        finally:
            # The next page of the source may be requested by another worker.
            await asyncio.sleep(self._pause.left_s)
        raise TaskNotDoneError("the worker is stopping")

    async def _read(self, crawl: FedCrawl, run: ClusterRun, at: NextPage) -> bool:
        """Read one page; return whether there is another one."""
        if at.kills_workers:
            message = f"Page {at.number} of the listing killed {at.tries} workers"
            error = ListingUnreadableError(message, another_may_work=True)
            return await self._fail_listing(at, error)
        async with self._survived(partial(pages.give_back, page=at)):
            try:
                page, protocol = await crawl.fetch_page(at.position, at.protocol)
            except ListingUnreadableError as error:
                return await self._fail_listing(at, error)
            finally:
                self._pause.page_read()
            new = await self._database.do(self._record(crawl, run, at, page, protocol))
        if new is None:
            return False
        logger.info("Run %d: page %d lists %d new wallpapers", run.id, at.number, new)
        return True

    def _record(
        self, crawl: FedCrawl, run: ClusterRun, at: NextPage, page: Page, protocol: str
    ) -> Callable[..., int | None]:
        spider = crawl.spider
        page.wallpapers = [
            wallpaper_of(one, one.image_urls, (one.image_urls or [""])[0], run.source)
            for one in page.wallpapers
        ]
        for wallpaper in page.wallpapers:
            wallpaper.source = run.source
        listing = Listing(run.source, listed_at(spider), spider.limit, spider.max_offset)
        return partial(
            pages.record, queue=self._queue, listing=listing, at=at, page=page, protocol=protocol
        )

    async def _fail_listing(self, at: NextPage, error: ListingUnreadableError) -> bool:
        logger.error("Run %d: %s", at.run, error)
        await self._database.do(partial(pages.fail, page=at, error=error))
        return False

    # The images of a page

    @reported
    async def pictures(self, context: JobContext, run: int, page: int) -> None:
        """Download the images of the wallpapers of a page that have no verdict."""
        await self._begin(context)
        if self.stopping:
            raise TaskNotDoneError("the worker is stopping")
        submitted = self._crawls.run_of(run) or await self._run_of(run)
        try:
            async with self._crawls.use(submitted) as crawl:
                async with self._isolation.together():
                    left = await self._database.do(partial(pictures.begin, run=run, number=page))
                    if left and not left.is_suspicious:
                        await self._download(crawl, left)
                if left and left.is_suspicious:
                    await self._download_one_by_one(crawl, left)
        except CrawlEndedError as error:
            raise await self._not_done(run, error) from None

    async def _download(self, crawl: FedCrawl, page: OpenPage) -> None:
        async with self._survived(partial(pictures.give_back, page=page)):
            settled = await crawl.download(page, page.wallpapers)
            if await self._settle(page, settled) is PageState.OPEN:
                raise CrawlEndedError(crawl.failure)

    async def _download_one_by_one(self, crawl: FedCrawl, page: OpenPage) -> None:
        left = deque(page.wallpapers)
        start = Start.BEGUN
        async with self._survived(partial(pictures.give_back, page=page)):
            while left and start is not Start.TAKEN_OVER:
                if start is Start.POSTPONED:
                    await asyncio.sleep(_POSTPONE_S)
                async with self._isolation.alone():
                    start = await self._download_all_alone(crawl, page, left)

    async def _download_all_alone(
        self, crawl: FedCrawl, page: OpenPage, left: deque[Wallpaper]
    ) -> Start:
        """Download wallpapers, and remove them from *left*, until one cannot be begun."""
        while left:
            start = await self._download_alone(crawl, page, left[0])
            if start is not Start.BEGUN:
                return start
            left.popleft()
        return Start.BEGUN

    async def _download_alone(self, crawl: FedCrawl, page: OpenPage, wallpaper: Wallpaper) -> Start:
        """Download *wallpaper*, unless it is postponed or its page was taken over."""
        if crawl.has_ended:
            raise CrawlEndedError(crawl.failure)
        key, lease_s = (wallpaper.source, wallpaper.id), self._crawls.lease_s
        begin = partial(pictures.begin_alone, page=page, key=key, lease_s=lease_s)
        start = await self._database.do(begin)
        if start is Start.BEGUN:
            settled = await crawl.download(page, [wallpaper])
            if await self._settle(page, settled, alone=key) is PageState.TAKEN_OVER:
                return Start.TAKEN_OVER
            if not settled:
                raise CrawlEndedError(crawl.failure)
        return start

    async def _settle(
        self, page: OpenPage, settled: list[Settled], alone: Key | None = None
    ) -> PageState:
        state = await self._database.do_when_back(
            partial(pictures.settle, page=page, settled=settled, alone=alone)
        )
        if state is PageState.TAKEN_OVER:
            logger.info("Run %d: page %d was taken over by another worker", page.run, page.number)
        return state

    @asynccontextmanager
    async def _survived(self, give_back: Callable[[Entries], None]) -> AsyncIterator[None]:
        """Subtract a try that ends with the crawl or the catalogue; only dead workers count."""
        try:
            yield
        except (CatalogueError, CrawlEndedError):
            await self._database.do_when_back(give_back)
            raise

    async def _not_done(self, run: int, error: CrawlEndedError) -> TaskNotDoneError:
        """Record why a crawl ended, and return the error that returns its task to the queue."""
        problem = "" if self.stopping else str(error)
        if not problem:
            return TaskNotDoneError("the worker is stopping")
        report = partial(runs.report_problem, run=run, problem=problem)
        await self._database.do(lambda entries: report(entries.connection))
        return TaskNotDoneError(problem, _RETRY_DELAY_S)

    # Describing stored images

    @reported
    async def look(self, context: JobContext, part: int) -> None:
        """Describe a part of the stored images."""
        await self._begin(context)
        await self._part_looker.look_at(part, self._database, lambda: self.stopping)
