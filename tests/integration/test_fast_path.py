"""The fast path behaves like Scrapy's own path: signals, middlewares, slots."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, Self

import pytest
from scrapy import Request, Spider, signals
from scrapy.core.downloader import Downloader
from scrapy.core.engine import ExecutionEngine
from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem, IgnoreRequest
from scrapy.http import Response
from scrapy.statscollectors import StatsCollector

from tests.conftest import Crawl
from tests.pictures import exhibits
from wallpapers.demo.standin import StandIn
from wallpapers.pipelines.images import WallpaperImagesPipeline
from wallpapers.run.exit_status import ExitStatus
from wallpapers.settings import DOWNLOADER_MIDDLEWARES, EXTENSIONS

PICTURES = 6
SIGNALS = (
    "request_reached_downloader",
    "headers_received",
    "bytes_received",
    "response_downloaded",
    "response_received",
    "request_left_downloader",
)


class Receiver:
    """Counts the signals of images; stats ``received/<signal>``."""

    def __init__(self, stats: StatsCollector) -> None:
        self._stats = stats

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        receiver = cls(crawler.stats)
        for name in SIGNALS:
            crawler.signals.connect(receiver.received, getattr(signals, name))
        return receiver

    def received(self, request: Request, signal: object) -> None:
        names = {getattr(signals, name): name for name in SIGNALS}
        if "/image/" in request.url:
            self._stats.inc_value(f"received/{names[signal]}")


@pytest.mark.parametrize("at_once", [2, 16])
def test_every_image_sends_the_signals_of_a_request(crawl: Crawl, at_once: int) -> None:
    with StandIn(exhibits(PICTURES)) as standin:
        run = crawl(
            standin,
            {
                "EXTENSIONS": {**EXTENSIONS, Receiver: 0},
                "CONCURRENT_REQUESTS_PER_DOMAIN": at_once,
            },
        )
    received = {name: run.stats.get(f"received/{name}", 0) for name in SIGNALS}
    assert received.pop("bytes_received") >= PICTURES
    assert received == dict.fromkeys(received, PICTURES)


class Slow:
    """A user's middleware that awaits, and requests each image twice."""

    def __init__(self) -> None:
        self._requests: Counter[str] = Counter()

    async def process_request(self, request: Request) -> None:
        await asyncio.sleep(0)
        request.headers["X-Signed"] = "yes"

    async def process_response(self, request: Request, response: Response) -> Response | Request:
        await asyncio.sleep(0)
        self._requests[request.url] += 1
        again = "/image/" in request.url and self._requests[request.url] == 1
        return request.replace(dont_filter=True) if again else response


class Refusing:
    """A user's middleware that ignores half of the images."""

    def __init__(self) -> None:
        self._requests = 0

    def process_request(self, request: Request) -> None:
        if "/image/" in request.url:
            self._requests += 1
            if self._requests % 2:
                raise IgnoreRequest("not today")


class Answering:
    """A user's middleware that returns responses."""

    def process_request(self, request: Request) -> Response | None:
        return Response(request.url, status=410) if "/image/" in request.url else None


class Careless:
    """A user's middleware that returns nothing."""

    def process_response(self, request: Request, response: Response) -> Any:
        return None if "/image/" in request.url else response


def with_middleware(middleware: type) -> dict[str, Any]:
    return {"DOWNLOADER_MIDDLEWARES": {**DOWNLOADER_MIDDLEWARES, middleware: 800}}


def test_a_middleware_may_be_async_and_may_return_a_request(crawl: Crawl) -> None:
    with StandIn(exhibits(PICTURES)) as standin:
        run = crawl(standin, with_middleware(Slow))
        pictures = [path for path in standin.asked if path.startswith("/image/")]
        assert {headers.get("X-Signed") for headers in standin.received} == {"yes"}
    assert run.stats["wallpapers/stored"] == PICTURES
    assert Counter(Counter(pictures).values()) == {2: PICTURES}


def test_a_middleware_may_ignore_a_request(crawl: Crawl) -> None:
    with StandIn(exhibits(PICTURES)) as standin:
        run = crawl(standin, with_middleware(Refusing))
    assert run.stats["wallpapers/failed/bad_url"] == PICTURES / 2
    assert run.stats["wallpapers/stored"] == PICTURES / 2


