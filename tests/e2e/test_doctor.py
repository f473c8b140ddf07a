"""``scrapy doctor``: the report on each source, with advice."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.e2e.command import Result, finish, scrapy, start
from tests.pictures import encoded, exhibit, exhibits, noise
from tests.standin import listing_faults as faults
from tests.standin.listing_faults import AntiFlag, CaptchaRedirect, EmptyListing, HtmlListing
from tests.standin.sources import (
    BingStandIn,
    ChannelStandIn,
    FlipStandIn,
    SearchStandIn,
    WallhavenStandIn,
)
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn


class RenamedKey(StandIn):
    def entry(self, exhibit: Exhibit) -> dict[str, Any]:
        entry = super().entry(exhibit)
        entry["width"] = entry.pop("imageWidth")
        return {**entry, "imageHeight": str(entry["imageHeight"])}


class NoPictures(StandIn):
    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        raise web.HTTPForbidden


# Connections from an address that this machine does not have fail immediately.
NOWHERE = ("-s", "DOWNLOAD_BIND_ADDRESS=192.0.2.1")


def doctor(endpoint: str, folder: Path, *words: str, spider: str = "baidu_wallpaper") -> Result:
    return scrapy(
        *("doctor", spider, "-a", f"endpoint={endpoint}", *words),
        *("-s", f"IMAGES_STORE={folder / 'store'}"),
    )


def cells(result: Result) -> list[str]:
    """Return the row of the table, without the time."""
    _, row, *_ = result.output.splitlines()
    return re.split(r"  +", row)[:-1]


@pytest.mark.parametrize(
    ("kind", "status", "row", "advice"),
    [
        (StandIn, 0, ["yes", "yes", "5", "none", "JPEG 96x64"], None),
        (
            RenamedKey,
            3,
            [
                "yes",
                "yes",
                "5",
                "missing imageWidth; mistyped imageHeight: str; new width",
                "JPEG 96x64",
            ],
            "listing format changed (missing imageWidth; ",
        ),
        (
            AntiFlag,
            4,
            [
                "yes",
                "refused by Baidu as a robot (antiFlag): Forbid spider access",
                "0",
                "none",
                "not requested",
            ],
            "the source refuses robots; wait some hours",
        ),
        (
            HtmlListing,
            4,
            ["yes", "HTML: not JSON", "0", "none", "not requested"],
            " crawl baidu_search -a 'word=国家地理 壁纸' -s ",
        ),
        (
            CaptchaRedirect,
            4,
            [
                "yes",
                "a redirect to http://wappass.captcha.invalid/static/captcha/?ak=1, a captcha",
                "0",
                "none",
                "not requested",
            ],
            "the source refuses robots; wait some hours",
        ),
        (
            EmptyListing,
            4,
            ["yes", "no wallpaper", "0", "none", "not requested"],
            "No wallpapers found in the listing",
        ),
        (
            NoPictures,
            4,
            ["yes", "yes", "5", "none", "http_403"],
            "images could not be downloaded (first error: http_403)",
        ),
    ],
)
def test_a_source_has_a_row_and_a_line_of_advice(
    tmp_path: Path, kind: type[StandIn], status: int, row: list[str], advice: str | None
) -> None:
    with kind(exhibits(5)) as standin:
        result = doctor(standin.endpoint, tmp_path)
        assert len(standin.asked) <= (2 if status < 4 else 4)
    assert cells(result) == ["baidu_wallpaper", *row]
    assert result.status == status
    lines = result.output.splitlines()[2:]
    assert len(lines) == (advice is not None)
    assert advice is None or advice in lines[0]
    assert not list(tmp_path.iterdir())


def test_a_closed_port_is_reported_soon(tmp_path: Path) -> None:
    with StandIn(exhibits(1)) as standin:
        endpoint = standin.endpoint
    result = doctor(endpoint, tmp_path)
    assert result.status == 4
    assert cells(result) == ["baidu_wallpaper", "no", "connection", "0", "none", "not requested"]
    assert "check the network" in result.output


def test_the_json_report_masks_tokens(tmp_path: Path) -> None:
    with HtmlListing(exhibits(5)) as standin:
        result = doctor(f"{standin.endpoint}?token=canary-token", tmp_path, "--json")
    (report,) = json.loads(result.output)
    assert {name: report[name] for name in ("source", "answers", "problem", "problem_detail")} == {
        "source": "baidu_wallpaper",
        "answers": True,
        "problem": "HTML",
        "problem_detail": "HTML: not JSON",
    }
    assert "canary" not in result.output + result.log


def test_all_sources_are_checked_by_default(tmp_path: Path) -> None:
    result = scrapy("doctor", "-s", f"IMAGES_STORE={tmp_path / 'store'}", *NOWHERE)
    sources = [line.split()[0] for line in result.output.splitlines()[1:7]]
    names = scrapy("list").output.split()
    assert sources == sorted(names)
    advised = [line.partition(":")[0] for line in result.output.splitlines()[7:]]
    assert advised == sources
    assert (result.status, result.log) == (4, "")
    assert not list(tmp_path.iterdir())


def test_wrong_usage_has_an_exit_status(tmp_path: Path) -> None:
    assert scrapy("doctor", "-a", "word=x").status == 2
    assert scrapy("doctor", "nobody").status == 2
    assert scrapy("doctor", "baidu_wallpaper", "-a", "rn=abc").status == 1


SOURCES = {
    "baidu_channel": ChannelStandIn,
    "baidu_flip": FlipStandIn,
    "baidu_search": SearchStandIn,
    "bing_wallpaper": BingStandIn,
    "wallhaven": WallhavenStandIn,
}


@pytest.mark.parametrize("spider", SOURCES)
def test_every_source_is_checked_with_its_spider(tmp_path: Path, spider: str) -> None:
    with SOURCES[spider](exhibits(3)) as standin:
        result = doctor(standin.endpoint, tmp_path, spider=spider)
    assert cells(result) == [spider, "yes", "yes", "3", "none", "JPEG 96x64"]
    assert (result.status, result.log) == (0, "")


@pytest.mark.parametrize("spider", ["baidu_channel", "baidu_flip", "baidu_search"])
@pytest.mark.parametrize(
    ("fault", "refusal"),
    [
        (faults.AntiFlag, "refused by Baidu as a robot (antiFlag): Forbid spider access"),
        (faults.CaptchaPage, "a captcha page of Baidu (安全验证)"),
    ],
)
def test_the_refusals_of_baidu_are_reported(
    tmp_path: Path, spider: str, fault: type[StandIn], refusal: str
) -> None:
    with faults.of(fault, SOURCES[spider])(exhibits(3)) as standin:
        result = doctor(standin.endpoint, tmp_path, spider=spider)
    assert cells(result) == [spider, "yes", refusal, "0", "none", "not requested"]
    assert (result.status, result.log) == (4, "")


def test_a_switch_of_the_protocol_is_reported_with_drift(tmp_path: Path) -> None:
    with faults.renamed(SearchStandIn, objURL="renamed")(exhibits(3)) as standin:
        result = doctor(standin.endpoint, tmp_path, spider="baidu_search")
    assert cells(result) == [
        "baidu_search",
        "yes",
        "other protocol only",
        "3",
        "missing objURL; new renamed",
        "JPEG 96x64",
    ]
    assert result.status == 3
    assert "baidu_search: only the other protocol works" in result.output


class MovedPictures(StandIn):
    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        if "moved" in request.query:
            return await super().picture(request, exhibit)
        raise web.HTTPFound(request.url.update_query(moved=1))


class ErrorPages(StandIn):
    """Redirects images to an error page, as the hosts of deleted thumbnails do."""

    def routes(self) -> list[web.RouteDef]:
        return [*super().routes(), web.get("/search/error.html", self.error)]

    async def error(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text="<!DOCTYPE html><title>error</title>", content_type="text/html")

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        raise web.HTTPFound("/search/error.html")


class SmallPictures(StandIn):
    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        return web.Response(body=encoded(noise(1, 40, 32)), content_type="image/jpeg")


class FirstIsGone(StandIn):
    """Serves no image for its first wallpaper, as third-party hosts do."""

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        if exhibit is self.exhibits[0]:
            raise web.HTTPNotFound
        return await super().picture(request, exhibit)


@pytest.mark.parametrize(
    ("kind", "status", "picture"),
    [
        (MovedPictures, 0, "JPEG 96x64"),
        (FirstIsGone, 0, "JPEG 96x64"),
        (ErrorPages, 4, "not_an_image"),
        (SmallPictures, 4, "placeholder (40x32, listed with 6,144 pixels)"),
    ],
)
def test_the_image_is_requested_and_checked_as_in_a_crawl(
    tmp_path: Path, kind: type[StandIn], status: int, picture: str
) -> None:
    with kind(exhibits(5)) as standin:
        result = doctor(standin.endpoint, tmp_path)
    assert cells(result)[-1].startswith(picture)
    assert result.status == status


def test_a_preview_is_not_compared_with_the_listed_size(tmp_path: Path) -> None:
    class OnlyPreviews(SearchStandIn):
        without_originals = True

    with OnlyPreviews([exhibit(1, width=1920, height=1080)]) as standin:
        words = ("-a", "previews=1", "-a", "protocol=data")
        result = doctor(standin.endpoint, tmp_path, *words, spider="baidu_search")
    assert cells(result)[-1] == "JPEG 48x32 (preview)"
    assert result.status == 0


def test_robots_txt_is_obeyed_on_request(tmp_path: Path) -> None:
    with faults.ForbiddingRobots(exhibits(2)) as standin:
        result = doctor(standin.endpoint, tmp_path, "-s", "ROBOTSTXT_OBEY=True")
    assert cells(result) == ["baidu_wallpaper", "yes", "robots", "0", "none", "not requested"]
    assert result.status == 4


def test_no_setting_makes_it_store_anything(tmp_path: Path) -> None:
    feed = json.dumps({str(tmp_path / "feed.json"): {"format": "json"}})
    pipelines = json.dumps({"wallpapers.pipelines.images.WallpaperImagesPipeline": 1})
    with StandIn(exhibits(2)) as standin:
        result = doctor(
            standin.endpoint,
            tmp_path,
            *("-s", f"FEEDS={feed}", "-s", f"JOBDIR={tmp_path / 'job'}"),
            *("-s", "HTTPCACHE_ENABLED=True", "-s", f"HTTPCACHE_DIR={tmp_path / 'cache'}"),
            *("-s", f"ITEM_PIPELINES={pipelines}"),
        )
    assert result.status == 0
    assert not list(tmp_path.iterdir())


def test_there_is_no_feed_option(tmp_path: Path) -> None:
    result = scrapy("doctor", "baidu_wallpaper", "-O", str(tmp_path / "feed.json"))
    assert result.status == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("rn=abc", "Could not start: rn must be a number from 1 to 100, got 'abc'"),
        ("self=1", "Could not start: unknown argument 'self'"),
        ("cols=1", "Could not start: unknown argument 'cols'; expected one of: col, "),
    ],
)
def test_a_wrong_argument_is_reported_in_one_line(word: str, line: str) -> None:
    result = scrapy("doctor", "baidu_wallpaper", "-a", word)
    assert (result.status, result.output) == (1, "")
    (logged,) = result.log.splitlines()
    assert line in logged


def test_a_wrong_setting_is_reported_once(tmp_path: Path) -> None:
    result = scrapy("doctor", "-s", "WALLPAPERS_PATIENCE_BACKOFF=0", *NOWHERE)
    assert (result.status, result.output) == (1, "")
    (logged,) = result.log.splitlines()
    assert "WALLPAPERS_PATIENCE_BACKOFF must be a number above 0, got '0'" in logged


class SilentServer(StandIn):
    """Accepts every request and never responds."""

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/{path:.*}", self.silence)]

    async def silence(self, request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError


@pytest.mark.slow
def test_a_silent_host_ends_with_a_timeout(tmp_path: Path) -> None:
    with SilentServer([]) as standin:
        result = doctor(f"{standin.origin}/search/acjson", tmp_path, spider="baidu_search")
        assert len(standin.asked) <= 4  # a crawl would retry for minutes
    assert cells(result) == ["baidu_search", "no", "timeout", "0", "none", "not requested"]
    assert result.status == 4


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_with_130(tmp_path: Path, signum: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}/data/imgs"
        process = start("doctor", "baidu_wallpaper", "-a", f"endpoint={endpoint}", cwd=tmp_path)
        with silent.accept()[0]:  # the page is asked for
            process.send_signal(signum)
            result = finish(process)
    assert (result.status, result.output) == (130, "")


def test_the_log_level_can_be_changed(tmp_path: Path) -> None:
    with StandIn(exhibits(2)) as standin:
        result = doctor(standin.endpoint, tmp_path, "-L", "DEBUG")
    assert "] DEBUG: Crawled (200) <GET " in result.log
    assert result.status == 0
