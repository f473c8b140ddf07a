"""The summary of a run: every wallpaper has one verdict, whichever component decides."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from scrapy import Request, Spider
from scrapy.exceptions import DropItem

from tests.conftest import Crawl
from tests.pictures import encoded, exhibit, exhibits, noise
from tests.standin.picture_faults import HeldPictures, MissingPicture
from wallpapers.demo.standin import StandIn
from wallpapers.pipelines.images import WallpaperImagesPipeline
from wallpapers.run.exit_status import ExitStatus
from wallpapers.settings import ITEM_PIPELINES


class DroppingPipeline:
    """A user's own filter."""

    def process_item(self, item: Any) -> Any:
        if item.title.endswith("1"):
            raise DropItem("not mine")
        return item


class FailingPipeline:
    """A user's own pipeline with a bug."""

    def process_item(self, item: Any) -> Any:
        return item.no_such_field


class TitledPipeline(WallpaperImagesPipeline):
    """A user's own names for files."""

    def file_path(self, request: Any, *args: Any, item: Any = None, **more: Any) -> str:
        return f"by title/{item.title}.jpeg"

    def item_completed(self, results: Any, item: Any, info: Any) -> Any:
        item.tags.append("completed" if results[0][0] else str(results[0][1].value))
        return super().item_completed(results, item, info)


def test_items_that_a_users_pipeline_drops_are_filtered(crawl: Crawl) -> None:
    with StandIn(exhibits(3)) as standin:
        run = crawl(standin, {"ITEM_PIPELINES": {**ITEM_PIPELINES, DroppingPipeline: 50}})
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/filtered/dropped"] == 1
    assert run.stats["wallpapers/stored"] == 2


def test_an_exception_in_a_pipeline_is_a_fault(crawl: Crawl) -> None:
    with StandIn(exhibits(2)) as standin:
        run = crawl_unexported(crawl, standin, {FailingPipeline: 50})
    assert run["wallpapers/failed/fault"] == 2
    assert run["wallpapers/outcome"] == "listing"


def crawl_unexported(crawl: Crawl, standin: StandIn, pipelines: dict[type, int]) -> dict[str, Any]:
    """Crawl without the invariants, because a fault keeps items out of the feed."""
    return crawl.stats_of(standin, {"ITEM_PIPELINES": {**ITEM_PIPELINES, **pipelines}})


def test_file_path_and_item_completed_may_be_overridden(crawl: Crawl) -> None:
    pipelines = {TitledPipeline: 500}
    shown = [exhibit(1), exhibit(2, encoded(noise(2), "PNG"))]
    with StandIn(shown) as standin:
        run = crawl(standin, {"ITEM_PIPELINES": pipelines})
        assert crawl(standin, {"ITEM_PIPELINES": pipelines}).stats["wallpapers/known"] == 2
    assert {image["path"] for image in run.images()} == {
        "by title/wallpaper 1.jpg",
        "by title/wallpaper 2.png",
    }
    assert all(item["tags"][-1] == "completed" for item in run.items)
    with MissingPicture([shown[0], exhibit(3)]) as standin:
        run = crawl(standin, {"ITEM_PIPELINES": pipelines})
    assert {item["tags"][-1] for item in run.items} == {"completed", "http_404"}


def test_the_log_ends_with_a_summary_that_adds_up(crawl: Crawl) -> None:
    shown = [*exhibits(4), exhibit(9, width=10, height=10)]
    with MissingPicture(shown) as standin:
        run = crawl(standin, {"IMAGES_MIN_WIDTH": 50})
    *table, reason = run.log[run.log.rindex("Wallpapers of this run") :].splitlines()
    assert table == [
        "Wallpapers of this run",
        "listed                  5",
        table[2],
        "  known                 0",
        "  duplicate             0",
        "  filtered              1  too_small_by_claim 1",
        "  failed                3  http_404 3",
        "    at 127.0.0.1        3  http_404 3",
        "outcome: failures (exit status 3)",
    ]
    assert table[2].startswith("  stored                1  0.0 MB in ")
    assert ": ERROR: 3 of 5 wallpapers failed (http_404 3); to try them again, run: " in reason


