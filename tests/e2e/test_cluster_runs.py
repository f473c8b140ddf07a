"""Runs that are cancelled, tried again, or submitted for each word; and how workers share hosts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.cluster import Cluster, cluster, pages_of, pictures_of
from tests.e2e.command import finish
from tests.pictures import exhibits
from tests.postgresql import PostgreSQL
from tests.standin.picture_faults import HeldPictures
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn

pytestmark = pytest.mark.slow


@pytest.fixture
def running(postgresql_of_wheel: PostgreSQL, tmp_path: Path) -> Iterator[Cluster]:
    with cluster(postgresql_of_wheel.new_database(), tmp_path) as made:
        yield made


class MissingForAWhile(StandIn):
    """Answers requests for every third picture with 404, until it is repaired."""

    is_repaired = False

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        if not self.is_repaired and self.exhibits.index(exhibit) % 3 == 0:
            raise web.HTTPNotFound
        return await super().picture(request, exhibit)


def test_retry_tries_what_failed_and_nothing_else(running: Cluster) -> None:
    with MissingForAWhile(exhibits(90)) as standin:
        running.start_worker()
        assert running.wait_for(standin).status == 3
        assert running.verdicts() == {"stored": 60, "failed": 30}
        standin.is_repaired = True
        standin.asked.clear()
        retried = running.run("retry", "1")
        assert retried.output == "Trying again: 30 wallpapers, 0 listings\n"
        running.wait_until({"stored": 90})
        assert pictures_of(standin).total() == 30
        assert not pages_of(standin)
    assert running.run("retry").output == "Trying again: 0 wallpapers, 0 listings\n"
    running.check_store(90)


def test_a_cancelled_run_ends_and_can_be_resumed(running: Cluster) -> None:
    with HeldPictures(exhibits(120)) as standin:
        waiting = running.start_waiting(standin)
        running.start_worker()
        assert standin.held.wait(60)
        assert running.run("cancel", "1").output == "Run 1 is cancelled\n"
        assert finish(waiting).status == 130
        assert running.rows("SELECT state FROM cluster_runs") == [("cancelled",)]
        standin.release()
        assert running.run("retry", "1").status == 0
        running.wait_until({"stored": 120})
    assert running.run("cancel", "1").output == "Run 1 has ended before\n"
    assert "there is no run 9" in running.run("cancel", "9").log


def test_a_file_of_words_is_a_run_for_each_word(running: Cluster, tmp_path: Path) -> None:
    (tmp_path / "tags.txt").write_text("forest\n\n# lakes\nsea\n")
    with StandIn(exhibits(40)) as standin:
        running.start_worker()
        result = running.wait_for(standin, "-a", f"tag=@{tmp_path / 'tags.txt'}")
        assert pictures_of(standin).total() == 40
    assert result.status == 0
    assert running.rows("SELECT id, state FROM cluster_runs ORDER BY id") == [
        (1, "ended"),
        (2, "ended"),
    ]
    assert running.verdicts(1) + running.verdicts(2) == {"stored": 40, "known": 40}


class AsksForPatience(StandIn):
    """Answers one request with Retry-After; records when pictures are asked for."""

    retry_after_s = 5

    def __init__(self, shown: list[Exhibit]) -> None:
        super().__init__(shown)
        self.times: list[float] = []
        self.refused_at = 0.0

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        self.times.append(time.monotonic())
        await asyncio.sleep(0.05)
        if len(self.times) > 150 and not self.refused_at:
            self.refused_at = time.monotonic()
            raise web.HTTPTooManyRequests(headers={"Retry-After": str(self.retry_after_s)})
        return await super().picture(request, exhibit)


def test_retry_after_holds_all_workers_within_two_seconds(running: Cluster) -> None:
    with AsksForPatience(exhibits(1_200)) as standin:
        waiting = running.start_waiting(standin)
        running.start_worker()
        running.start_worker()
        assert finish(waiting).status == 0
        since = [at_s - standin.refused_at for at_s in standin.times]
    assert [at_s for at_s in since if 2 < at_s < standin.retry_after_s] == []
    assert [at_s for at_s in since if at_s >= standin.retry_after_s]
    assert running.verdicts() == {"stored": 1_200}


class Counting(StandIn):
    """Records how many pictures are on their way at most."""

    def __init__(self, shown: list[Exhibit]) -> None:
        super().__init__(shown)
        self.now = self.most = 0

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.02)
        try:
            return await super().picture(request, exhibit)
        finally:
            self.now -= 1


def test_the_requests_to_a_host_are_divided_among_the_workers(running: Cluster) -> None:
    running.settings += ("-s", "WALLPAPERS_CLUSTER_REQUESTS_PER_DOMAIN=6")
    with Counting(exhibits(120)) as standin:
        running.start_worker()
        running.start_worker()
        running.wait_for_workers(2)
        assert running.wait_for(standin).status == 0
    assert standin.most <= 6
