"""Put wallpapers aside on disk while their host is not ready, and resume them later.

Wallpapers that are put aside use no memory, and their listing page does not wait for them. A
resumed wallpaper enters the images pipeline and then the pipelines after it; those before it have
already processed it.
"""

from __future__ import annotations

import asyncio
import logging
import pickle
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrapy import signals
from scrapy.exceptions import DontCloseSpider, DropItem
from scrapy.utils.defer import ensure_awaitable
from scrapy.utils.deprecate import argument_is_required
from scrapy.utils.log import logformatter_adapter
from twisted.python.failure import Failure

from wallpapers.pipelines.places import MAX_WAITING_IN_TROUBLE, HostQueue

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from wallpapers.run.addon import Run

logger = logging.getLogger(__name__)

_MAX_RESUMED = 64  # wallpapers of one host at the same time


class AsideQueues:
    """Queues of wallpapers that are put aside, one per host, first in, first out.

    They are kept in an SQLite database. Its file, created at the path that *scratch_file* returns,
    is unlinked immediately, so it disappears with the process. Stat: ``wallpapers/put_aside``.
    """

    def __init__(
        self, crawler: Crawler, run: Run, pipeline: object, scratch_file: Callable[[], Path]
    ) -> None:
        self._crawler = crawler
        self._ledger, self._state = run.ledger, run.state
        self._pipeline = pipeline
        self._scratch_file = scratch_file
        self._database: sqlite3.Connection | None = None
        self._counts: Counter[str] = Counter()  # by host
        self._resumed: Counter[str] = Counter()  # by host: resumed and not finished
        self._tasks: set[asyncio.Task[None]] = set()

    def put(self, host: str, item: Any) -> bool:
        """Put *item* aside until *host* is ready; return False if it cannot be pickled."""
        try:
            record = pickle.dumps(item)
        except Exception:  # the user's item classes may raise anything
            return False
        self._database = self._database or _unlinked_database(self._scratch_file())
        self._database.execute("INSERT INTO aside (host, item) VALUES (?, ?)", (host, record))
        self._counts[host] += 1
        self._ledger.put_aside(item)
        self._crawler.stats.inc_value("wallpapers/put_aside")
        return True

    def resume(self, queue: HostQueue) -> None:
        """Resume as many wallpapers of a host as it can serve."""
        room = MAX_WAITING_IN_TROUBLE
        if not queue.is_in_trouble:
            room = max(room, min(2 * queue.limit, _MAX_RESUMED))
        while self._counts[queue.name] and self._resumed[queue.name] < room:
            if self._state.stopping:
                return
            item = self._pop(queue.name)
            self._ledger.resume(item)
            self._start(item, queue)

    def keep_open(self, queue_of: Callable[[str], HostQueue]) -> None:
        """Raise DontCloseSpider while wallpapers are put aside or being resumed."""
        if self._state.stopping:
            return
        for host in +self._counts:
            self.resume(queue_of(host))
        if self._tasks:
            raise DontCloseSpider

    def _pop(self, host: str) -> Any:
        assert self._database is not None
        oldest = "SELECT rowid FROM aside WHERE host = ? ORDER BY rowid LIMIT 1"
        pop = f"DELETE FROM aside WHERE rowid = ({oldest}) RETURNING item"  # noqa: S608 (fixed)
        ((record,),) = self._database.execute(pop, (host,)).fetchall()
        self._counts[host] -= 1
        return pickle.loads(record)  # noqa: S301 (written by this process)

    def close(self) -> None:
        """Close the database; the wallpapers in it are left for the next run."""
        if self._database is not None:
            self._database.close()

    def _start(self, item: Any, queue: HostQueue) -> None:
        self._resumed[queue.name] += 1
        task = asyncio.ensure_future(self._process(item))
        self._tasks.add(task)

        def finished(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            self._resumed[queue.name] -= 1
            self.resume(queue)
            check_idle = getattr(self._crawler.engine.downloader, "check_idle", None)
            if check_idle and not self._tasks:
                check_idle()

        task.add_done_callback(finished)

    async def _process(self, item: Any) -> None:
        """Process *item* as Scrapy's scraper does, starting with the images pipeline."""
        crawler, spider = self._crawler, self._crawler.spider
        assert spider is not None
        arguments: dict[str, Any] = {"response": None, "spider": spider}
        exc_info: Any = None
        try:
            item = await self._run_pipelines(item)
        except DropItem as drop:
            line = crawler.logformatter.dropped(item, drop, None, spider)
            arguments |= {"signal": signals.item_dropped, "exception": drop}
        except Exception as error:
            line = crawler.logformatter.item_error(item, error, None, spider)
            arguments |= {"signal": signals.item_error, "failure": Failure()}  # type: ignore[no-untyped-call]
            exc_info = error
        else:
            line = crawler.logformatter.scraped(item, None, spider)
            arguments |= {"signal": signals.item_scraped}
        if line is not None:
            extra = {"spider": spider, "item": item}
            logger.log(*logformatter_adapter(line), extra=extra, exc_info=exc_info)
        await crawler.signals.send_catch_log_async(item=item, **arguments)

    async def _run_pipelines(self, item: Any) -> Any:
        pipelines = list(self._crawler.engine.scraper.itemproc.middlewares)
        for pipeline in pipelines[pipelines.index(self._pipeline) :]:
            process = getattr(pipeline, "process_item", None)
            if process is not None:
                with_spider = argument_is_required(process, "spider")
                arguments = (item, self._crawler.spider) if with_spider else (item,)
                item = await ensure_awaitable(process(*arguments))
        return item


def _unlinked_database(path: Path) -> sqlite3.Connection:
    """Return a new database without a journal, whose file is already unlinked."""
    database = sqlite3.connect(path, isolation_level=None)
    for statement in (
        "PRAGMA journal_mode = OFF",
        "PRAGMA synchronous = OFF",
        "CREATE TABLE aside (host TEXT NOT NULL, item BLOB NOT NULL)",
        "CREATE INDEX aside_host ON aside (host)",
    ):
        database.execute(statement)
    path.unlink()
    return database
