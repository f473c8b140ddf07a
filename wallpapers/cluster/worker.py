"""Perform tasks of the queue until a signal arrives, also across restarts of PostgreSQL."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from wallpapers.cluster.beat import CrawlLimits, beat
from wallpapers.cluster.crawls import Crawls, crawl_settings
from wallpapers.cluster.database import Database, cluster_url, open_catalogue
from wallpapers.cluster.errors import TaskNotDoneError
from wallpapers.cluster.looks import PartLooker
from wallpapers.cluster.queue import LISTING, LOOK, PICTURES, Queue, reason_of, worker_app
from wallpapers.cluster.takeover import send_heartbeat
from wallpapers.cluster.tasks import Tasks
from wallpapers.errors import CatalogueError, StoreError
from wallpapers.options.setting_values import positive
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.shutdown import flush_all
from wallpapers.storage.address import folder_of
from wallpapers.storage.run_folder import RunFolder

if TYPE_CHECKING:
    from procrastinate import App
    from procrastinate.jobs import Job
    from procrastinate.retry import RetryDecision
    from procrastinate.worker import Worker as QueueWorker
    from scrapy.settings import Settings


logger = logging.getLogger(__name__)

_BEAT_S = 1.0
_HEARTBEATS_PER_LEASE = 4
_HAND_OVER_S = 1.6  # after a signal, for the running tasks
_END_S = 5.0  # after a signal, for the process
_FORGET_AFTER_S = 7 * 24 * 3600.0  # a worker that thaws earlier needs its row


class Worker:
    """One worker process.

    Settings: WALLPAPERS_CLUSTER_TASKS, WALLPAPERS_CLUSTER_LEASE,
    WALLPAPERS_CLUSTER_REQUESTS_PER_DOMAIN.
    """

    def __init__(self, settings: Settings) -> None:
        from scrapy.crawler import AsyncCrawlerRunner

        self._tasks_at_once = int(positive(settings, "WALLPAPERS_CLUSTER_TASKS"))
        self._lease_s = positive(settings, "WALLPAPERS_CLUSTER_LEASE")
        self._url = cluster_url(settings)
        self._store = folder_of(str(settings["IMAGES_STORE"]))
        self._database = Database(open_catalogue(settings))
        self._crawls = Crawls(AsyncCrawlerRunner(crawl_settings(settings)), self._lease_s)
        self._limits = CrawlLimits(settings, self._crawls)
        self._part_looker = PartLooker(settings)
        self._tasks = Tasks(self._database, Queue(), self._crawls, self._limits, self._part_looker)
        self._stopping = asyncio.Event()
        self._queue_worker: QueueWorker | None = None

    async def run(self) -> int:
        """Work until a signal arrives, hand over the tasks, and return the exit status."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._stop)
        loop.set_exception_handler(_report)
        beating = asyncio.ensure_future(self._beat())
        working = asyncio.ensure_future(self._work())
        await self._stopping.wait()
        stopped_s = loop.time()
        self._tasks.stopping = True
        working.cancel()  # lets the queue finish the running tasks
        await self._crawls.stop(_HAND_OVER_S)
        with suppress(asyncio.CancelledError):
            await working
        beating.cancel()
        self._part_looker.close()
        self._database.close()
        logger.info("Handed over in %.1f s", loop.time() - stopped_s)
        return ExitStatus.COMPLETE

    def _stop(self) -> None:
        if self._stopping.is_set():
            _end(ExitStatus.INTERRUPTED)
        logger.info("Handing over to other workers. Send the signal again to end immediately")
        ending = threading.Timer(_END_S, _end, [ExitStatus.COMPLETE])
        ending.daemon = True
        ending.start()
        self._stopping.set()

    async def _work(self) -> None:
        """Run the worker of the queue; restart it when PostgreSQL was not available."""
        while True:
            app = self._app()
            try:
                async with app.open_async():
                    await self._run_queue_worker(app)
            except Exception as error:
                logger.warning("Queue failed: %s; connecting again", reason_of(error))
            await asyncio.sleep(_BEAT_S)

    async def _run_queue_worker(self, app: App) -> None:
        from procrastinate.worker import Worker as QueueWorker

        worker = QueueWorker(
            app,
            concurrency=self._tasks_at_once,
            fetch_job_polling_interval=_BEAT_S,  # a task that is given back sends no notification
            install_signal_handlers=False,
            delete_jobs="successful",
            update_heartbeat_interval=self._lease_s / _HEARTBEATS_PER_LEASE,
            stalled_worker_timeout=_FORGET_AFTER_S,
        )
        self._queue_worker = worker
        await worker.run()  # type: ignore[no-untyped-call]
        logger.warning("Queue failed: connection lost; connecting again")

    def _app(self) -> App:
        from procrastinate.retry import BaseRetryStrategy, RetryDecision

        class UntilDone(BaseRetryStrategy):
            """Return a task that was not done to the queue."""

            def get_retry_decision(
                self, *, exception: BaseException, job: Job
            ) -> RetryDecision | None:
                if not isinstance(exception, TaskNotDoneError):
                    return None
                return RetryDecision(retry_in={"seconds": exception.again_in_s})

        app = worker_app(self._url)
        app.task(name=LISTING, pass_context=True, retry=UntilDone())(self._tasks.listing)
        app.task(name=PICTURES, pass_context=True, retry=UntilDone())(self._tasks.pictures)
        app.task(name=LOOK, pass_context=True, retry=UntilDone())(self._tasks.look)
        return app

    async def _beat(self) -> None:
        """Exchange state with the other workers once a second."""
        while True:
            await asyncio.sleep(_BEAT_S)
            try:
                await self._beat_once()
            except CatalogueError as error:
                logger.debug("Catalogue failed: %s", error)

    async def _beat_once(self) -> None:
        worker = self._queue_worker
        if worker is None or worker.worker_id is None:
            return
        await self._database.do(partial(send_heartbeat, worker=worker.worker_id))
        await self._tasks.introduce(worker.worker_id)
        found = await self._database.do(
            partial(
                beat,
                worker=worker.worker_id,
                lease_s=self._lease_s,
                waits=self._limits.waits(),
                runs=list(self._crawls.open_crawls),
            )
        )
        if found.taken_over:
            logger.warning("Took over %d tasks of workers without a heartbeat", found.taken_over)
            await asyncio.to_thread(self._sweep_parts)
        self._limits.apply(found)

    def _sweep_parts(self) -> None:
        """Remove the part files of killed workers; a crawl does so only when it opens."""
        if self._store is not None:
            with suppress(OSError, StoreError):
                RunFolder(self._store).close()


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an error that no task waits for; an error of the queue takes one line.

    After a freeze, the queue refuses the end of a task that another worker has taken over.
    """
    from procrastinate.exceptions import ConnectorException
    from psycopg import Error

    error = context.get("exception")
    if isinstance(error, ConnectorException | Error):
        logger.warning("Queue failed: %s", reason_of(error))
    else:
        loop.default_exception_handler(context)


def _end(status: int) -> None:
    flush_all()
    os._exit(status)


def work(settings: Settings, scrapy_level: int) -> int:
    """Run a worker in this process, and return its exit status. Raises UserError, StoreError.

    *scrapy_level* is the lowest level that Scrapy logs.
    """
    from scrapy.utils.log import configure_logging
    from scrapy.utils.reactor import install_reactor

    install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor")
    configure_logging(settings)
    logging.getLogger("scrapy").setLevel(scrapy_level)
    from twisted.internet import reactor

    worker = Worker(settings)
    gc.collect()
    gc.freeze()  # imported objects; frozen later, they would include a crawl
    status: list[int] = []

    async def main() -> None:
        try:
            status.append(await worker.run())
        except Exception:
            logger.exception("Worker failed")
            status.append(ExitStatus.STORE)
        finally:
            flush_all()
            os._exit(status[0])  # threads that are stuck would keep the process

    running = asyncio.get_event_loop().create_task(main())
    reactor.run(installSignalHandlers=False)  # type: ignore[misc,call-arg]
    assert running
    return status[0]
