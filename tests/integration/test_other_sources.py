"""Crawl baidu_channel, baidu_flip, bing_wallpaper and wallhaven: what only they have."""

from __future__ import annotations

from tests.conftest import Crawl
from tests.integration.test_sources import pages_asked, the_error
from tests.pictures import exhibits
from tests.standin.sources import (
    BingStandIn,
    ChannelStandIn,
    FlipStandIn,
    WallhavenStandIn,
)
from wallpapers.run.exit_status import ExitStatus
from wallpapers.spiders.baidu_channel import BaiduChannelSpider
from wallpapers.spiders.baidu_flip import BaiduFlipSpider
from wallpapers.spiders.bing_wallpaper import BingWallpaperSpider
from wallpapers.spiders.wallhaven import WallhavenSpider


def test_the_channel_sends_its_tags(crawl: Crawl) -> None:
    with ChannelStandIn(exhibits(3)) as standin:
        crawl(standin, spider=BaiduChannelSpider, tag1="摄影", tag2="国家地理", ftags="a##b", pn=1)
        asked = pages_asked(standin)[0]
    assert (asked["tag1"], asked["tag2"]) == (["摄影"], ["国家地理"])
    assert (asked["ftags"], asked["pn"], asked["rn"]) == (["a##b"], ["1"], ["30"])


def test_flip_ends_with_a_page_that_reports_no_results(crawl: Crawl) -> None:
    with FlipStandIn(exhibits(45)) as standin:
        run = crawl(standin, spider=BaiduFlipSpider)
        offsets = [page["pn"] for page in pages_asked(standin)]
    assert offsets == [["0"], ["20"], ["40"], ["45"]]
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == 45


def test_bing_is_requested_for_fifteen_days(crawl: Crawl) -> None:
    with BingStandIn(exhibits(30)) as standin:
        run = crawl(standin, spider=BingWallpaperSpider, mkt="en-US")
        asked = pages_asked(standin)
    assert [(page["idx"], page["mkt"]) for page in asked] == [
        (["0"], ["en-US"]),
        (["7"], ["en-US"]),
    ]
    assert run.stats["wallpapers/stored"] == 15
    assert all(image["url"].endswith("_UHD.jpg") for image in run.images())


def test_wallhaven_is_paged_by_number_and_seed(crawl: Crawl) -> None:
    with WallhavenStandIn(exhibits(50)) as standin:
        run = crawl(standin, spider=WallhavenSpider, q="mountains", sorting="random")
        asked = pages_asked(standin)
    assert [page["page"] for page in asked] == [["1"], ["2"], ["3"]]
    assert [page.get("seed") for page in asked] == [None, ["abc123"], ["abc123"]]
    assert {(*page["q"], *page["sorting"]) for page in asked} == {("mountains", "random")}
    assert run.stats["wallpapers/stored"] == 50
    assert {item["listing"] for item in run.items} == {"mountains"}


def test_the_api_key_of_wallhaven_is_sent_and_masked(crawl: Crawl) -> None:
    key = WallhavenStandIn.key
    settings = {"WALLPAPERS_WALLHAVEN_API_KEY": key, "LOG_LEVEL": "DEBUG"}
    with WallhavenStandIn(exhibits(3)) as standin:
        refused = crawl(standin, spider=WallhavenSpider, purity="001")
        run = crawl(standin, settings, spider=WallhavenSpider, purity="001")
        pictures = [
            headers
            for path, headers in zip(standin.asked, standin.received, strict=True)
            if path.startswith("/image")
        ]
    error = the_error(refused)
    assert "(HTTP 401, " in error
    assert "the source asks for an account; set its API key" in error
    assert "open the address" not in error
    assert run.stats["wallpapers/stored"] == 3
    assert key not in run.log
    assert not any("X-API-Key" in headers for headers in pictures)


def test_the_rate_limit_of_wallhaven_is_kept(crawl: Crawl) -> None:
    slots = WallhavenSpider.custom_settings["DOWNLOAD_SLOTS"]
    slot = slots["listing"]
    assert 60 / slot["delay"] <= 45
    assert slot["jitter"] == 0
    with WallhavenStandIn(exhibits(30)) as standin:
        run = crawl(standin, {"DOWNLOAD_SLOTS": slots}, spider=WallhavenSpider)
        assert len(pages_asked(standin)) == 2
    assert run.stats["elapsed_time_seconds"] >= slot["delay"]
