"""Workers and PostgreSQL that are killed at random: nothing is lost, little is done twice."""

from __future__ import annotations

import asyncio
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.cluster import IN_FLIGHT, Cluster, cluster, kill, pages_of, pictures_of
from tests.e2e.command import TIMEOUT_S, finish, wait_until
from tests.e2e.test_kills import Signalling
from tests.pictures import exhibits
from tests.postgresql import PostgreSQL, postgresql
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn

pytestmark = pytest.mark.slow


@pytest.fixture
def server() -> Iterator[PostgreSQL]:
    """A server of its own, which may be killed."""
    with postgresql() as running:
        yield running


@pytest.fixture
def running(server: PostgreSQL, tmp_path: Path) -> Iterator[Cluster]:
    with cluster(server.new_database(), tmp_path) as made:
        yield made


def test_kills_of_workers_and_postgresql_lose_nothing(running: Cluster, server: PostgreSQL) -> None:
    pictures, kills, chance = 6_000, 15, random.Random(1)
    with Signalling(exhibits(pictures)) as standin:
        waiting = running.start_waiting(standin)
        workers = [running.start_worker() for _ in range(3)]
        for number in range(kills):
            assert standin.wait_for(chance.randrange(100, 300)), number
            victim = chance.randrange(len(workers))
            kill(workers[victim])
            if number in (5, 10):  # a worker that starts meanwhile would end
                server.kill()
                server.start()
            workers[victim] = running.start_worker()
        result = finish(waiting)
        if result.status == 3:  # two of the kills hit one picture while it was alone
            assert running.verdicts() == {"stored": pictures - 1, "failed": 1}
            assert running.run("retry", "1").status == 0
            running.wait_until({"stored": pictures})
        else:
            assert result.status == 0, result.log
        assert len(pictures_of(standin)) == pictures
        repeated = pictures_of(standin).total() - pictures
        pages_repeated = pages_of(standin).total() - len(pages_of(standin))
    assert running.verdicts() == {"stored": pictures}
    running.check_store(pictures)
    assert repeated <= kills * IN_FLIGHT
    assert pages_repeated <= kills


class Poisonous(StandIn):
    """Tells when a certain picture is asked for, and never sends it."""

    def __init__(self, shown: list[Exhibit], poison: str) -> None:
        super().__init__(shown)
        self._poison = poison
        self.asked_for_poison = threading.Event()

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        if exhibit.id == self._poison:
            self.asked_for_poison.set()
            await asyncio.Event().wait()
        return await super().picture(request, exhibit)


def test_a_picture_that_kills_its_worker_fails_and_no_other(running: Cluster) -> None:
    """All workers die whenever it is asked for: those of the innocent pages as well."""
    shown = exhibits(600)
    with Poisonous(shown, shown[250].id) as standin:
        waiting = running.start_waiting(standin)
        bursts = 0
        while waiting.poll() is None:
            workers = [running.start_worker() for _ in range(4)]
            while waiting.poll() is None and not standin.asked_for_poison.wait(0.5):
                pass
            if standin.asked_for_poison.is_set():
                bursts += 1
                for worker in workers:
                    kill(worker)
                standin.asked_for_poison.clear()
        result = finish(waiting)
    assert bursts == 3  # with its page, and twice alone
    assert result.status == 3
    assert running.verdicts() == {"stored": 599, "failed": 1}
    failed = "SELECT id, reason FROM cluster_wallpapers WHERE verdict = 'failed'"
    assert running.rows(failed) == [(shown[250].id, "kills")]
    running.check_store(599)


class MissingAtFirst(Signalling):
    """Answers the first requests for some pictures with 404, when it is released."""

    def __init__(self, shown: list[Exhibit], count: int) -> None:
        super().__init__(shown)
        self._count = count
        self._first: set[str] = set()
        self.holds = threading.Event()
        self._released = asyncio.Event()

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        if len(self._first) < self._count and exhibit.id not in self._first:
            self._first.add(exhibit.id)
            if len(self._first) == self._count:
                self.holds.set()
            await self._released.wait()
            raise web.HTTPNotFound
        return await super().picture(request, exhibit)

    def release(self) -> None:
        self.call(self._released.set)


