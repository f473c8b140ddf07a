"""``scrapy doctor``: is each source well, and if not, what to do."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.e2e.command import Result, scrapy
from tests.pictures import exhibits
from tests.standin.listing_faults import AntiFlag, CaptchaRedirect, EmptyListing, HtmlListing
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


# Dialling from an address that is not this machine's fails at once.
NOWHERE = ("-s", "DOWNLOAD_BIND_ADDRESS=192.0.2.1")


DRIFT = "missing imageWidth; mistyped imageHeight: str; new width"
ANTI_FLAG = "Baidu's refusal of robots (antiFlag): Forbid spider access"
CAPTCHA = "a redirect to http://wappass.captcha.invalid/static/captcha/?ak=1, a captcha"


def doctor(endpoint: str, folder: Path, *words: str) -> Result:
    return scrapy(
        *("doctor", "baidu_wallpaper", "-a", f"endpoint={endpoint}", *words),
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
            "its entries are not as they were (missing imageWidth; ",
        ),
        (
            AntiFlag,
            4,
            [
                "yes",
                "Baidu's refusal of robots (antiFlag): Forbid spider access",
                "0",
                "none",
                "not asked for",
            ],
            "the source refuses robots for now",
        ),
        (
            HtmlListing,
            4,
            ["yes", "no JSON", "0", "none", "not asked for"],
            "or try: scrapy crawl baidu_search -a word='国家地理 壁纸'",
        ),
        (
            CaptchaRedirect,
            4,
            [
                "yes",
                "a redirect to http://wappass.captcha.invalid/static/captcha/?ak=1, a captcha",
                "0",
                "none",
                "not asked for",
            ],
            "the source refuses robots for now",
        ),
        (EmptyListing, 4, ["yes", "no wallpaper", "0", "none", "not asked for"], "names no"),
        (NoPictures, 4, ["yes", "yes", "5", "none", "http_403"], "could not be had (http_403)"),
    ],
)
def test_a_source_is_described_in_a_row_and_a_line_of_advice(
    tmp_path: Path, kind: type[StandIn], status: int, row: list[str], advice: str | None
) -> None:
    with kind(exhibits(5)) as standin:
        result = doctor(standin.endpoint, tmp_path)
        assert len(standin.asked) <= 3
    assert cells(result) == ["baidu_wallpaper", *row]
    assert result.status == status
    assert "Traceback" not in result.log
    lines = result.output.splitlines()[2:]
    assert len(lines) == (advice is not None)
    assert advice is None or advice in lines[0]
    assert not list(tmp_path.iterdir())


def test_a_dead_host_is_told_soon(tmp_path: Path) -> None:
    with StandIn(exhibits(1)) as standin:
        endpoint = standin.endpoint
    result = doctor(endpoint, tmp_path)
    assert result.status == 4
    assert cells(result) == ["baidu_wallpaper", "no", "connection", "0", "none", "not asked for"]
    assert "check the network" in result.output


def test_the_same_as_json_without_a_token(tmp_path: Path) -> None:
    with HtmlListing(exhibits(5)) as standin:
        result = doctor(f"{standin.endpoint}?token=canary-token", tmp_path, "--json")
    (told,) = json.loads(result.output)
    assert (told["source"], told["answers"], told["refusal"]) == (
        "baidu_wallpaper",
        True,
        "no JSON",
    )
    assert "canary" not in result.output + result.log


def test_all_sources_are_asked_where_none_is_named(tmp_path: Path) -> None:
    result = scrapy("doctor", "-s", f"IMAGES_STORE={tmp_path / 'store'}", *NOWHERE)
    sources = [line.split()[0] for line in result.output.splitlines()[1:7]]
    names = scrapy("list").output.split()
    assert sources == sorted(names)
    assert result.status == 4
    assert "Traceback" not in result.log


def test_wrong_usage_is_told(tmp_path: Path) -> None:
    assert scrapy("doctor", "-a", "word=x").status == 2
    assert scrapy("doctor", "nobody").status == 2
    assert scrapy("doctor", "baidu_wallpaper", "-a", "rn=abc").status == 1
