"""A host in trouble delays its own images only, and its wallpapers wait on disk."""

from __future__ import annotations

import json
import os
import re
import signal
from collections import Counter
from pathlib import Path
from typing import Any, Self

import pytest
from itemadapter import ItemAdapter
from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem

from tests.conftest import Crawl
from tests.e2e.command import FAST, finish, start
from tests.pictures import exhibits
from tests.standin import troubled_hosts as hosts
from tests.standin.troubled_hosts import TroubledHosts
from wallpapers.pipelines.drops import PutAside
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.reasons import Verdict
from wallpapers.settings import EXTENSIONS, ITEM_PIPELINES, SCRAPER_SLOT_MAX_ACTIVE_SIZE

TROUBLED, HEALTHY = 100, 120
PAGE = 20  # wallpapers, 40 KB
SETTINGS = {
    "WALLPAPERS_ALLOW_PRIVATE_ADDRESSES": True,
    "WALLPAPERS_PATIENCE_MAX_WAIT": 2,  # of the 30 s that BusyHosts asks for
    # Three pages. If wallpapers of troubled hosts waited in memory, the listing would stop there.
    "SCRAPER_SLOT_MAX_ACTIVE_SIZE": 120_000,
}
EVERY_TROUBLE = [hosts.SilentHosts, hosts.RefusingHosts, hosts.UnavailableHosts, hosts.BusyHosts]


def standin_with(trouble: type[TroubledHosts], troubled: int = TROUBLED) -> TroubledHosts:
    shown = exhibits(troubled + HEALTHY)
    return trouble(shown[:troubled], shown[troubled:])


@pytest.mark.parametrize("trouble", EVERY_TROUBLE)
def test_a_host_in_trouble_does_not_delay_others_and_may_recover(
    crawl: Crawl, trouble: type[TroubledHosts]
) -> None:
    """The host recovers when all other images were requested: before that, none of its can be."""
    with standin_with(trouble) as standin:
        run = crawl(standin, SETTINGS, rn=PAGE)
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == TROUBLED + HEALTHY
    assert run.stats["wallpapers/put_aside"] > TROUBLED / 2


def test_thirty_hosts_in_trouble_do_not_delay_others(crawl: Crawl) -> None:
    """More transfers stall than there are places for hosts that have not responded yet."""
    # With the default limit, as each of the hosts keeps some wallpapers of the first pages.
    settings = {**SETTINGS, "SCRAPER_SLOT_MAX_ACTIVE_SIZE": SCRAPER_SLOT_MAX_ACTIVE_SIZE}
    with standin_with(type("Thirty", (hosts.SilentHosts,), {"hosts": 30}), 240) as standin:
        run = crawl(standin, settings, rn=PAGE)
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == 240 + HEALTHY


def test_stalled_transfers_do_not_stop_the_listing(crawl: Crawl) -> None:
    """The two of them are as many as Scrapy's limit, which also applies to listing requests."""
    with standin_with(hosts.SilentHosts) as standin:
        run = crawl(standin, {**SETTINGS, "CONCURRENT_REQUESTS": 2}, rn=PAGE)
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == TROUBLED + HEALTHY


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (hosts.SilentHosts, "timeout"),
        (hosts.RefusingHosts, "connection"),
        pytest.param(hosts.UnavailableHosts, "http_503", marks=pytest.mark.slow),
        pytest.param(hosts.BusyHosts, "http_429", marks=pytest.mark.slow),
    ],
)
def test_the_wallpapers_of_a_host_that_is_given_up_fail(
    crawl: Crawl, trouble: type[TroubledHosts], reason: str
) -> None:
    short = {"WALLPAPERS_PATIENCE_OUTAGE": 30, "WALLPAPERS_IDLE_TIMEOUT": 0.5}
    with standin_with(trouble) as standin:
        standin.recovers = False
        run = crawl(standin, {**SETTINGS, **short}, rn=PAGE)
    assert run.exit_status is ExitStatus.FAILURES
    assert run.stats["wallpapers/stored"] == HEALTHY
    assert run.stats[f"wallpapers/failed/{reason}"] == TROUBLED
    assert run.stats["wallpapers/put_aside"] > 0
    # Each wallpaper did not use up its own retries.
    assert len(standin.requests) < HEALTHY + TROUBLED