def test_a_worker_that_was_frozen_changes_nothing_that_another_has_settled(
    running: Cluster,
) -> None:
    with MissingAtFirst(exhibits(400), 10) as standin:
        waiting = running.start_waiting(standin)
        frozen = running.start_worker()
        assert standin.holds.wait(TIMEOUT_S)
        frozen.send_signal(signal.SIGSTOP)
        running.start_worker()
        result = finish(waiting)
        settled = running.rows("SELECT * FROM cluster_wallpapers ORDER BY source, id")
        rows = running.rows("SELECT source, id, state, sha256, reason FROM wallpapers ORDER BY 2")
        standin.release()
        frozen.send_signal(signal.SIGCONT)
        again = running.wait_for(standin, "-a", "limit=60")
        frozen.terminate()
        assert frozen.wait(TIMEOUT_S) == 0
    assert result.status == again.status == 0
    assert running.verdicts() == {"stored": 400}
    asked = "SELECT * FROM cluster_wallpapers WHERE run = 1 ORDER BY source, id"
    assert running.rows(asked) == settled
    asked = "SELECT source, id, state, sha256, reason FROM wallpapers ORDER BY 2"
    assert running.rows(asked) == rows
    running.check_store(400)


class Holding(StandIn):
    """Sends one picture only when it is released, the first and the later requests apart."""

    def __init__(self, shown: list[Exhibit], held: str) -> None:
        super().__init__(shown)
        self._held = held
        self._asked = 0
        self.asked_first, self.asked_again = threading.Event(), threading.Event()
        self._first, self._again = asyncio.Event(), asyncio.Event()

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        if exhibit.id == self._held:
            self._asked += 1
            is_first = self._asked == 1
            (self.asked_first if is_first else self.asked_again).set()
            await (self._first if is_first else self._again).wait()
        return await super().picture(request, exhibit)

    def release_first(self) -> None:
        self.call(self._first.set)

    def release_again(self) -> None:
        self.call(self._again.set)


def test_a_thawed_worker_does_not_end_the_task_that_another_has(running: Cluster) -> None:
    """The other one is killed later, and then the task must still be there."""
    shown = exhibits(60)
    with Holding(shown, shown[30].id) as standin:
        waiting = running.start_waiting(standin)
        frozen = running.start_worker()
        assert standin.asked_first.wait(TIMEOUT_S)
        frozen.send_signal(signal.SIGSTOP)
        other = running.start_worker()
        assert standin.asked_again.wait(TIMEOUT_S)
        standin.release_first()
        frozen.send_signal(signal.SIGCONT)
        wait_until(lambda: "taken over by another worker" in running.log_of(0))
        kill(other)
        standin.release_again()
        result = finish(waiting)
    assert result.status == 0, result.log
    assert running.verdicts() == {"stored": 60}
    running.check_store(60)


def test_a_worker_hands_over_when_it_is_told_to_stop(running: Cluster) -> None:
    with MissingAtFirst(exhibits(400), 10) as standin:  # ten transfers do not end
        waiting = running.start_waiting(standin)
        first = running.start_worker()
        assert standin.holds.wait(TIMEOUT_S)
        first.terminate()
        assert first.wait(TIMEOUT_S) == 0
        assert "Handed over" in running.log_of(0)
        doing = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'"
        assert running.rows(doing) == [(0,)]
        running.start_worker()
        result = finish(waiting)
        pages = pages_of(standin)
    assert result.status == 0
    assert Counter(pages.values()) == {1: len(pages)}
    assert running.verdicts() == {"stored": 400}
    running.check_store(400)