def test_a_middleware_may_return_a_response(crawl: Crawl) -> None:
    with StandIn(exhibits(PICTURES)) as standin:
        run = crawl(standin, with_middleware(Answering))
        assert not any(path.startswith("/image/") for path in standin.asked)
    assert run.stats["wallpapers/failed/http_410"] == PICTURES


def test_a_middleware_that_returns_nothing_is_named(crawl: Crawl) -> None:
    with StandIn(exhibits(1)) as standin:
        run = crawl(standin, with_middleware(Careless))
    assert run.exit_status is ExitStatus.FAILURES
    assert "Careless.process_response must return" in run.log


def test_the_delay_of_a_slot_is_kept(crawl: Crawl) -> None:
    delay_s = 0.2
    slots = {
        "listing": {"concurrency": 1, "delay": 0},
        "127.0.0.1": {"concurrency": 16, "delay": delay_s, "jitter": 0},
    }
    with StandIn(exhibits(PICTURES)) as standin:
        run = crawl(standin, {"DOWNLOAD_SLOTS": slots})
    assert run.stats["wallpapers/stored"] == PICTURES
    # At least: no load of the machine makes it less.
    assert run.stats["elapsed_time_seconds"] >= delay_s * (PICTURES - 1)


class Impatient(WallpaperImagesPipeline):
    """Gives up a wallpaper while its request waits for the delay of its host."""

    requests = 0

    async def process_item(self, item: Any, spider: Spider | None = None) -> Any:
        storing = asyncio.ensure_future(super().process_item(item))

        def reached(request: Request) -> None:
            if request.url in item.image_urls:
                self.requests += 1
                if self.requests == 2:
                    asyncio.get_running_loop().call_soon(storing.cancel)

        self.crawler.signals.connect(reached, signals.request_reached_downloader, weak=False)
        await asyncio.wait([storing], timeout=20)  # otherwise, a blocked slot would block the test
        if storing.cancel() or storing.cancelled():
            raise DropItem("given up")
        return storing.result()


def test_a_request_that_is_cancelled_in_its_slot_leaves_the_slot(crawl: Crawl) -> None:
    slots = {
        "listing": {"concurrency": 1, "delay": 0},
        "127.0.0.1": {"concurrency": 1, "delay": 0.2},
    }
    with StandIn(exhibits(PICTURES)) as standin:
        settings = {"DOWNLOAD_SLOTS": slots, "ITEM_PIPELINES": {Impatient: 300}}
        stats = crawl.stats_of(standin, settings)
    assert stats["wallpapers/stored"] == PICTURES - 1


class StartItemsSpider(Spider):
    """Requests nothing itself."""

    name = "start_items"
    origin: str

    async def start(self) -> AsyncIterator[Any]:
        for exhibit in exhibits(PICTURES):
            yield {"image_urls": [f"{self.origin}/image/pic/item/{exhibit.sign}.jpg"]}


def test_the_last_item_of_start_ends_the_run(crawl: Crawl, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise, the engine checks every five seconds whether the spider is idle; here, never."""
    monkeypatch.setattr(ExecutionEngine, "_SLOT_HEARTBEAT_INTERVAL", 3_600)
    settings = {
        "CLOSESPIDER_TIMEOUT": 30,
        "WALLPAPERS_FAST_PATH": True,
        "WALLPAPERS_ALLOW_PRIVATE_ADDRESSES": True,
    }
    with StandIn(exhibits(PICTURES)) as standin:
        for verdict in ("stored", "known"):
            run = crawl(standin, settings, spider=StartItemsSpider, origin=standin.origin)
            assert run.stats[f"wallpapers/{verdict}"] == PICTURES
            assert run.stats["finish_reason"] == "finished"


class UsersDownloader(Downloader):
    """A user's downloader without a fast path."""


def test_a_users_downloader_is_used(crawl: Crawl) -> None:
    with StandIn(exhibits(PICTURES)) as standin:
        run = crawl(standin, {"DOWNLOADER": UsersDownloader})
    assert run.stats["wallpapers/stored"] == PICTURES
