"""Crawl every source but baidu_wallpaper, and report their refusals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web

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


# baidu_search


def test_the_search_sends_the_cookies_of_the_home_page(crawl: Crawl) -> None:
    with SearchStandIn(exhibits(3)) as standin:
        crawl(standin, spider=BaiduSearchSpider)
        assert standin.asked[0] == "/"
        headers = standin.received[1]
    assert headers["Cookie"] == SearchStandIn.cookie
    assert headers["Referer"] == f"{standin.origin}/"
    assert headers["X-Requested-With"] == "XMLHttpRequest"
    assert headers["User-Agent"].startswith("Mozilla/5.0 (compatible; wallpapers/")


def test_without_cookies_the_home_page_is_not_requested(crawl: Crawl) -> None:
    with SearchStandIn(exhibits(3)) as standin:
        run = crawl(standin, {"COOKIES_ENABLED": False}, spider=BaiduSearchSpider)
        assert standin.asked[0].startswith("/search/acjson")
    assert "antiFlag" in the_error(run)


def test_a_failed_home_page_does_not_end_the_run(crawl: Crawl) -> None:
    class NoHome(SearchStandIn):
        cookie = ""

        async def home(self, request: Any) -> Any:
            request.transport.abort()
            return web.Response()

    with NoHome(exhibits(3)) as standin:
        run = crawl(standin, spider=BaiduSearchSpider)
        assert standin.asked.count("/") <= 2  # aiohttp retries once if the connection was closed
    assert run.exit_status is ExitStatus.COMPLETE
    assert "Home page request failed (connection: " in run.log


def test_the_filters_of_the_search_are_sent(crawl: Crawl) -> None:
    with SearchStandIn(exhibits(3)) as standin:
        crawl(
            standin,
            spider=BaiduSearchSpider,
            word="国家地理 壁纸",
            width=1920,
            height=1080,
            z=9,
            ic=16,
            rn=10,
        )
        asked = pages_asked(standin)[0]
    assert asked["word"] == asked["queryWord"] == ["国家地理 壁纸"]
    assert (asked["width"], asked["height"]) == (["1920"], ["1080"])
    assert (asked["z"], asked["ic"], asked["rn"]) == (["9"], ["16"], ["10"])
    assert asked["tn"] == ["resultjson_com"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"z": "4"}, "z must be one of 0, 9, 3, 2, 1, got '4'"),
        ({"protocol": "new"}, "protocol must be one of auto, data, images, got 'new'"),
        ({"previews": "yes"}, "previews must be 0 or 1, got 'yes'"),
        ({"pn": "1000"}, "pn must be a number from 0 to 999, got '1000'"),
        ({"word": " "}, "word must be text in UTF-8, not empty, or @FILE, got ' '"),
    ],
)
def test_a_wrong_argument_ends_the_run_before_the_first_request(
    crawl: Crawl, arguments: dict[str, Any], line: str
) -> None:
    with SearchStandIn(exhibits(1)) as standin:
        with pytest.raises(ValueError, match="must be") as caught:
            crawl(standin, spider=BaiduSearchSpider, **arguments)
        assert standin.asked == []
    assert line in str(caught.value)


def test_no_page_is_requested_from_offset_1000_on(crawl: Crawl) -> None:
    with SearchStandIn(exhibits(1100)) as standin:
        run = crawl(standin, spider=BaiduSearchSpider, pn=960, rn=30)
        asked = [(page["pn"], page["rn"]) for page in pages_asked(standin)]
    assert asked == [(["960"], ["30"]), (["990"], ["10"])]
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == 40
    (warning,) = run.warnings()
    assert (
        "Listing ended after 40 of 140 claimed entries; results repeat from offset 1000" in warning
    )


@pytest.mark.parametrize("protocol", ["data", "images", "auto"])
def test_both_protocols_list_the_same_wallpapers(crawl: Crawl, protocol: str) -> None:
    with SearchStandIn(exhibits(35)) as standin:
        run = crawl(standin, spider=BaiduSearchSpider, protocol=protocol, rn=30)
        asked = {"newReq" in page for page in pages_asked(standin)}
        ids = {f"{exhibit.id},1" for exhibit in standin.exhibits}
    assert run.exit_status is ExitStatus.COMPLETE
    assert {item["id"] for item in run.items} == ids
    assert asked == {protocol == "images"}


class ImagesOnly(SearchStandIn):
    """Supports only the images protocol."""

    async def listing(self, request: Any) -> Any:
        if "newReq" in request.query:
            return await super().listing(request)
        return self.other()

    def other(self) -> Any:
        return web.Response(text="<title>页面不存在</title>", content_type="text/html")


class EmptyOther(ImagesOnly):
    def other(self) -> Any:
        return web.json_response({"queryEnc": "", "listNum": 0, "data": [{}]})


@pytest.mark.parametrize("standin_class", [ImagesOnly, EmptyOther])
def test_the_other_protocol_is_tried(crawl: Crawl, standin_class: type[SearchStandIn]) -> None:
    with standin_class(exhibits(35)) as standin:
        run = crawl(standin, spider=BaiduSearchSpider)
        asked = ["newReq" in page for page in pages_asked(standin)]
    assert asked == [False, True, True, True]
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == 35


def test_a_chosen_protocol_is_not_switched(crawl: Crawl) -> None:
    with ImagesOnly(exhibits(3)) as standin:
        error = the_error(crawl(standin, spider=BaiduSearchSpider, protocol="data"))
        assert len(pages_asked(standin)) == 1
    assert "not JSON" in error


@pytest.mark.parametrize("source", [SEARCH, FLIP], ids=name)
def test_previews_are_stored_on_request_and_marked(crawl: Crawl, source: Source) -> None:
    class Previews(source.standin):  # type: ignore[name-defined, misc]
        def entry(self, exhibit: Any) -> Any:
            odd = int(exhibit.title[-1]) % 2
            return {**super().entry(exhibit), **({"objURL": ""} if odd else {})}

    with Previews(exhibits(4)) as standin:
        without = crawl(standin, spider=source.spider)
        run = crawl(standin, spider=source.spider, previews=1)
        again = crawl(standin, spider=source.spider, previews=1)
    assert without.stats["wallpapers/entry/only_previews"] == 2
    assert without.stats["wallpapers/stored"] == 2
    assert not any("preview" in image for image in without.images())
    assert run.stats["wallpapers/known"] == run.stats["wallpapers/stored"] == 2
    for finished in (run, again):
        previews = {item["title"][-1]: item["images"][0].get("preview") for item in finished.items}
        assert previews == {"0": None, "1": True, "2": None, "3": True}
    assert again.stats["wallpapers/known"] == 4
    assert all("preview" in image["path"] for image in run.images() if "preview" in image)


def test_a_preview_is_stored_only_if_the_originals_fail(crawl: Crawl) -> None:
    class DeadOriginals(SearchStandIn):
        def original(self, exhibit: Any) -> str:
            return f"{self.origin}/image/gone/{exhibit.sign}.jpg"

    shown = exhibits(1)
    with DeadOriginals(shown) as standin:
        run = crawl(standin, spider=BaiduSearchSpider, previews=1)
    with SearchStandIn(shown) as alive:
        (later,) = crawl(alive, spider=BaiduSearchSpider, previews=1).images()
        (known,) = crawl(alive, spider=BaiduSearchSpider, previews=1).images()
    assert (later["status"], known["status"]) == ("downloaded", "uptodate")
    assert not {"preview"} & {*later, *known}
    (item,) = run.items
    assert len(item["image_urls"]) == 2
    assert item["previews"] == item["image_urls"][1:]
    assert item["images"][0]["preview"] is True


@pytest.mark.parametrize("source", [SEARCH, FLIP], ids=name)
def test_third_party_hosts_get_their_own_origin_as_referer(crawl: Crawl, source: Source) -> None:
    class Elsewhere(source.standin):  # type: ignore[name-defined, misc]
        def original(self, exhibit: Any) -> str:
            return str(super().original(exhibit)).replace("127.0.0.1", "localhost")

    with Elsewhere(exhibits(1)) as standin:
        run = crawl(standin, {"WALLPAPERS_ALLOW_PRIVATE_ADDRESSES": True}, spider=source.spider)
        headers = standin.received[-1]
        assert headers["Referer"] == f"http://localhost:{standin.port}/"
    assert run.stats["wallpapers/stored"] == 1


# Other sources


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
