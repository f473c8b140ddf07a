"""Baidu's image search: what is asked for, which candidates a result has, and in what order."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.standin.sources import scramble
from wallpapers.errors import ListingRefusedError
from wallpapers.items import Wallpaper
from wallpapers.listings import baidu_result
from wallpapers.listings.baidu_search import Query, page_url, parse_page

ORIGINAL = "http://a.cn/Wide/1.jpg"
COPY = "http://img1.imgtn.bdimg.com/it/u=1,2&fm=214&gp=0.jpg"
HOVER = "https://img1.baidu.com/it/u=1,2&fm=26&gp=0.jpg"
MIDDLE = "https://img2.baidu.com/it/u=1,2&fm=253"
ENTRY = {
    "objURL": scramble(ORIGINAL),
    "replaceUrl": [{"ObjURL": COPY, "ObjUrl": COPY, "FromURL": "http://a.cn/"}],
    "hoverURL": HOVER,
    "middleURL": MIDDLE,
    "cs": "1,2",
}


def only(entry: dict[str, Any], *, previews: bool = False) -> Wallpaper:
    (wallpaper,) = parse_page(
        json.dumps({"data": [entry, {}]}).encode(), previews=previews
    ).wallpapers
    return wallpaper


def asked(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def test_the_request_has_the_parameters_of_public_clients() -> None:
    parameters = asked(page_url(Query("国家地理 壁纸", 1920, 1080, z=9, ic=16), 60, 30))
    assert parameters == {
        "tn": "resultjson_com",
        "ipn": "rj",
        "ct": "201326592",
        "is": "",
        "fp": "result",
        "queryWord": "国家地理 壁纸",
        "word": "国家地理 壁纸",
        "cl": "2",
        "lm": "-1",
        "ie": "utf-8",
        "oe": "utf-8",
        "st": "-1",
        "z": "9",
        "ic": "16",
        "face": "0",
        "width": "1920",
        "height": "1080",
        "istype": "2",
        "nc": "1",
        "pn": "60",
        "rn": "30",
        "gsm": "3c",
    }


def test_the_images_format_is_requested_with_newreq() -> None:
    parameters = asked(page_url(Query("壁纸"), 30, 30, images=True))
    assert parameters["newReq"] == "1"
    assert (parameters["pn"], parameters["gsm"], parameters["nojc"]) == ("30", "1e", "0")


@pytest.mark.parametrize(("pn", "rn"), [(0, "30"), (970, "30"), (980, "20"), (999, "1")])
def test_no_result_after_the_thousandth_is_requested(pn: int, rn: str) -> None:
    assert asked(page_url(Query("壁纸"), pn, 30))["rn"] == rn


def test_previews_are_candidates_only_on_request() -> None:
    assert only(ENTRY).image_urls == [ORIGINAL, COPY]
    assert only(ENTRY).previews == []
    with_previews = only(ENTRY, previews=True)
    assert with_previews.image_urls == [ORIGINAL, COPY, HOVER, MIDDLE]
    assert with_previews.previews == [HOVER, MIDDLE]


@pytest.mark.parametrize("replacement", [None, [], [None, 5, {}], "text", {"ObjURL": COPY}])
def test_an_invalid_replacement_is_ignored(replacement: Any) -> None:
    assert only({**ENTRY, "replaceUrl": replacement}).image_urls == [ORIGINAL]


def test_an_original_that_is_also_a_preview_is_an_original() -> None:
    wallpaper = only({**ENTRY, "hoverURL": ORIGINAL}, previews=True)
    assert wallpaper.previews == [MIDDLE]


def test_an_entry_with_only_previews_is_counted() -> None:
    entry = {**ENTRY, "objURL": "", "replaceUrl": []}
    page = parse_page(json.dumps({"data": [entry]}).encode())
    assert page.rejected == {"only_previews": 1}
    assert only(entry, previews=True).image_urls == [HOVER, MIDDLE]


@pytest.mark.parametrize(
    ("fields", "identity"),
    [
        ({"cs": "1202112146,122929379"}, "1202112146,122929379"),
        ({"cs": "0,0", "thumbURL": "https://img0.baidu.com/it/u=7,8&fm=253&w=1"}, "7,8"),
        ({"cs": None, "middleURL": "http://a/?x=1&u=9,10"}, "9,10"),
    ],
)
def test_an_image_has_the_same_id_in_both_formats(fields: dict[str, Any], identity: str) -> None:
    assert only({**ENTRY, **fields}).id == identity


def test_without_a_sign_the_first_candidate_is_hashed() -> None:
    entry = {"objURL": scramble(ORIGINAL)}
    assert only(entry).id == only({**entry, "fromPageTitle": "other"}).id
    assert only(entry).id != only({"objURL": COPY}).id


@pytest.mark.parametrize(
    ("url", "referer"),
    [
        ("https://img1.baidu.com/it/u=1,2&fm=253", "https://image.baidu.com/"),
        ("http://ss1.bdstatic.com/70c/it/u=1,2", "https://image.baidu.com/"),
        ("http://img1.imgtn.bdimg.com/it/u=1,2", "https://image.baidu.com/"),
        ("http://pic.cn:8080/a/b.jpg?c", "http://pic.cn:8080/"),
        ("http://notbaidu.com/1.jpg", "http://notbaidu.com/"),
        ("http://[", "https://image.baidu.com/"),
        ("", "https://image.baidu.com/"),
    ],
)
def test_third_party_hosts_get_their_own_origin_as_referer(url: str, referer: str) -> None:
    assert baidu_result.referer(url, "https://image.baidu.com/") == referer


@pytest.mark.parametrize(
    "answer",
    [
        {"listNum": 0, "data": []},
        {"data": [{}]},
        {"data": None},
        {"errno": 1, "data": {"images": [{"thumburl": "http://a/1"}]}},
        {"errno": 0, "data": {}},
        {"errno": 0, "data": {"images": [{}]}},
        {},
    ],
)
def test_a_page_after_the_end_is_empty(answer: dict[str, Any]) -> None:
    page = parse_page(json.dumps(answer).encode())
    assert (page.entries, page.wallpapers) == (0, [])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            '{"antiFlag":1,"message":"Forbid spider access","bfe_log_id":"9"}',
            "Forbid spider access",
        ),
        ("<html><title>百度安全验证</title>", "a captcha page"),
    ],
)
def test_refusals_are_distinguished(body: str, words: str) -> None:
    with pytest.raises(ListingRefusedError, match=words):
        parse_page(body.encode())
