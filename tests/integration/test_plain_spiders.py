"""Spiders of the user's: no listing of ours, items of any kind, the same account."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from itemadapter import ItemAdapter
from scrapy import Field, Item, Request, Spider
from scrapy.http import Response, TextResponse

from tests.conftest import Crawl, Run
from tests.pictures import exhibits
from tests.standin.picture_faults import MissingPicture
from wallpapers.demo.standin import StandIn
from wallpapers.items import Wallpaper
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.reasons import Verdict
from wallpapers.settings import ITEM_PIPELINES
from wallpapers.spiders.baidu_wallpaper import BaiduWallpaperSpider


class PlainSpider(Spider):
    """Yields a dict with ``image_urls`` for each entry of one JSON page."""

    name = "plain"
    endpoint: str
    origin: str

    async def start(self) -> AsyncIterator[Any]:
        yield Request(self.endpoint)

    def parse(self, response: Response) -> Iterator[Any]:
        assert isinstance(response, TextResponse)
        for entry in response.json()["imgs"]:
            if entry:
                yield from self.items(entry)

    def items(self, entry: dict[str, Any]) -> Iterator[Any]:
        yield {"image_urls": [entry["downloadUrl"]]}


class CandidatesSpider(PlainSpider):
    def items(self, entry: dict[str, Any]) -> Iterator[Any]:
        yield {"image_urls": [f"{self.origin}/gone/{entry['id']}.jpg", entry["downloadUrl"]]}


class NamedSpider(PlainSpider):
    def items(self, entry: dict[str, Any]) -> Iterator[Any]:
        urls = [entry["downloadUrl"]]
        yield {"source": "elsewhere", "id": f"n{entry['id']}", "image_urls": urls}


class WallpaperSpider(PlainSpider):
    def items(self, entry: dict[str, Any]) -> Iterator[Any]:
        yield Wallpaper(id=entry["id"], image_urls=[entry["downloadUrl"]], title=entry["desc"])


class ScrapyItem(Item):
    image_urls = Field()
    images = Field()


class ScrapyItemSpider(PlainSpider):
    def items(self, entry: dict[str, Any]) -> Iterator[Any]:
        yield ScrapyItem(image_urls=[entry["downloadUrl"]])


@dataclasses.dataclass
class OwnItem:
    """An item of the user's own without a field for results."""

    image_urls: list[str]


class OwnItemSpider(PlainSpider):
    def items(self, entry: dict[str, Any]) -> Iterator[Any]:
        yield OwnItem([entry["downloadUrl"]])


class StartItemsSpider(PlainSpider):
    """Yields its items from ``start``, without any page."""

    async def start(self) -> AsyncIterator[Any]:
        for exhibit in exhibits(3):
            yield {"image_urls": [f"{self.origin}/image/pic/item/{exhibit.sign}.jpg"]}


EVERY_KIND = (
    PlainSpider,
    CandidatesSpider,
    NamedSpider,
    WallpaperSpider,
    ScrapyItemSpider,
    OwnItemSpider,
    StartItemsSpider,
)


def crawl_with(
    crawl: Crawl,
    standin: StandIn,
    spider: type[Spider] = PlainSpider,
    settings: dict[str, Any] | None = None,
    *,
    tracebacks: bool = False,
) -> Run:
    more = {"WALLPAPERS_ALLOW_PRIVATE_ADDRESSES": True, **(settings or {})}
    own: dict[str, Any] = {"origin": standin.origin} if issubclass(spider, PlainSpider) else {}
    return crawl(standin, more, tracebacks=tracebacks, spider=spider, **own)


def account(run: Run) -> dict[str, int]:
    """Return the counts in the stats that are not 0."""
    counts = {name: run.stats.get(f"wallpapers/{name}", 0) for name in ("listed", *Verdict)}
    return {name: count for name, count in counts.items() if count}


