"""``scrapy doctor``: the report on each source, with advice."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.e2e.command import Result, scrapy
from tests.pictures import exhibits
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


def test_a_closed_port_is_reported_soon(tmp_path: Path, closed_port: int) -> None:
    result = doctor(f"http://127.0.0.1:{closed_port}/data/imgs", tmp_path)
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


def test_robots_txt_is_obeyed_on_request(tmp_path: Path) -> None:
    with faults.ForbiddingRobots(exhibits(2)) as standin:
        result = doctor(standin.endpoint, tmp_path, "-s", "ROBOTSTXT_OBEY=True")
    assert cells(result) == ["baidu_wallpaper", "yes", "robots", "0", "none", "not requested"]
    assert result.status == 4