def test_a_run_that_reaches_a_closespider_limit_is_complete(crawl: Crawl) -> None:
    with StandIn(exhibits(60)) as standin:
        run = crawl(standin, {"CLOSESPIDER_ITEMCOUNT": 10, "CONCURRENT_REQUESTS": 3}, rn=20)
        assert len(standin.asked) < 40
    assert run.exit_status is ExitStatus.COMPLETE
    assert 10 <= run.stats["wallpapers/stored"] < 20
    assert run.stats["wallpapers/left"] > 0


class StartItemsSpider(Spider):
    """Yields its items from ``start``, without any page."""

    name = "start_items"
    origin: str

    async def start(self) -> AsyncIterator[dict[str, Any]]:
        for shown in exhibits(8):
            yield {"image_urls": [f"{self.origin}/image/pic/item/{shown.sign}.jpg"]}


def test_a_limit_that_is_reached_while_items_of_start_are_processed(crawl: Crawl) -> None:
    with HeldPictures(exhibits(8)) as standin:
        standin.release_after(0.5)
        settings = {"CLOSESPIDER_ITEMCOUNT": 1, "WALLPAPERS_ALLOW_PRIVATE_ADDRESSES": True}
        run = crawl(standin, settings, spider=StartItemsSpider, origin=standin.origin)
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == 8


class RenamingPipeline:
    """A user's pipeline that changes the key of a wallpaper."""

    def process_item(self, item: Any) -> Any:
        item.id = f"mine-{item.id}"
        return item


def test_a_pipeline_may_change_the_key_of_a_wallpaper(crawl: Crawl) -> None:
    with StandIn(exhibits(3)) as standin:
        run = crawl(standin, {"ITEM_PIPELINES": {**ITEM_PIPELINES, RenamingPipeline: 50}})
    assert run.stats["wallpapers/stored"] == run.stats["wallpapers/listed"] == 3
    assert all(item["id"].startswith("mine-") for item in run.items)


def test_a_wallpaper_without_a_verdict_is_a_fault(crawl: Crawl) -> None:
    with StandIn(exhibits(3)) as standin:
        stats = crawl.stats_of(standin, {"ITEM_PIPELINES": {DroppingPipeline: 50}})
        assert stats["wallpapers/failed/fault"] == 2
        assert stats["wallpapers/outcome"] == "failures"


@pytest.mark.parametrize(
    ("settings", "arguments", "words"),
    [
        ({"URLLENGTH_LIMIT": 200}, {}, "'finished' after 0 pages"),
        ({"DEPTH_LIMIT": 1}, {"rn": 2}, "'finished' after 2 pages"),
    ],
)
def test_a_listing_that_a_setting_cuts_short_is_incomplete(
    crawl: Crawl, settings: dict[str, Any], arguments: dict[str, Any], words: str
) -> None:
    with StandIn(exhibits(6)) as standin:
        run = crawl(standin, settings, **arguments)
    assert run.exit_status is ExitStatus.LISTING
    assert words in run.errors()[0]


def test_items_of_a_users_spider_are_stored(crawl: Crawl) -> None:
    class Own(Spider):
        name = "own"

        async def start(self) -> Any:
            yield Request(f"{self.origin}/")  # type: ignore[attr-defined]

        def parse(self, response: Any) -> Any:
            yield {"image_urls": [5, f"{self.origin}/image/pic/item/{sign}.jpg"]}  # type: ignore[attr-defined]
            yield {"image_urls": None}
            yield {"other": 1}

    class Home(StandIn):
        def routes(self) -> Any:
            return [*super().routes(), web.get("/", self.home)]

        async def home(self, request: web.Request) -> web.Response:
            return web.Response(text="home")

    shown = exhibits(1)
    sign = shown[0].sign
    with Home(shown) as standin:
        settings = {"WALLPAPERS_ALLOW_PRIVATE_ADDRESSES": True}
        stats = crawl.stats_of(standin, settings, spider=Own, origin=standin.origin)
    assert stats["item_scraped_count"] == 3
    assert [path.parent.name for path in crawl.store.rglob("*.jpg")] == ["own"]
