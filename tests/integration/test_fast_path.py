"""The shorter way of pictures is Scrapy's way: its signals, its middlewares, its slots."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import pairwise
from time import monotonic
from typing import Any, Self

import pytest
from aiohttp import web
from scrapy import Request, signals
from scrapy.core.downloader import Downloader
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.statscollectors import StatsCollector

from tests.conftest import Crawl
from tests.pictures import exhibits
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn
from wallpapers.run.exit_status import ExitStatus
from wallpapers.settings import DOWNLOADER_MIDDLEWARES, EXTENSIONS

PICTURES = 6
SENT = (
    "request_reached_downloader",
    "headers_received",
    "bytes_received",
    "response_downloaded",
    "response_received",
    "request_left_downloader",
)


class Listener:
    """Counts the signals of pictures: stats ``heard/<signal>``."""

    def __init__(self, stats: StatsCollector) -> None:
        self._stats = stats

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        listener = cls(crawler.stats)
        for name in SENT:
            crawler.signals.connect(listener.heard, getattr(signals, name))
        return listener

    def heard(self, request: Request, signal: object) -> None:
        names = {getattr(signals, name): name for name in SENT}
        if "/image/" in request.url:
            self._stats.inc_value(f"heard/{names[signal]}")


@pytest.mark.parametrize("at_once", [2, 16])
def test_every_picture_sends_the_signals_of_a_request(crawl: Crawl, at_once: int) -> None:
    with StandIn(exhibits(PICTURES)) as standin:
        run = crawl(
            standin,
            {
                "EXTENSIONS": {**EXTENSIONS, Listener: 0},
                "CONCURRENT_REQUESTS_PER_DOMAIN": at_once,
            },
        )
    heard = {name: run.stats.get(f"heard/{name}", 0) for name in SENT}
    assert heard.pop("bytes_received") >= PICTURES
    assert heard == dict.fromkeys(heard, PICTURES)


class Slow:
    """A middleware of the user's that takes its time, and asks for each picture twice."""

    def __init__(self) -> None:
        self._asked: Counter[str] = Counter()

    async def process_request(self, request: Request) -> None:
        await asyncio.sleep(0)
        request.headers["X-Signed"] = "yes"

    async def process_response(self, request: Request, response: Response) -> Response | Request:
        await asyncio.sleep(0)
        self._asked[request.url] += 1
        again = "/image/" in request.url and self._asked[request.url] == 1
        return request.replace(dont_filter=True) if again else response


class Refusing:
    """A middleware of the user's that does not want half of the pictures."""

    def __init__(self) -> None:
        self._came = 0

    def process_request(self, request: Request) -> None:
        if "/image/" in request.url:
            self._came += 1
            if self._came % 2:
                raise IgnoreRequest("not today")


class Answering:
    """A middleware of the user's that answers by itself."""

    def process_request(self, request: Request) -> Response | None:
        return Response(request.url, status=410) if "/image/" in request.url else None


class Careless:
    """A middleware of the user's that forgets to return."""

    def process_response(self, request: Request, response: Response) -> Any:
        return None if "/image/" in request.url else response


def with_middleware(middleware: type) -> dict[str, Any]:
    return {"DOWNLOADER_MIDDLEWARES": {**DOWNLOADER_MIDDLEWARES, middleware: 800}}


def test_a_middleware_may_wait_and_may_ask_again(crawl: Crawl) -> None:
    with StandIn(exhibits(PICTURES)) as standin:
        run = crawl(standin, with_middleware(Slow))
        pictures = [path for path in standin.asked if path.startswith("/image/")]
        assert {headers.get("X-Signed") for headers in standin.received} == {"yes"}
    assert run.stats["wallpapers/stored"] == PICTURES
    assert Counter(Counter(pictures).values()) == {2: PICTURES}


def test_a_middleware_may_refuse(crawl: Crawl) -> None:
    with StandIn(exhibits(PICTURES)) as standin:
        run = crawl(standin, with_middleware(Refusing))
    assert run.stats["wallpapers/failed/bad_url"] == PICTURES / 2
    assert run.stats["wallpapers/stored"] == PICTURES / 2


def test_a_middleware_may_answer(crawl: Crawl) -> None:
    with StandIn(exhibits(PICTURES)) as standin:
        run = crawl(standin, with_middleware(Answering))
        assert not any(path.startswith("/image/") for path in standin.asked)
    assert run.stats["wallpapers/failed/http_410"] == PICTURES


def test_a_middleware_that_returns_nothing_is_told_by_its_name(crawl: Crawl) -> None:
    with StandIn(exhibits(1)) as standin:
        run = crawl(standin, with_middleware(Careless))
    assert run.exit_status is ExitStatus.FAILURES
    assert "Careless.process_response must return a Response or a Request" in run.log


class Clock(StandIn):
    """Notes when each picture is asked for."""

    def __init__(self, shown: list[Exhibit]) -> None:
        super().__init__(shown)
        self.times: list[float] = []

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        self.times.append(monotonic())
        return await super().picture(request, exhibit)


def test_the_delay_of_a_slot_is_kept(crawl: Crawl) -> None:
    delay_s = 0.1
    slots = {
        "listing": {"concurrency": 1, "delay": 0},
        "127.0.0.1": {"concurrency": 16, "delay": delay_s, "jitter": 0},
    }
    with Clock(exhibits(PICTURES)) as standin:
        run = crawl(standin, {"DOWNLOAD_SLOTS": slots})
    assert run.stats["wallpapers/stored"] == PICTURES
    assert min(later - earlier for earlier, later in pairwise(standin.times)) > delay_s * 0.8


class UsersDownloader(Downloader):
    """A downloader of the user's, which knows no shorter way."""


def test_a_downloader_of_the_user_is_used(crawl: Crawl) -> None:
    with StandIn(exhibits(PICTURES)) as standin:
        run = crawl(standin, {"DOWNLOADER": UsersDownloader})
    assert run.stats["wallpapers/stored"] == PICTURES
