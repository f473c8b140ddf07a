"""What the workers of a cluster share about a host: its pauses, its outages, its requests."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiohttp import web

from tests.cluster import Cluster
from tests.e2e.command import finish
from tests.pictures import exhibits
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn

pytestmark = pytest.mark.slow


class AsksForPatience(StandIn):
    """Answers one request with Retry-After; records when pictures are asked for."""

    retry_after_s = 15

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


def test_retry_after_holds_all_workers(running: Cluster) -> None:
    with AsksForPatience(exhibits(1_200)) as standin:
        waiting = running.start_waiting(standin)
        running.start_worker()
        running.start_worker()
        assert finish(waiting).status == 0
        since = [at_s - standin.refused_at for at_s in standin.times]
    end_s = standin.retry_after_s
    held_s = end_s / 2  # on an idle machine, two seconds
    assert [at_s for at_s in since if held_s < at_s < end_s] == []
    assert [at_s for at_s in since if at_s >= end_s]
    assert running.verdicts() == {"stored": 1_200}


FINDER, OTHER = "finder", "other"  # the User-Agents of two workers


class AwayForOne(StandIn):
    """Resets the connections of the finder for a while, and serves the other one all the time."""

    away_s = 15

    def __init__(self, shown: list[Exhibit]) -> None:
        super().__init__(shown)
        self.times: dict[str, list[float]] = {FINDER: [], OTHER: []}
        self.away_at = 0.0
        self.back_at = 0.0

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        agent, now = request.headers["User-Agent"], time.monotonic()
        self.times[agent].append(now)
        await asyncio.sleep(0.05)
        if not self.away_at and min(map(len, self.times.values())) > 100:
            self.away_at = now
        if agent == FINDER and self.away_at and not self.back_at:
            if now < self.away_at + self.away_s:
                assert request.transport is not None
                request.transport.abort()
            else:
                self.back_at = now
        return await super().picture(request, exhibit)


def test_an_outage_that_one_worker_found_holds_all_until_the_host_is_back(running: Cluster) -> None:
    """The finder probes the host; to others, who would find it healthy, nothing is sent."""
    running.settings += ("-s", "WALLPAPERS_PATIENCE_BACKOFF=1")
    with AwayForOne(exhibits(1_500)) as standin:
        waiting = running.start_waiting(standin)
        for agent in (FINDER, OTHER):
            running.start_worker("-s", f"USER_AGENT={agent}")
        assert finish(waiting).status == 0
        away_s = standin.back_at - standin.away_at
        since = {
            agent: [at_s - standin.away_at for at_s in standin.times[agent]]
            for agent in (FINDER, OTHER)
        }
    held_s = standin.away_s / 2  # on an idle machine, two seconds
    assert [at_s for at_s in since[OTHER] if held_s < at_s < away_s] == []
    assert all([at_s for at_s in times if at_s > away_s] for times in since.values())
    assert running.verdicts() == {"stored": 1_500}


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
