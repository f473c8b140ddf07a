"""What all tests share: a crawl with a real engine against a stand-in, and what must hold after it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from scrapy.crawler import AsyncCrawlerRunner
from scrapy.settings import Settings
from scrapy.utils.reactor import install_reactor

from tests.invariants import check_invariants
from wallpapers.outcome import Ending, Outcome
from wallpapers.spiders.baidu_wallpaper import BaiduWallpaperSpider


@dataclass
class Run:
    """What is left of a crawl: its items as the feed has them, its stats, its log, its store."""

    items: list[dict[str, Any]]
    stats: dict[str, Any]
    ending: Ending
    log: str
    store: Path
    outcome: Outcome

    def images(self) -> list[dict[str, Any]]:
        """Return the results of all items, in the feed's order."""
        return [image for item in self.items for image in item["images"]]

    def bytes_of(self, image: dict[str, Any]) -> bytes:
        """Return the stored bytes of a result."""
        return (self.store / image["path"]).read_bytes()

    def messages(self) -> list[str]:
        """Return the lines of the log from WARNING on."""
        levels = (": WARNING: ", ": ERROR: ", ": CRITICAL: ")
        return [line for line in self.log.splitlines() if any(level in line for level in levels)]


Crawl = Callable[..., Run]


@pytest.fixture(scope="session")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Start Twisted's reactor once, and return the loop that crawls run on, one after the other."""
    install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor")
    from twisted.internet import reactor

    # All of reactor.run() but its endless loop.
    reactor.startRunning(installSignalHandlers=False)  # type: ignore[attr-defined]
    yield asyncio.get_event_loop()
    reactor.getThreadPool().stop()  # type: ignore[attr-defined]


@pytest.fixture
def crawl(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, loop: asyncio.AbstractEventLoop
) -> Crawl:
    """Return a function that crawls *standin* in this process and checks the invariants."""

    def run(standin: Any, settings: dict[str, Any] | None = None, **arguments: Any) -> Run:
        store = tmp_path / "store"
        feed = tmp_path / "items.jsonl"
        feed.with_name("items.partial.jsonl").unlink(missing_ok=True)
        everything = Settings()
        everything.setmodule("wallpapers.settings", priority="project")
        everything.setdict(
            {
                "IMAGES_STORE": str(store),
                "FEEDS": {str(feed): {"format": "jsonlines", "overwrite": True}},
                "DOWNLOAD_SLOTS": {"listing": {"concurrency": 1, "delay": 0}},
                "WALLPAPERS_PROGRESS": "off",
                **(settings or {}),
            },
            priority="cmdline",
        )
        runner = AsyncCrawlerRunner(everything)
        crawler = runner.create_crawler(BaiduWallpaperSpider)
        caplog.clear()
        caplog.set_level(logging.INFO)
        endpoint = arguments.pop("endpoint", None) or standin.endpoint
        texts = {name: str(value) for name, value in arguments.items()}
        loop.run_until_complete(crawler.crawl_async(endpoint=endpoint, **texts))
        outcome = Outcome.of(crawler)
        written = feed if outcome.feeds_are_complete else feed.with_name("items.partial.jsonl")
        lines = written.read_text().splitlines() if written.exists() else []
        records = [f"{r.name}: {r.levelname}: {r.getMessage()}" for r in caplog.records]
        tracebacks = [r.exc_text or "Traceback" for r in caplog.records if r.exc_info]
        result = Run(
            items=[json.loads(line) for line in lines],
            stats=dict(crawler.stats.get_stats()),
            ending=outcome.ending,
            log="\n".join([*records, *tracebacks]),
            store=store,
            outcome=outcome,
        )
        check_invariants(result)
        return result

    return run
