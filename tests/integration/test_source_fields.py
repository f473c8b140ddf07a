"""What a source says about its wallpapers reaches feeds, catalogue and retries."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from scrapy import Request, Spider
from scrapy.http import Response
from sqlalchemy import URL

from tests import feeds
from tests.conftest import Crawl
from tests.pictures import exhibits
from tests.standin.sources import BingStandIn, WallhavenStandIn
from wallpapers.catalogue.catalogue import Catalogue
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn
from wallpapers.items import Wallpaper
from wallpapers.maintenance.retry import RetrySpider
from wallpapers.run.exit_status import ExitStatus
from wallpapers.spiders.bing_wallpaper import BingWallpaperSpider
from wallpapers.spiders.wallhaven import WallhavenSpider

FIELDS = ("credit", "licence", "colors", "extra")
FORMATS = ("json", "jsonlines", "csv", "xml")


class Bing(BingStandIn):
    """Lists pictures with their author and terms of use."""

    is_away = False

    def answer(self, first: int, exhibits: Sequence[Exhibit]) -> dict[str, Any]:
        terms = {"walls": "仅限用作桌面壁纸。", "walle": "此图片不能下载用作壁纸。"}
        return super().answer(first, exhibits) | {"tooltips": terms}

    def entry(self, exhibit: Exhibit) -> dict[str, Any]:
        is_first = exhibit is self.exhibits[0]
        text = "海边的<b>日出</b> (© 林 (Lin)/Alamy)(Bing China)" if is_first else "日出 (© nobody"
        return super().entry(exhibit) | {"copyright": text, "wp": is_first}

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        if self.is_away:
            raise web.HTTPNotFound
        return await super().picture(request, exhibit)


BING: list[dict[str, Any]] = [
    {
        "credit": "林 (Lin)/Alamy",
        "licence": "仅限用作桌面壁纸。",
        "colors": [],
        "extra": {"copyright": "海边的日出 (© 林 (Lin)/Alamy)(Bing China)"},
    },
    {
        "credit": "",
        "licence": "此图片不能下载用作壁纸。",
        "colors": [],
        "extra": {"copyright": "日出 (© nobody"},
    },
]


class Wallhaven(WallhavenStandIn):
    """Answers with ``said`` in each entry."""

    said: dict[str, Any]

    def entry(self, exhibit: Exhibit) -> dict[str, Any]:
        return super().entry(exhibit) | self.said

    def encode(self, answer: dict[str, Any]) -> bytes:
        return json.dumps(answer).encode()  # a lone surrogate has to be escaped


def fields_of(item: dict[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in FIELDS}


def by_id(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(items, key=lambda item: item["id"])


def in_catalogue(store: Path) -> list[str]:
    """Return what the catalogue has of each wallpaper, as it stands there."""
    with closing(sqlite3.connect(store / FILE_NAME)) as catalogue:
        return [item for (item,) in catalogue.execute("SELECT item FROM wallpapers")]


def test_what_a_source_says_is_in_every_feed_and_in_the_catalogue(
    crawl: Crawl, tmp_path: Path
) -> None:
    paths = {kind: tmp_path / f"out.{kind}" for kind in FORMATS}
    wanted = [feeds.feed(path, kind, overwrite=True) for kind, path in paths.items()]
    settings = {
        "FEEDS": {uri: feed for each in wanted for uri, feed in each.items()},
        "CONCURRENT_ITEMS": 1,  # in the order of the listing
    }
    with Bing(exhibits(2)) as standin:
        run = crawl(standin, settings, spider=BingWallpaperSpider)
    assert [fields_of(item) for item in run.items] == BING
    assert list(run.items[0])[2:9] == ["source", "listing", *FIELDS, "title"]
    for kind in ("json", "jsonlines"):
        assert [fields_of(item) for item in feeds.read(paths[kind], kind)] == BING
    cells = feeds.read(paths["csv"], "csv")
    assert [cell["credit"] for cell in cells] == [said["credit"] for said in BING]
    assert [json.loads(cell["extra"]) for cell in cells] == [said["extra"] for said in BING]
    said = "<extra><copyright>海边的日出 (© 林 (Lin)/Alamy)(Bing China)</copyright></extra>"
    assert said in paths["xml"].read_text()
    rows = in_catalogue(run.store)
    assert [fields_of(row) for row in map(json.loads, rows) if row["credit"]] == BING[:1]
    for written in ("".join(rows), *(path.read_text() for path in paths.values())):
        assert "海边的日出" in written
        assert "\\u" not in written


def test_a_retry_exports_what_the_listing_said(crawl: Crawl) -> None:
    again = type("BingRetry", (RetrySpider, BingWallpaperSpider), {})
    with Bing(exhibits(2)) as standin:
        standin.is_away = True
        failed = crawl(standin, spider=BingWallpaperSpider)
        assert failed.exit_status is ExitStatus.FAILURES
        standin.is_away = False
        standin.asked.clear()
        run = crawl(standin, spider=again)
        assert not [path for path in standin.asked if path.startswith(standin.path)]
    assert run.exit_status is ExitStatus.COMPLETE
    assert by_id([{**item, "images": []} for item in run.items]) == by_id(failed.items)


@pytest.mark.parametrize("extra", ["[]", '"text"', "[" * 100_000])
def test_a_retry_skips_a_row_with_another_type(crawl: Crawl, extra: str) -> None:
    again = type("BingRetry", (RetrySpider, BingWallpaperSpider), {})
    with Bing(exhibits(1)) as standin:
        standin.is_away = True
        crawl(standin, spider=BingWallpaperSpider)
        standin.is_away = False
        item = f'{{"image_urls": ["{standin.origin}/x.jpg"], "extra": {extra}}}'
        with closing(sqlite3.connect(crawl.store / FILE_NAME)) as catalogue, catalogue:
            catalogue.execute("UPDATE wallpapers SET item = ?", (item,))
        run = crawl(standin, spider=again)
    assert run.items == []
    assert len(run.warnings()) == 1
    assert "cannot be read; a crawl of its listing replaces it" in run.warnings()[0]


def test_colours_category_and_uploader_of_wallhaven_are_kept(crawl: Crawl) -> None:
    with Wallhaven(exhibits(1)) as standin:
        standin.said = {
            "colors": ["#0066CC", "#abbcda"],
            "category": "anime",
            "source": "https://a.test/?a=1&copy=2",
            "uploader": {"username": "test-user", "group": "User"},
        }
        (item,) = crawl(standin, spider=WallhavenSpider).items
    assert fields_of(item) == {
        "credit": "",
        "licence": "",
        "colors": ["#0066cc", "#abbcda"],
        "extra": {
            "category": "anime",
            "purity": "sfw",
            "source": "https://a.test/?a=1&copy=2",
            "uploader": {"username": "test-user", "group": "User"},
            "views": 12,
            "favorites": 0,
        },
    }


def nested(depth: int) -> Any:
    return json.loads('{"a":' * depth + "1" + "}" * depth)


@pytest.mark.parametrize(
    "said",
    [
        {"colors": {"#000000": 1}, "category": ["a"], "source": 5, "uploader": "me", "views": "x"},
        {"colors": "red", "category": None, "uploader": nested(300)},
        {"colors": [["#000000"]] * 9_000, "uploader": {f"{key}": key for key in range(50_000)}},
        {"colors": ["#000000"] * 100_000, "uploader": {"x" * 100_000: ["y" * 100_000] * 20}},
        {"category": "a\ud800\x00\u202e<script>", "uploader": {"a\x00<b>": "\ud800"}},
        {"views": 10**3_000, "favorites": float("nan")},
    ],
)
def test_hostile_values_of_a_source_do_no_harm(crawl: Crawl, said: dict[str, Any]) -> None:
    with Wallhaven(exhibits(2)) as standin:
        standin.said = said
        run = crawl(standin, spider=WallhavenSpider)
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == 2
    for item in run.items:
        assert len(json.dumps(item, allow_nan=False)) < 100_000
        assert "\x00" not in json.dumps(item)
    rows = by_id([json.loads(row) for row in in_catalogue(run.store)])
    assert [fields_of(row) for row in rows] == [fields_of(item) for item in by_id(run.items)]


class PlainSpider(Spider):
    """A user's own spider, whose items have values of any type."""

    name = "plain"
    endpoint = ""

    async def start(self) -> AsyncIterator[Any]:
        yield Request(self.endpoint)

    def parse(self, response: Response) -> Iterator[Any]:
        yield {
            "id": "1",
            "image_urls": ["http://127.0.0.1:1/a.jpg"],
            "title": "lone \ud800",
            "credit": ["Ann", "Ben"],
            "licence": 5,
            "colors": "#ABCDEF",
            "extra": {"shot": date(2026, 1, 2), 7: {"deep": [True, ""]}},
        }


def test_the_catalogue_can_read_what_a_users_spider_said(crawl: Crawl) -> None:
    with StandIn(exhibits(1)) as standin:
        crawl.stats_of(standin, spider=PlainSpider)
    url = URL.create("sqlite", database=str(crawl.store / FILE_NAME))
    catalogue = Catalogue.open(url, lambda path, size: True, reads_only=True)
    (failed,) = catalogue.run(lambda entries: entries.failed("plain"))
    catalogue.close()
    assert failed.wallpaper == Wallpaper(
        "1",
        ["http://127.0.0.1:1/a.jpg"],
        source="plain",
        title="lone ?",
        credit="Ann, Ben",
        colors=["#abcdef"],
        extra={"shot": "2026-01-02", "7": {"deep": [True]}},
    )
