"""Crawl every source, and report their refusals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.conftest import Crawl, Run
from tests.pictures import exhibit, exhibits
from tests.standin import listing_faults as faults
from tests.standin.sources import (
    BingStandIn,
    ChannelStandIn,
    FlipStandIn,
    SearchStandIn,
    WallhavenStandIn,
)
from wallpapers.demo.standin import StandIn
from wallpapers.run.exit_status import ExitStatus
from wallpapers.spiders.baidu_channel import BaiduChannelSpider
from wallpapers.spiders.baidu_flip import BaiduFlipSpider
from wallpapers.spiders.baidu_search import BaiduSearchSpider
from wallpapers.spiders.baidu_wallpaper import BaiduWallpaperSpider
from wallpapers.spiders.bing_wallpaper import BingWallpaperSpider
from wallpapers.spiders.listing_spider import ListingSpider
from wallpapers.spiders.wallhaven import WallhavenSpider


@dataclass(frozen=True)
class Source:
    """A source, and the expected results of a crawl of its stand-in."""

    spider: type[ListingSpider]
    standin: type[StandIn]
    listing: str  # its name, by default
    pages: int  # requests needed to list 15 wallpapers and detect the end
    addresses: tuple[str, ...]  # keys of image addresses; the first is always present
    size: str = ""  # the key of the width


WALLPAPER = Source(
    *(BaiduWallpaperSpider, StandIn, "国家地理", 2),
    addresses=("downloadUrl", "imageUrl", "objUrl"),
    size="imageWidth",
)
SEARCH = Source(BaiduSearchSpider, SearchStandIn, "壁纸", 2, ("objURL",), "width")
CHANNEL = Source(
    *(BaiduChannelSpider, ChannelStandIn, "壁纸-全部", 2),
    addresses=("download_url", "image_url", "obj_url"),
    size="image_width",
)
FLIP = Source(BaiduFlipSpider, FlipStandIn, "壁纸", 2, ("objURL",), "width")
BING = Source(BingWallpaperSpider, BingStandIn, "zh-CN", 2, ("urlbase", "url"), "drk")
WALLHAVEN = Source(WallhavenSpider, WallhavenStandIn, "date_added", 1, ("path",), "dimension_x")
BAIDU = [WALLPAPER, SEARCH, CHANNEL, FLIP]
EVERY = [*BAIDU, BING, WALLHAVEN]


def name(source: Source) -> str:
    return source.spider.name


every = pytest.mark.parametrize("source", EVERY, ids=name)
baidu = pytest.mark.parametrize("source", BAIDU, ids=name)


def pages_asked(standin: StandIn) -> list[dict[str, list[str]]]:
    """Return the parameters of the requests for pages, in their order."""
    return [
        parse_qs(urlsplit(path).query, keep_blank_values=True)
        for path in standin.asked
        if urlsplit(path).path == standin.path
    ]


def the_error(run: Run) -> str:
    """Return the line that ends a run whose listing failed."""
    assert run.exit_status is ExitStatus.LISTING
    (error,) = run.errors()
    return error


# All sources


@every
def test_every_listed_wallpaper_is_stored_under_its_source_and_listing(
    crawl: Crawl, source: Source
) -> None:
    shown = exhibits(15)
    with source.standin(shown) as standin:
        run = crawl(standin, spider=source.spider)
        assert len(pages_asked(standin)) == source.pages
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.warnings() == []
    assert sorted(map(run.bytes_of, run.images())) == sorted(e.content() for e in shown)
    assert {item["source"] for item in run.items} == {source.spider.name}
    assert {item["listing"] for item in run.items} == {source.listing}
    assert {item["date"] for item in run.items} == {"2016-01-26"}


@every
def test_a_second_run_requests_no_images(crawl: Crawl, source: Source) -> None:
    with source.standin(exhibits(5)) as standin:
        first = crawl(standin, spider=source.spider)
        standin.asked.clear()
        run = crawl(standin, spider=source.spider)
        asked = [path for path in standin.asked if path.startswith(("/image", "/th", "/it"))]
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/known"] == 5
    assert asked == []
    assert {image["status"] for image in run.images()} == {"uptodate"}
    assert without_status(run.items) == without_status(first.items)


def without_status(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for item in items:
        item["images"][0]["status"] = ""
    return sorted(items, key=lambda item: str(item["id"]))


@every
def test_limit_ends_the_listing(crawl: Crawl, source: Source) -> None:
    with source.standin(exhibits(15)) as standin:
        run = crawl(standin, spider=source.spider, limit=4)
        assert len(pages_asked(standin)) == 1
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == 4


@every
def test_an_empty_listing_is_a_failure(crawl: Crawl, source: Source) -> None:
    with source.standin([]) as standin:
        error = the_error(crawl(standin, spider=source.spider))
    assert "No wallpapers found in the listing (0 entries)" in error


@every
def test_a_web_page_instead_of_a_listing_is_reported(crawl: Crawl, source: Source) -> None:
    with faults.of(faults.HtmlListing, source.standin)(exhibits(3)) as standin:
        error = the_error(crawl(standin, spider=source.spider))
    expected = "a web page without results" if source is FLIP else "not JSON"
    assert expected in error
    assert "HTTP 200, text/html" in error
    assert "<!DOCTYPE html>" in error


@every
def test_a_missing_endpoint_is_reported(crawl: Crawl, source: Source) -> None:
    with faults.of(faults.GoneListing, source.standin)(exhibits(3)) as standin:
        assert "HTTP 404" in the_error(crawl(standin, spider=source.spider))


@every
def test_a_redirect_to_a_captcha_is_reported(crawl: Crawl, source: Source) -> None:
    with faults.of(faults.CaptchaRedirect, source.standin)(exhibits(3)) as standin:
        error = the_error(crawl(standin, spider=source.spider))
        assert len(pages_asked(standin)) == 1
    assert "a redirect to http://wappass.captcha.invalid/static/captcha/?ak=1, a captcha" in error
    assert "the source refuses robots; wait some hours" in error


@every
def test_a_truncated_page_is_retried(crawl: Crawl, source: Source) -> None:
    with faults.of(faults.CutJson, source.standin)(exhibits(3)) as standin:
        run = crawl(standin, spider=source.spider, **fixed_protocol(source))
        assert len(pages_asked(standin)) == 3
    assert "invalid" in the_error(run)


def fixed_protocol(source: Source) -> dict[str, Any]:
    return {"protocol": "data"} if source is SEARCH else {}


@every
def test_a_renamed_key_is_reported_in_the_error(crawl: Crawl, source: Source) -> None:
    names = {key: f"renamed_{key}" for key in source.addresses}
    with faults.renamed(source.standin, **names)(exhibits(3)) as standin:
        error = the_error(crawl(standin, spider=source.spider, **fixed_protocol(source)))
    assert "(3 entries, 3 " in error
    assert "format changes: missing " in error
    assert source.addresses[0] in error
    assert f"new {', '.join(sorted(names.values()))}" in error


@every
def test_a_key_of_another_type_is_a_warning(crawl: Crawl, source: Source) -> None:
    with faults.mistyped(source.standin, **{source.size: 19.5})(exhibits(3)) as standin:
        run = crawl(standin, spider=source.spider)
    assert run.exit_status is ExitStatus.COMPLETE
    (warning,) = run.warnings()
    assert f"Listing format changed: mistyped {source.size}: float" in warning


# Sources of Baidu


@baidu
def test_antiflag_is_reported_as_a_refusal(crawl: Crawl, source: Source) -> None:
    with faults.of(faults.AntiFlag, source.standin)(exhibits(3)) as standin:
        error = the_error(crawl(standin, spider=source.spider))
        assert len(pages_asked(standin)) == 1  # the other protocol is not tried after a refusal
    assert "refused by Baidu as a robot (antiFlag): Forbid spider access" in error
    assert "wait some hours" in error


@baidu
def test_a_captcha_page_is_reported_as_a_refusal(crawl: Crawl, source: Source) -> None:
    with faults.of(faults.CaptchaPage, source.standin)(exhibits(3)) as standin:
        error = the_error(crawl(standin, spider=source.spider))
        assert len(pages_asked(standin)) == 1
    assert "a captcha page of Baidu (安全验证)" in error


@baidu
def test_gbk_and_unknown_escapes_are_read(crawl: Crawl, source: Source) -> None:
    with faults.of(faults.ChineseListing, source.standin)(
        [*exhibits(2), exhibit(9, title="层峦叠嶂 国家地理 wallpaper 2")]
    ) as standin:
        run = crawl(standin, spider=source.spider)
    titles = {item["title"] for item in run.items}
    assert titles == {"wall'paper 0", "wall'paper 1", "层峦叠嶂 国家地理 wall'paper 2"}


@baidu
def test_raw_control_characters_are_read(crawl: Crawl, source: Source) -> None:
    with faults.of(faults.ControlCharacters, source.standin)(exhibits(2)) as standin:
        run = crawl(standin, spider=source.spider)
    assert {item["title"] for item in run.items} == {"wall paper 0", "wall paper 1"}


@pytest.mark.parametrize(
    ("source", "arguments", "command"),
    [
        (CHANNEL, {"tag2": "风景"}, "scrapy crawl baidu_search -a 'word=风景 壁纸'"),
        (FLIP, {"word": "a b", "limit": 9}, "scrapy crawl baidu_search -a 'word=a b' -a limit=9"),
    ],
    ids=["baidu_channel", "baidu_flip"],
)
def test_a_command_is_suggested(
    crawl: Crawl, source: Source, arguments: dict[str, Any], command: str
) -> None:
    with faults.of(faults.GoneListing, source.standin)(exhibits(1)) as standin:
        error = the_error(crawl(standin, spider=source.spider, **arguments))
    assert error.endswith(f"; or try: {command}")