@pytest.mark.parametrize("at_once", [1, 16])
def test_a_bad_address_of_a_healthy_host_uses_up_its_own_retries(
    crawl: Crawl, at_once: int
) -> None:
    """One at a time, the host sends no other response between the failures of the last image."""
    settings = {
        "RETRY_TIMES": 5,
        "CONCURRENT_REQUESTS_PER_DOMAIN": at_once,
        "WALLPAPERS_PATIENCE_OUTAGE": 1,
    }
    with hosts.OneBadAddress(exhibits(30)) as standin:
        run = crawl(standin, settings)
        bad = [path for path in standin.asked if standin.exhibits[-1].sign in path]
    assert len(bad) == 1 + 5
    assert run.stats["wallpapers/failed/http_502"] == run.stats["wallpapers/failed"] == 1
    assert "wallpapers/outages" not in run.stats
    assert "wallpapers/put_aside" not in run.stats


# Pipelines


class DuplicatesPipeline:
    """As in Scrapy's documentation."""

    def __init__(self) -> None:
        self.ids_seen: set[str] = set()

    def process_item(self, item: Any) -> Any:
        adapter = ItemAdapter(item)
        if adapter["id"] in self.ids_seen:
            raise DropItem(f"Item ID already seen: {adapter['id']}")
        self.ids_seen.add(adapter["id"])
        return item


class CountingPipeline:
    """Counts how often each stored wallpaper passes; stat ``passed/<times>``."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        pipeline = cls()
        pipeline.stats = crawler.stats
        return pipeline

    def __init__(self) -> None:
        self.stats: Any = None
        self._passed: Counter[str] = Counter()

    def process_item(self, item: Any) -> Any:
        self._passed[item.id] += bool(item.images)
        return item

    def close_spider(self) -> None:
        for times, count in Counter(self._passed.values()).items():
            self.stats.set_value(f"passed/{times}", count)


def test_pipelines_process_a_wallpaper_once_although_it_was_put_aside(crawl: Crawl) -> None:
    pipelines = {**ITEM_PIPELINES, DuplicatesPipeline: 300, CountingPipeline: 700}
    with standin_with(hosts.UnavailableHosts) as standin:
        run = crawl(standin, {**SETTINGS, "ITEM_PIPELINES": pipelines}, rn=PAGE)
    assert run.stats["wallpapers/put_aside"] > 0
    assert run.stats["wallpapers/stored"] == TROUBLED + HEALTHY
    assert "wallpapers/filtered/dropped" not in run.stats
    assert run.stats["passed/1"] == TROUBLED + HEALTHY


# Interruptions


class InterruptWhenPutAside:
    """Presses Ctrl-C when half of the wallpapers of the host in trouble have been put aside."""

    def __init__(self) -> None:
        self._put_aside = 0

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        extension = cls()
        crawler.signals.connect(extension.item_dropped, signals.item_dropped)
        return extension

    def item_dropped(self, exception: Exception) -> None:
        self._put_aside += isinstance(exception, PutAside)
        if self._put_aside == TROUBLED / 2:
            os.kill(os.getpid(), signal.SIGINT)


def test_wallpapers_that_are_put_aside_at_ctrl_c_are_left_for_the_next_run(tmp_path: Path) -> None:
    extensions = {
        f"{extension.__module__}.{extension.__qualname__}": order
        for extension, order in {**EXTENSIONS, InterruptWhenPutAside: 0}.items()
    }
    settings = {
        **SETTINGS,
        "EXTENSIONS": json.dumps(extensions),
        "IMAGES_STORE": tmp_path / "store",
        "WALLPAPERS_PATIENCE_BACKOFF": 0.01,
    }
    options = [word for name, value in settings.items() for word in ("-s", f"{name}={value}")]
    with standin_with(hosts.UnavailableHosts) as standin:
        standin.recovers = False
        result = finish(
            start("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *FAST, *options)
        )
    assert result.status == ExitStatus.INTERRUPTED
    counts = counts_of(result.log)
    assert counts["left for the next run"] >= TROUBLED / 2
    assert counts["listed"] == sum(counts[verdict] for verdict in Verdict)


def counts_of(log: str) -> dict[str, int]:
    """Return the counts in the summary at the end of *log*, by the titles of their rows."""
    summary = log[log.rindex("Wallpapers of this run") :]
    rows = re.findall(r"^ *([^\d\n]+?) +([\d,]+)(?:  .*)?$", summary, re.MULTILINE)
    return {title: int(count.replace(",", "")) for title, count in rows}
