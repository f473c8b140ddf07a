"""Keep one crawl open for each run, while the worker has tasks of the run.

A crawl for each task would take twice the CPU time, because each crawl starts inspector processes,
opens connections, and has to find out which hosts respond.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from wallpapers.cluster.crawl import FedCrawl
from wallpapers.cluster.database import cluster_url
from wallpapers.cluster.errors import CrawlEndedError
from wallpapers.extensions.summary import RunSummary

if TYPE_CHECKING:
    from scrapy.crawler import AsyncCrawlerRunner
    from scrapy.settings import Settings

    from wallpapers.cluster.runs import ClusterRun

_LINGER_S = 5.0  # without a task, until a crawl is closed


class PartSummary(RunSummary):
    """Settle items as RunSummary does, without logging the summary of a part of a run."""

    def engine_stopped(self) -> None:
        """Log the reason for a failure, but no summary."""
        self.log_failure()


class Crawls:
    """The crawls of a worker, by run."""

    def __init__(self, runner: AsyncCrawlerRunner, lease_s: float) -> None:
        self._runner = runner
        self.lease_s = lease_s
        self._open: dict[int, FedCrawl] = {}
        self.on_open: Callable[[], None] = lambda: None  # called when a crawl has been opened
        self._closing: set[asyncio.Task[None]] = set()
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._stopped = False

    @property
    def open_crawls(self) -> dict[int, FedCrawl]:
        """The crawls that accept work."""
        return {run: crawl for run, crawl in self._open.items() if not crawl.has_ended}

    def run_of(self, number: int) -> ClusterRun | None:
        """Return the run with this number, as it was submitted, if its crawl is open."""
        crawl = self._open.get(number)
        return crawl.run if crawl and not crawl.has_ended else None

    @asynccontextmanager
    async def use(self, run: ClusterRun) -> AsyncIterator[FedCrawl]:
        """Keep the crawl of *run* open during the block. Raises CrawlEndedError."""
        if self._stopped:
            raise CrawlEndedError
        crawl = self._open.get(run.id)
        if crawl is None or crawl.has_ended:
            crawl = self._open[run.id] = FedCrawl(self._runner, run, self.lease_s, self.on_open)
        if timer := self._timers.pop(run.id, None):
            timer.cancel()
        crawl.users += 1
        try:
            await crawl.opened()
            yield crawl
        finally:
            crawl.users -= 1
            if not crawl.users and self._open.get(run.id) is crawl:
                loop = asyncio.get_running_loop()
                self._timers[run.id] = loop.call_later(_LINGER_S, self._close, run.id)

    def stop_run(self, run: int) -> None:
        """Stop the crawl of a run that was cancelled."""
        self._start_task(self._open[run].stop(_LINGER_S))

    async def stop(self, timeout_s: float) -> None:
        """Stop all crawls, and open no more; one that reads a page may finish it."""
        self._stopped = True
        for timer in self._timers.values():
            timer.cancel()
        half_s = timeout_s / 2
        stops = [self._stop_after_page(crawl, half_s) for crawl in self.open_crawls.values()]
        await asyncio.gather(*stops)

    async def _stop_after_page(self, crawl: FedCrawl, timeout_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await crawl.reads_no_page.wait()
        await crawl.stop(timeout_s)

    def _close(self, run: int) -> None:
        crawl = self._open.pop(run)
        self._timers.pop(run, None)
        self._start_task(crawl.close())

    def _start_task(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def crawl_settings(settings: Settings) -> Settings:
    """Return *settings* for the crawls of a worker: they export nothing and log no progress."""
    own: Settings = settings.copy()
    extensions = {**settings.getdict("EXTENSIONS"), RunSummary: None, PartSummary: 0}
    own.setdict(
        {
            "EXTENSIONS": extensions,
            "FEEDS": {},
            "JOBDIR": None,
            "WALLPAPERS_CATALOGUE": cluster_url(settings).render_as_string(hide_password=False),
            "WALLPAPERS_PROGRESS": "off",
        },
        priority="cmdline",
    )
    return own
