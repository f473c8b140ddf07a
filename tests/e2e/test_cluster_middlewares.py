"""Spider middlewares of the user, through which the wallpapers of a cluster pass."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from scrapy.exceptions import CloseSpider
from scrapy.utils.python import global_object_name

from tests.cluster import Cluster
from tests.e2e.command import wait_until
from tests.pictures import exhibits
from wallpapers.demo.standin import StandIn
from wallpapers.items import Wallpaper
from wallpapers.middlewares.ledger import RunLedgerMiddleware


class DroppingMiddleware:
    """Drops the wallpapers whose ids end with 7."""

    async def process_spider_output(
        self, response: Any, result: AsyncIterator[Any]
    ) -> AsyncIterator[Any]:
        async for output in result:
            if not (isinstance(output, Wallpaper) and is_dropped(output.id)):
                yield output


class FailingMiddleware:
    """Raises an exception at the first wallpaper whose id ends with 7."""

    async def process_spider_output(
        self, response: Any, result: AsyncIterator[Any]
    ) -> AsyncIterator[Any]:
        async for output in result:
            if isinstance(output, Wallpaper) and is_dropped(output.id):
                raise ValueError("no sevens")
            yield output


class ClosingMiddleware:
    """Closes the spider at the first wallpaper."""

    async def process_spider_output(
        self, response: Any, result: AsyncIterator[Any]
    ) -> AsyncIterator[Any]:
        async for output in result:
            if isinstance(output, Wallpaper):
                raise CloseSpider("no wallpapers today")
            yield output


def is_dropped(identity: str) -> bool:
    return identity.endswith("7")


def with_middleware(running: Cluster, middleware: type) -> Cluster:
    """Return *running*, whose workers have *middleware*."""
    positions = {global_object_name(middleware): 500, global_object_name(RunLedgerMiddleware): 10}
    running.settings += ("-s", f"SPIDER_MIDDLEWARES={json.dumps(positions)}")
    return running


def test_wallpapers_that_a_spider_middleware_drops_are_filtered(running: Cluster) -> None:
    with StandIn(exhibits(20)) as standin:
        dropped = sum(is_dropped(exhibit.id) for exhibit in standin.exhibits)
        assert dropped
        with_middleware(running, DroppingMiddleware).start_worker()
        running.submit(standin)
        running.wait_until({"stored": 20 - dropped, "filtered": dropped})
    assert running.rows("SELECT DISTINCT reason FROM cluster_wallpapers ORDER BY 1") == [
        ("",),
        ("dropped",),
    ]


def test_wallpapers_that_a_failing_spider_middleware_stops_fail(running: Cluster) -> None:
    with StandIn(exhibits(20)) as standin:
        with_middleware(running, FailingMiddleware).start_worker()
        result = running.wait_for(standin)
    assert result.status == 3
    assert running.verdicts().keys() <= {"stored", "failed"}
    assert running.verdicts().total() == 20
    assert "failed at no host: fault" in running.run("status", "1").output
    (running.logs / "worker-0").unlink()  # it has the traceback


def test_a_spider_middleware_that_closes_the_spider_is_a_problem_of_the_run(
    running: Cluster,
) -> None:
    with StandIn(exhibits(20)) as standin:
        with_middleware(running, ClosingMiddleware).start_worker()
        running.submit(standin)
        problem = "Last problem of a worker: crawl ended with 'no wallpapers today'"
        wait_until(lambda: problem in running.run("status", "1").output)