@pytest.mark.parametrize("spider", EVERY_KIND)
def test_wallpapers_of_a_plain_spider_are_stored_and_counted(
    crawl: Crawl, spider: type[Spider]
) -> None:
    with StandIn(exhibits(3)) as standin:
        run = crawl_with(crawl, standin, spider)
    assert run.exit_status is ExitStatus.COMPLETE
    assert account(run) == {"listed": 3, "stored": 3}
    assert run.stats["wallpapers/bytes"] > 0
    assert crawl.feed.exists()
    assert len(run.items) == 3
    assert re.search(r"^listed +3$", run.log, re.MULTILINE)
    assert re.search(r"^ +stored +3 ", run.log, re.MULTILINE)
    assert "outcome: complete (exit status 0)" in run.log
    assert run.errors() == []


def test_the_filters_apply_to_any_spider(crawl: Crawl) -> None:
    """Scrapy gives the arguments of a spider as texts."""
    with StandIn(exhibits(2)) as standin:
        run = crawl(standin, spider=PlainSpider, min_width="97")
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/filtered/too_small"] == 2


@pytest.mark.parametrize("spider", EVERY_KIND)
def test_wallpapers_of_a_plain_spider_are_known_on_the_second_run(
    crawl: Crawl, spider: type[Spider]
) -> None:
    with StandIn(exhibits(3)) as standin:
        crawl_with(crawl, standin, spider)
        standin.asked.clear()
        again = crawl_with(crawl, standin, spider)
    assert again.exit_status is ExitStatus.COMPLETE
    assert account(again) == {"listed": 3, "known": 3}
    assert not any("/image/" in path or "/gone/" in path for path in standin.asked)


@pytest.mark.parametrize("spider", [PlainSpider, NamedSpider, WallpaperSpider])
def test_a_missing_picture_of_a_plain_spider_is_a_failure(
    crawl: Crawl, spider: type[Spider]
) -> None:
    with MissingPicture(exhibits(3)) as standin:
        run = crawl_with(crawl, standin, spider)
    assert run.exit_status is ExitStatus.FAILURES
    assert account(run) == {"listed": 3, "stored": 1, "failed": 2}
    assert run.stats["wallpapers/failed/http_404"] == 2
    assert crawl.feed.exists()
    assert sorted(len(item["images"]) for item in run.items) == [0, 0, 1]


def test_the_results_are_filled_in_as_scrapys_pipeline_does(crawl: Crawl) -> None:
    with StandIn(exhibits(2)) as standin:
        run = crawl_with(crawl, standin, CandidatesSpider)
    assert len(run.items) == 2
    for item in run.items:
        (image,) = item["images"]
        assert image["url"] == item["image_urls"][1]
        assert image["status"] == "downloaded"
        assert image["path"].startswith("plain/")


class SparseSpider(PlainSpider):
    """Yields items without any candidate beside those with one."""

    def items(self, entry: dict[str, Any]) -> Iterator[Any]:
        yield from super().items(entry)
        yield {"image_urls": [], "page": entry["id"]}
        yield {"image_urls": None, "page": entry["id"]}
        yield Wallpaper(id=f"bare{entry['id']}", image_urls=[])


def test_items_without_candidates_pass_and_are_not_counted(crawl: Crawl) -> None:
    with StandIn(exhibits(2)) as standin:
        run = crawl_with(crawl, standin, SparseSpider)
    assert run.exit_status is ExitStatus.COMPLETE
    assert account(run) == {"listed": 2, "stored": 2}
    assert len(run.items) == 8
    assert sum(bool(item.get("images")) for item in run.items) == 2
    assert run.warnings() == []


class OtherItemsSpider(PlainSpider):
    def items(self, entry: dict[str, Any]) -> Iterator[Any]:
        yield {"page": entry["id"]}


