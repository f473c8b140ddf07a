"""Put wallpapers aside on the disk while their host is not ready, and take them up again.

What is put aside costs no memory, and the page that named it does not wait for it. A wallpaper
that is taken up again goes on in the images pipeline and then in the pipelines behind it; those
before it have seen it already.
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

from wallpapers.pipelines.places import FEW, HostQueue

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from wallpapers.run.addon import Run

logger = logging.getLogger(__name__)

_MAX_UNDER_WAY = 64  # wallpapers of one host that are taken up


class AsideQueues:
    """The wallpapers that are put aside, first in, first out for each host.

    They rest in an SQLite database without a name, in a file from *scratch*, which is gone with the
    process however that ends. Stat: ``wallpapers/put_aside``.
    """

    def __init__(
        self, crawler: Crawler, run: Run, pipeline: object, scratch: Callable[[], Path]
    ) -> None:
        self._crawler = crawler
        self._ledger, self._state = run.ledger, run.state
        self._pipeline = pipeline
        self._scratch_file = scratch
        self._database: sqlite3.Connection | None = None
        self._aside: Counter[str] = Counter()  # by host
        self._under_way: Counter[str] = Counter()  # by host: taken up and not done
        self._tasks: set[asyncio.Task[None]] = set()

    def put(self, host: str, item: Any) -> bool:
        """Put *item* aside until *host* is ready; False = its kind cannot be written to a file."""
        try:
            record = pickle.dumps(item)
        except Exception:  # whatever a user's own kind of item raises
            return False
        self._database = self._database or _unnamed(self._scratch_file())
        self._database.execute("INSERT INTO aside (host, item) VALUES (?, ?)", (host, record))
        self._aside[host] += 1
        self._ledger.put_aside(item)
        self._crawler.stats.inc_value("wallpapers/put_aside")
        return True

    def take_up(self, queue: HostQueue) -> None:
        """Take up wallpapers of a host, as many as there is room for."""
        room = FEW if queue.is_in_trouble else max(FEW, min(2 * queue.limit, _MAX_UNDER_WAY))
        while self._aside[queue.name] and self._under_way[queue.name] < room:
            if self._state.stopping:
                return
            item = self._pop(queue.name)
            self._ledger.take_up(item)
            self._start(item, queue)

    def keep_open(self, queue_of: Callable[[str], HostQueue]) -> None:
        """Raise DontCloseSpider while a wallpaper is put aside, or under way again."""
        if self._state.stopping:
            return
        for host in +self._aside:
            self.take_up(queue_of(host))
        if self._tasks:
            raise DontCloseSpider

    def _pop(self, host: str) -> Any:
        assert self._database is not None
        oldest = "SELECT rowid FROM aside WHERE host = ? ORDER BY rowid LIMIT 1"
        take = f"DELETE FROM aside WHERE rowid = ({oldest}) RETURNING item"  # noqa: S608 (fixed)
        ((record,),) = self._database.execute(take, (host,)).fetchall()
        self._aside[host] -= 1
        return pickle.loads(record)  # noqa: S301 (of this process)

    def close(self) -> None:
        """Close the database; what is still put aside is left for the next run."""
        if self._database is not None:
            self._database.close()

    def _start(self, item: Any, queue: HostQueue) -> None:
        self._under_way[queue.name] += 1
        task = asyncio.ensure_future(self._process(item))
        self._tasks.add(task)

        def done(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            self._under_way[queue.name] -= 1
            self.take_up(queue)

        task.add_done_callback(done)

    async def _process(self, item: Any) -> None:
        """Process *item* as Scrapy's scraper does, beginning with our pipeline."""
        crawler, spider = self._crawler, self._crawler.spider
        assert spider is not None
        about: dict[str, Any] = {"response": None, "spider": spider}
        exc_info: Any = None
        try:
            item = await self._through_pipelines(item)
        except DropItem as drop:
            line = crawler.logformatter.dropped(item, drop, None, spider)
            about |= {"signal": signals.item_dropped, "exception": drop}
        except Exception as error:
            line = crawler.logformatter.item_error(item, error, None, spider)
            about |= {"signal": signals.item_error, "failure": Failure()}  # type: ignore[no-untyped-call]
            exc_info = error
        else:
            line = crawler.logformatter.scraped(item, None, spider)
            about |= {"signal": signals.item_scraped}
        if line is not None:
            extra = {"spider": spider, "item": item}
            logger.log(*logformatter_adapter(line), extra=extra, exc_info=exc_info)
        await crawler.signals.send_catch_log_async(item=item, **about)

    async def _through_pipelines(self, item: Any) -> Any:
        pipelines = list(self._crawler.engine.scraper.itemproc.middlewares)
        for pipeline in pipelines[pipelines.index(self._pipeline) :]:
            process = getattr(pipeline, "process_item", None)
            if process is not None:
                with_spider = argument_is_required(process, "spider")
                arguments = (item, self._crawler.spider) if with_spider else (item,)
                item = await ensure_awaitable(process(*arguments))
        return item


def _unnamed(path: Path) -> sqlite3.Connection:
    """Return a database whose file has no name any more, and that keeps no journal."""
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
