"""End a crawl on Ctrl-C, SIGTERM or SIGHUP, and the process within a time limit.

A signal handler may interrupt code that holds a lock. So the handlers only put the signal into a
queue, and a thread reacts to it. The thread works even if the event loop is blocked, or if a thread
that is stuck keeps the interpreter from exiting.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic
from types import FrameType
from typing import TYPE_CHECKING

from scrapy import signals
from scrapy.crawler import AsyncCrawlerProcess
from twisted.internet.defer import Deferred

from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.startup import handle_signals

if TYPE_CHECKING:
    from scrapy.crawler import Crawler, CrawlerProcessBase

logger = logging.getLogger(__name__)

_CLOSING_SHARE = 0.1  # of the time limit, for closing the feeds and logging the summary
_LOOP_TIME_S = 2.0  # for the event loop to end the run after a second signal


class Shutdown:
    """Run crawlers to their end; a signal stops them, a second one ends the process.

    *timeout_s* is the time from the first signal to the end of the process. *close* is called for a
    crawler that did not end by itself, possibly in another thread; it returns the exit status of
    the process.
    """

    def __init__(self, timeout_s: float, close: Callable[[Crawler], int]) -> None:
        self._timeout_s = timeout_s
        self._close = close
        self._signals: SimpleQueue[int] = SimpleQueue()
        self._crawlers: Sequence[Crawler] = ()
        self._started: list[Crawler] = []
        self._tasks: list[asyncio.Future[None]] = []
        # A reference, against garbage collection.
        self._stopping: asyncio.Future[list[BaseException | None]] | None = None
        self._end_lock = threading.Lock()  # never released: the process ends
        self.exit_status: int | None = None  # of a run that has ended

    def run(
        self,
        process: CrawlerProcessBase,
        crawlers: Sequence[Crawler],
        arguments: dict[str, str],
    ) -> list[asyncio.Future[None]]:
        """Run *crawlers* with the same *arguments*, and return the task of each."""
        self._crawlers = crawlers
        for crawler in crawlers:
            crawler.signals.connect(self._engine_started, signals.engine_started)
        # Before the reactor runs, a signal ends the process immediately. Scrapy replaces the
        # handlers when the reactor starts, so these are installed by the first turn of its loop.
        if isinstance(process, AsyncCrawlerProcess):
            asyncio.get_event_loop().call_soon(self._begin)
        for crawler in crawlers:
            self._tasks.append(_as_future(process.crawl(crawler, **arguments)))
        if not isinstance(process, AsyncCrawlerProcess):
            asyncio.get_event_loop().call_soon(self._begin)
        process.start()
        return self._tasks

    def end_because(self, fail: Callable[[], None]) -> None:
        """Call *fail* and end the process, in the event loop; used if another thread is stuck."""

        def end(_: int) -> None:
            fail()
            self._end()

        self._in_loop(end, 0)

    def _begin(self) -> None:
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._watch, name="wallpapers-shutdown", daemon=True).start()
        handle_signals(self._received)
        # While Python shuts down, a signal would replace the exit status.
        atexit.register(handle_signals, signal.SIG_IGN)

    def _received(self, number: int, frame: FrameType | None) -> None:
        self._signals.put(number)

    def _watch(self) -> None:
        """Wait for a signal, then end the process within the time limit."""
        number = self._signals.get()
        ends_s = monotonic() + self._timeout_s * (1 - _CLOSING_SHARE)
        self._in_loop(self._stop, number)
        with suppress(Empty):
            number = self._signals.get(timeout=max(0, ends_s - monotonic()))
            self._in_loop(self._force, number)
            left_s = min(_LOOP_TIME_S, ends_s - monotonic())
            self._signals.get(timeout=max(0, left_s))
        # This thread may block, for example if a stuck thread holds the lock of the log.
        ending = threading.Thread(target=self._end, daemon=True)
        ending.start()
        ending.join(self._timeout_s * _CLOSING_SHARE)
        os._exit(ExitStatus.INTERRUPTED if self.exit_status is None else self.exit_status)

    def _in_loop(self, call: Callable[[int], None], number: int) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(call, number)

    def _stop(self, number: int) -> None:
        name = signal.Signals(number).name
        logger.info("Received %s, shutting down gracefully. Send again to force", name)
        stops = [self._stop_crawler(crawler) for crawler in self._crawlers]
        self._stopping = asyncio.gather(*stops, return_exceptions=True)

    async def _stop_crawler(self, crawler: Crawler) -> None:
        if crawler.engine.running:
            await crawler.stop_async()
        elif crawler in self._started:
            await crawler.engine.stop_async()

    async def _engine_started(self, sender: Crawler) -> None:
        """Stop an engine that did not exist yet when the signal arrived.

        ``Crawler.stop_async`` would have no effect on it, neither then nor now.
        """
        self._started.append(sender)
        if self._stopping is not None:
            await sender.engine.stop_async()

    def _force(self, number: int) -> None:
        name = signal.Signals(number).name
        logger.info("Received %s again, forcing unclean shutdown", name)
        self._end()

    def _end(self) -> None:
        """Close what is open, log the summary, and end the process."""
        with self._end_lock:
            status = self.exit_status
            if status is None:
                status = ExitStatus.INTERRUPTED
                for crawler, task in zip(self._crawlers, self._tasks, strict=False):
                    if not task.done():
                        status = self._close(crawler)
            flush_all()
            os._exit(status)


def flush_all() -> None:
    """Write out what the log and the standard streams still hold."""
    for stream in (*logging.root.handlers, sys.stdout, sys.stderr):
        with suppress(Exception):  # closed, or on a full disk
            stream.flush()


def _as_future(crawling: object) -> asyncio.Future[None]:
    """Return the task of a crawl: CrawlerProcess gives a Deferred, AsyncCrawlerProcess a task."""
    if isinstance(crawling, asyncio.Future):
        return crawling
    assert isinstance(crawling, Deferred)
    return crawling.asFuture(asyncio.get_event_loop())