def test_a_run_without_wallpapers_is_complete_and_exports_its_items(crawl: Crawl) -> None:
    with StandIn(exhibits(2)) as standin:
        run = crawl_with(crawl, standin, OtherItemsSpider)
    assert run.exit_status is ExitStatus.COMPLETE
    assert account(run) == {}
    assert crawl.feed.exists()
    assert {item["page"] for item in run.items} == {exhibit.id for exhibit in exhibits(2)}


class RepeatingSpider(PlainSpider):
    def items(self, entry: dict[str, Any]) -> Iterator[Any]:
        yield from super().items(entry)
        yield from super().items(entry)


def test_two_items_with_one_address_are_two_wallpapers_of_the_account(crawl: Crawl) -> None:
    with StandIn(exhibits(1)) as standin:
        run = crawl_with(crawl, standin, RepeatingSpider)
        assert sum("/image/" in path for path in standin.asked) == 1
    counts = account(run)
    assert (counts.pop("listed"), counts.pop("stored")) == (2, 1)
    assert counts in ({"known": 1}, {"duplicate": 1})
    assert len({item["images"][0]["path"] for item in run.items}) == 1


class RaisingSpider(PlainSpider):
    def items(self, entry: dict[str, Any]) -> Iterator[Any]:
        yield from super().items(entry)
        raise RuntimeError("no such field")


def test_a_callback_that_raises_ends_with_listing_and_its_traceback(crawl: Crawl) -> None:
    with StandIn(exhibits(3)) as standin:
        run = crawl_with(crawl, standin, RaisingSpider, tracebacks=True)
    assert run.exit_status is ExitStatus.LISTING
    assert account(run) == {"listed": 1, "stored": 1}
    assert "RuntimeError: no such field" in run.log
    assert not crawl.feed.exists()


class BrokenStartSpider(PlainSpider):
    async def start(self) -> AsyncIterator[Any]:
        yield Request(self.no_such_address)  # type: ignore[attr-defined]


def test_a_start_that_raises_ends_with_listing_and_its_traceback(crawl: Crawl) -> None:
    with StandIn(exhibits(1)) as standin:
        run = crawl_with(crawl, standin, BrokenStartSpider, tracebacks=True)
    assert run.exit_status is ExitStatus.LISTING
    assert "no_such_address" in run.log


class CopyingPipeline:
    """A pipeline of the user's that hands on a dict in place of the item."""

    def process_item(self, item: Any) -> Any:
        return {**ItemAdapter(item).asdict(), "seen": True}


@pytest.mark.parametrize(
    "spider",
    [BaiduWallpaperSpider, *(pytest.param(kind) for kind in EVERY_KIND)],
)
def test_a_pipeline_that_replaces_the_item_keeps_the_account(
    crawl: Crawl, spider: type[Spider]
) -> None:
    pipelines = {"ITEM_PIPELINES": {**ITEM_PIPELINES, CopyingPipeline: 50}}
    with MissingPicture(exhibits(3)) as standin:
        run = crawl_with(crawl, standin, spider, pipelines)
    assert run.exit_status is ExitStatus.FAILURES
    assert account(run) == {"listed": 3, "stored": 1, "failed": 2}
    assert all(item["seen"] for item in run.items)


class PhotosSpider(PlainSpider):
    def items(self, entry: dict[str, Any]) -> Iterator[Any]:
        yield {"photos": [entry["downloadUrl"]]}


def test_the_fields_that_scrapys_settings_name_are_the_ones_that_count(crawl: Crawl) -> None:
    settings = {"IMAGES_URLS_FIELD": "photos", "IMAGES_RESULT_FIELD": "stored_photos"}
    with StandIn(exhibits(2)) as standin:
        stats = crawl.stats_of(standin, settings, spider=PhotosSpider, origin=standin.origin)
    assert stats["wallpapers/listed"] == stats["wallpapers/stored"] == 2
    items = [json.loads(line) for line in crawl.feed.read_text().splitlines()]
    assert [len(item["stored_photos"]) for item in items] == [1, 1]
