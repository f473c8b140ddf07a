"""An extension that measures the longest gaps between two turns of the reactor."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Self

from scrapy import signals
from scrapy.crawler import Crawler

_TICK_S = 0.01


class Gaps:
    """Writes to the file BENCHMARK_GAPS how late the reactor was at each tick, milliseconds."""

    def __init__(self) -> None:
        self._late_ms: list[float] = []

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        gaps = cls()
        crawler.signals.connect(gaps.opened, signals.spider_opened)
        crawler.signals.connect(gaps.closed, signals.spider_closed)
        return gaps

    def opened(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._expect()

    def closed(self) -> None:
        self._call.cancel()
        late = sorted(self._late_ms)
        answer = {"worst": late[-1], "p99": late[len(late) * 99 // 100], "ticks": len(late)}
        Path(os.environ["BENCHMARK_GAPS"]).write_text(json.dumps(answer))

    def _expect(self) -> None:
        self._due = self._loop.time() + _TICK_S
        self._call = self._loop.call_at(self._due, self._tick)

    def _tick(self) -> None:
        self._late_ms.append((self._loop.time() - self._due) * 1000)
        self._expect()
