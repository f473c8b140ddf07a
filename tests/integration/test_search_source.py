"""Crawl baidu_search: cookies, filters, both protocols; previews, which baidu_flip has, too."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from tests.conftest import Crawl
from tests.integration.test_sources import FLIP, SEARCH, Source, name, pages_asked, the_error
from tests.pictures import exhibits
from tests.standin.sources import (
    SearchStandIn,
)
from wallpapers.run.exit_status import ExitStatus
from wallpapers.spiders.baidu_search import BaiduSearchSpider


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
