"""What all tests share: a crawl with a real engine, and what must hold after it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
import pytest
from scrapy.crawler import Crawler
from scrapy.settings import Settings
from scrapy.utils.reactor import install_reactor

from tests import system
from tests.invariants import check_documented, check_invariants
from tests.postgresql import PostgreSQL, postgresql
from wallpapers.demo.standin import StandIn
from wallpapers.run.addon import run_of
from wallpapers.run.exit_status import ExitStatus
from wallpapers.spiders.baidu_wallpaper import BaiduWallpaperSpider

# On a busy machine, any example may take long.
hypothesis.settings.register_profile(
    "busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy")
# `WALLPAPERS_TEST_FAST_PATH=0 pytest` crawls by Scrapy's ordinary way of pictures.
FAST_PATH = os.environ.get("WALLPAPERS_TEST_FAST_PATH", "1") != "0"
# Reading those of the system takes as long as the rest of a short crawl.
NO_CERTIFICATES = {"SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull}
Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)
FORBID_SKIPS = "WALLPAPERS_FORBID_SKIPS"


@pytest.hookimpl(tryfirst=True)  # before -m deselects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave tests with the marker ``system`` to `make test-all`, and skip what is missing."""
    for item in items:
        for marker in item.iter_markers("system"):
            item.add_marker(pytest.mark.slow)
            missing = [name for name in marker.args if not system.find(name)]
            if missing:
                reason = (
                    f"{', '.join(missing)} not found: apt-get install {marker.kwargs['package']}"
                )
                item.add_marker(pytest.mark.skip(reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Have a skipped test fail where the environment forbids to skip."""
    return forbid_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Have a skipped module fail where the environment forbids to skip."""
    return forbid_skip((yield))


def forbid_skip(report: Report) -> Report:
    """Return *report*, as failed if it is of a skip and WALLPAPERS_FORBID_SKIPS is set."""
    if report.skipped and os.environ.get(FORBID_SKIPS) and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{FORBID_SKIPS} is set, and this was skipped: {report.longrepr}"
    return report


@dataclass
class Run:
    """What is left of a crawl: its items as the feed has them, its stats, its log, its store."""

    items: list[dict[str, Any]]
    stats: dict[str, Any]
    exit_status: ExitStatus
    log: str
    store: Path

    def images(self) -> list[dict[str, Any]]:
        """Return the results of all items, in the feed's order."""
        return [image for item in self.items for image in item.get("images") or ()]

    def bytes_of(self, image: dict[str, Any]) -> bytes:
        """Return the stored bytes of a result."""
        path: Path = self.store / image["path"]
        return path.read_bytes()

    def warnings(self) -> list[str]:
        """Return the records of level WARNING."""
        return [line for line in self.log.splitlines() if ": WARNING: " in line]

    def errors(self) -> list[str]:
        """Return the records of level ERROR and above."""
        levels = (": ERROR: ", ": CRITICAL: ")
        return [line for line in self.log.splitlines() if any(level in line for level in levels)]


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of 127.0.0.1 that refuses connections; other programs cannot take it meanwhile."""
    with socket.socket() as bound:  # without listen()
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture(scope="session")
def postgresql_of_wheel() -> Iterator[PostgreSQL]:
    with postgresql() as running:
        yield running


@pytest.fixture(scope="session")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Start Twisted's reactor once, and return the loop that crawls run on, one after the other."""
    install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor")
    from twisted.internet import reactor

    # All of reactor.run() but its endless loop.
    reactor.startRunning(installSignalHandlers=False)
    yield asyncio.get_event_loop()
    reactor.getThreadPool().stop()


@pytest.fixture
def crawl(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
) -> Crawl:
    """Return what crawls a stand-in in this process and checks the invariants after it."""
    for name, value in NO_CERTIFICATES.items():
        monkeypatch.setenv(name, value)
    return Crawl(tmp_path, caplog, loop)


class Crawl:
    """Crawls a stand-in with the project's own settings; always into the same store and feed."""

    def __init__(
        self, folder: Path, log: pytest.LogCaptureFixture, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._log = log
        self._loop = loop
        self.move_to(folder)

    def move_to(self, folder: Path) -> None:
        """Crawl into another folder from now on."""
        self.store = folder / "store"
        self.feed = folder / "items.jsonl"

    def __call__(
        self,
        standin: StandIn,
        settings: dict[str, Any] | None = None,
        *,
        tracebacks: bool = False,
        **arguments: Any,
    ) -> Run:
        """Crawl *standin*; *settings* as with -s, *arguments* as with -a.

        Only where *tracebacks* are allowed, as for a fault in a user's code, may the log have one.
        """
        partial = self.feed.with_name("items.partial.jsonl")
        partial.unlink(missing_ok=True)
        crawler = self._run(standin, settings or {}, arguments)
        state = run_of(crawler).state
        feed = self.feed if state.feeds_are_complete else partial
        lines = feed.read_text().splitlines() if feed.exists() else []
        run = Run(
            items=[json.loads(line) for line in lines],
            stats=dict(crawler.stats.get_stats()),
            exit_status=state.exit_status,
            log=self._text_of_log(),
            store=self.store,
        )
        check_invariants(run, tracebacks=tracebacks)
        return run

    def stats_of(
        self, standin: StandIn, settings: dict[str, Any] | None = None, **arguments: Any
    ) -> dict[str, Any]:
        """Crawl *standin* and return the stats alone, for where a fault of ours loses items."""
        stats = dict(self._run(standin, settings or {}, arguments).stats.get_stats())
        check_documented(stats)
        return stats

    def _run(
        self, standin: StandIn, settings: dict[str, Any], arguments: dict[str, Any]
    ) -> Crawler:
        spider = arguments.pop("spider", BaiduWallpaperSpider)
        crawler = Crawler(spider, self._settings(settings))
        self._log.clear()
        self._log.set_level(logging.INFO)
        texts = {name: str(value) for name, value in arguments.items()}
        self._loop.run_until_complete(
            crawler.crawl_async(**{"endpoint": standin.endpoint, **texts})
        )
        return crawler

    def _settings(self, more: dict[str, Any]) -> Settings:
        settings = Settings()
        settings.setmodule("wallpapers.settings", priority="project")
        own: dict[str, Any] = {
            "IMAGES_STORE": str(self.store),
            "FEEDS": {str(self.feed): {"format": "jsonlines", "overwrite": True}},
            "DOWNLOAD_SLOTS": {"listing": {"concurrency": 1, "delay": 0}},
            "WALLPAPERS_PROGRESS": "off",
            "WALLPAPERS_PATIENCE_BACKOFF": 0.01,
            "RETRY_TIMES": 2,
            "WALLPAPERS_FAST_PATH": FAST_PATH,
        }
        feeds = {**own["FEEDS"], **more.get("FEEDS", {})}
        settings.setdict({**own, **more, "FEEDS": feeds}, priority="cmdline")
        return settings

    def _text_of_log(self) -> str:
        lines = []
        for record in self._log.records:
            lines.append(f"{record.name}: {record.levelname}: {record.getMessage()}")
            if record.exc_info:
                lines.append(record.exc_text or "Traceback")
        return "\n".join(lines)
