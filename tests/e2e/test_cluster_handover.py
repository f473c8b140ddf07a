"""A worker that gets SIGTERM hands over within two seconds, whatever it is doing."""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter

import psycopg
import pytest
from aiohttp import web

from tests.cluster import Cluster, pages_of
from tests.e2e.command import TIMEOUT_S, Process, finish, scrapy, wait_until
from tests.pictures import exhibits
from tests.standin.picture_faults import HeldPictures
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn

pytestmark = pytest.mark.slow

MAX_S = 2.0


def check_hand_over(running: Cluster, worker: Process, number: int = 0) -> None:
    """Wait for the end of a worker: its log has how long it took, and it keeps no task."""
    assert worker.wait(TIMEOUT_S) == 0
    log = running.log_of(number)
    took = re.search(r"Handed over in (\d+\.\d) s", log)
    assert took, log
    assert float(took[1]) <= MAX_S
    doing = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'"
    assert running.rows(doing) == [(0,)]


class HeldPage(StandIn):
    """Holds the second page of the listing until it is released."""

    def __init__(self, shown: list[Exhibit]) -> None:
        super().__init__(shown)
        self.held = threading.Event()
        self._released = asyncio.Event()

    async def listing(self, request: web.Request) -> web.StreamResponse:
        if self.offset(request):
            self.held.set()
            await self._released.wait()
        return await super().listing(request)

    def release(self) -> None:
        self.call(self._released.set)


def pages_of_two_workers(running: Cluster, held: HeldPage | HeldPictures) -> Counter[str]:
    """End a worker while the server holds what it requests; return the pages both requested."""
    with held as standin:
        waiting = running.start_waiting(standin)
        worker = running.start_worker()
        assert standin.held.wait(TIMEOUT_S)
        worker.terminate()
        check_hand_over(running, worker)
        standin.release()
        running.start_worker()
        assert finish(waiting).status == 0
        return pages_of(standin)


def test_while_it_reads_a_page(running: Cluster) -> None:
    pages = pages_of_two_workers(running, HeldPage(exhibits(150)))
    assert pages == {"0": 1, "60": 2, "120": 1, "150": 1}  # the one that did not come, again
    assert running.verdicts() == {"stored": 150}


def test_a_page_that_comes_in_time_is_not_read_again(running: Cluster) -> None:
    with HeldPage(exhibits(150)) as standin:
        waiting = running.start_waiting(standin)
        worker = running.start_worker()
        assert standin.held.wait(TIMEOUT_S)
        worker.terminate()
        wait_until(lambda: "Handing over" in running.log_of(0))
        standin.release()
        check_hand_over(running, worker)
        running.start_worker()
        assert finish(waiting).status == 0
        assert set(pages_of(standin).values()) == {1}
    assert running.verdicts() == {"stored": 150}


def test_while_it_downloads(running: Cluster) -> None:
    pages = pages_of_two_workers(running, HeldPictures(exhibits(150)))
    assert set(pages.values()) == {1}
    assert running.verdicts() == {"stored": 150}
    running.check_store(150)


def test_while_it_begins_to_download(running: Cluster) -> None:
    """A task that reads its run when the signal arrives opens no crawl afterwards."""
    waits = "SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted"
    with HeldPictures(exhibits(150)) as standin:
        waiting = running.start_waiting(standin)
        first = running.start_worker()
        wait_until(lambda: "page 4 lists" in running.log_of(0))
        first.terminate()
        check_hand_over(running, first)
        with psycopg.connect(running.url) as other:
            other.execute("LOCK TABLE cluster_runs")
            second = running.start_worker()
            its = f" AND application_name LIKE '%:{second.pid}'"
            wait_until(lambda: running.rows(waits + its) != [])
            second.terminate()
            wait_until(lambda: "Handing over" in running.log_of(1))
        check_hand_over(running, second, number=1)
        standin.release()
        running.start_worker()
        assert finish(waiting).status == 0
    assert running.verdicts() == {"stored": 150}


def test_while_it_looks(running: Cluster) -> None:
    with StandIn(exhibits(400)) as standin:
        assert scrapy("crawl", *running.words(standin), *running.settings).status == 0
    assert running.run("look").status == 0
    worker = running.start_worker()
    looks = "SELECT count(*) FROM looks WHERE error IS NULL"
    wait_until(lambda: running.rows(looks) > [(20,)])
    worker.terminate()
    check_hand_over(running, worker)
    running.start_worker()
    wait_until(lambda: running.rows(looks) == [(400,)])


def test_while_it_has_nothing_to_do(running: Cluster) -> None:
    worker = running.start_worker()
    running.wait_for_workers(1)
    worker.terminate()
    check_hand_over(running, worker)
