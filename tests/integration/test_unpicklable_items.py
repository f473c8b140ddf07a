"""Items that cannot be put aside wait in memory for a host that is not ready."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

from tests.conftest import Crawl
from tests.integration.test_patience import AWAY
from tests.integration.test_plain_spiders import PlainSpider
from tests.pictures import exhibits
from tests.standin.outages import ResettingServer
from wallpapers.run.exit_status import ExitStatus


class Unpicklable(dict[str, Any]):
    """An item of a class that pickle refuses."""

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("no pickle")


class UnpicklableSpider(PlainSpider):
    def items(self, entry: dict[str, Any]) -> Iterator[Any]:
        yield Unpicklable(image_urls=[entry["downloadUrl"]])


def test_they_survive_an_outage(crawl: Crawl) -> None:
    with ResettingServer(exhibits(60)) as standin:
        run = crawl(standin, AWAY, spider=UnpicklableSpider)
    assert run.stats["wallpapers/stored"] == 60
    assert run.exit_status is ExitStatus.COMPLETE


def test_a_run_that_stops_accounts_for_them(crawl: Crawl) -> None:
    with ResettingServer(exhibits(60)) as standin:
        standin.away_s = 3600
        stops = {**AWAY, "WALLPAPERS_PATIENCE_OUTAGE": 3600, "CLOSESPIDER_TIMEOUT": 1}
        run = crawl(standin, stops, spider=UnpicklableSpider)
    assert run.stats["wallpapers/stored"] + run.stats["wallpapers/left"] == 60
