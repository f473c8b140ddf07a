"""One worker takes over a listing that needs cookies, and was switched to its second protocol."""

from __future__ import annotations

from collections import Counter

import pytest
from aiohttp import web

from tests.cluster import Cluster, kill
from tests.e2e.command import finish, wait_until
from tests.pictures import exhibits
from tests.standin.sources import SearchStandIn
from wallpapers.demo.gallery import Exhibit

pytestmark = pytest.mark.slow

FIRST, SECOND = "Mozilla/5.0 (first)", "Mozilla/5.0 (second)"  # the User-Agents of two workers


class OnlyImages(SearchStandIn):
    """Gives each User-Agent its own cookie, and lists wallpapers in the second protocol only."""

    def __init__(self, shown: list[Exhibit]) -> None:
        super().__init__(shown)
        self.homes: list[str] = []
        self.pages: Counter[tuple[str, str, str]] = Counter()  # agent, protocol, offset

    async def home(self, request: web.Request) -> web.StreamResponse:
        agent = request.headers["User-Agent"]
        self.homes.append(agent)
        return web.Response(headers={"Set-Cookie": f"visitor={self.visitor(agent)}; path=/"})

    def visitor(self, agent: str) -> str:
        return agent.partition("(")[2].rstrip(")")

    async def listing(self, request: web.Request) -> web.StreamResponse:
        agent = request.headers["User-Agent"]
        assert request.cookies.get("visitor") == self.visitor(agent)
        is_second = request.query.get("newReq") == "1"
        self.pages[agent, "images" if is_second else "data", request.query["pn"]] += 1
        return await self.images(request) if is_second else web.Response(text="<html>")


def test_the_worker_that_takes_over_visits_the_home_page_and_goes_on_with_the_protocol(
    running: Cluster,
) -> None:
    running.spider = "baidu_search"
    running.settings += ("-s", 'DOWNLOAD_SLOTS={"listing": {"concurrency": 1, "delay": 2}}')
    with OnlyImages(exhibits(120)) as standin:
        waiting = running.start_waiting(standin)
        first = running.start_worker("-s", f"USER_AGENT={FIRST}")
        read = "SELECT count(*) FROM cluster_pages WHERE read_at IS NOT NULL"
        wait_until(lambda: running.rows(read) == [(2,)])
        kill(first)  # between two pages
        running.start_worker("-s", f"USER_AGENT={SECOND}")
        assert finish(waiting).status == 0
    assert standin.homes == [FIRST, SECOND]
    assert standin.pages == {
        (FIRST, "data", "0"): 1,
        (FIRST, "images", "0"): 1,
        (FIRST, "images", "30"): 1,
        (SECOND, "images", "60"): 1,
        (SECOND, "images", "90"): 1,
        (SECOND, "images", "120"): 1,  # the end
    }
    assert running.verdicts() == {"stored": 120}
