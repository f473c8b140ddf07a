"""The reactor is never blocked: what takes time is done in workers."""

from __future__ import annotations

import asyncio
from typing import Any, Self

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.statscollectors import StatsCollector

from tests.conftest import Crawl
from tests.pictures import encoded, exhibit, noise
from wallpapers.demo.standin import StandIn
from wallpapers.settings import EXTENSIONS

TICK_S = 0.01


class LoopProbe:
    """Measures the longest time for which the loop did not come round: stat ``probe/gap_s``."""

    def __init__(self, stats: StatsCollector) -> None:
        self._stats = stats

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        probe = cls(crawler.stats)
        crawler.signals.connect(probe.opened, signals.spider_opened)
        crawler.signals.connect(probe.closed, signals.spider_closed)
        return probe

    def opened(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time() + TICK_S
        self._call = self._loop.call_at(self._due, self._tick)

    def _tick(self) -> None:
        now = self._loop.time()
        self._stats.max_value("probe/gap_s", now - self._due)
        self._due = now + TICK_S
        self._call = self._loop.call_at(self._due, self._tick)

    def closed(self) -> None:
        self._call.cancel()


def large_jpegs(count: int) -> list[Any]:
    """Return 4K wallpapers that differ by a comment only: to encode each would take minutes."""
    whole = encoded(noise(1, 3840, 2160), quality=92)
    comments = (b"\xff\xfe\0\6%04d" % number for number in range(count))
    return [
        exhibit(n, whole[:2] + comment + whole[2:], width=3840, height=2160)
        for n, comment in enumerate(comments)
    ]


def test_the_reactor_goes_on_while_large_pictures_are_stored(crawl: Crawl) -> None:
    with StandIn(large_jpegs(40)) as standin:
        run = crawl(
            standin,
            {
                "EXTENSIONS": {**EXTENSIONS, LoopProbe: 0},
                "WALLPAPERS_CHECK": "decode",
                "IMAGES_THUMBS": {"small": (270, 270)},
            },
        )
    assert run.stats["wallpapers/stored"] == 40
    assert 0 < run.stats["probe/gap_s"] < 0.25
