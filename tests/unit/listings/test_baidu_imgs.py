"""The listing of Baidu's channels: the address of a page, and the wallpapers on it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from tests.pictures import exhibit
from wallpapers.demo.standin import entry as standin_entry
from wallpapers.items import Wallpaper
from wallpapers.listings.baidu_imgs import Query, page_url, parse_page

ORIGIN = "http://d.hiphotos.baidu.com"
ENTRY = standin_entry(exhibit(id="9561172051", title="层峦叠嶂", width=1920, height=1080), ORIGIN)
ADDRESS = ENTRY["downloadUrl"]


def entry(**changes: Any) -> dict[str, Any]:
    """Return an entry of the real shape, with *changes*; None takes a key away."""
    changed = {**ENTRY, **changes}
    return {key: value for key, value in changed.items() if value is not None}


def body(*entries: Any, **top: Any) -> bytes:
    """Return a page with *entries*, closed by the empty object as real ones are."""
    answer = {"totalNum": 240, "startIndex": 0, "imgs": [*entries, {}], **top}
    return json.dumps(answer, ensure_ascii=False).encode()


def only(page_body: bytes) -> Wallpaper:
    """Return the single wallpaper that a page names."""
    (wallpaper,) = parse_page(page_body).wallpapers
    return wallpaper


# The request


def test_the_request_has_every_parameter_of_the_original() -> None:
    url = page_url(Query("壁纸", "国家地理"), pn=120, rn=60, t=0.25)
    assert dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)) == {
        "pn": "120",
        "rn": "60",
        "col": "壁纸",
        "tag": "国家地理",
        "tag3": "",
        "width": "1600",
        "height": "900",
        "ic": "0",
        "ie": "utf8",
        "oe": "utf-8",
        "image_id": "",
        "fr": "channel",
        "p": "channel",
        "from": "1",
        "app": "img.browse.channel.wallpaper",
        "t": "0.25",
    }
    assert url.startswith("http://image.baidu.com/data/imgs?")


def test_path_and_query_of_another_endpoint_are_kept() -> None:
    query = Query("壁纸", "风景", "海滩沙滩", width=2560, height=1440)
    url = page_url(query, 0, 30, t=0.5, endpoint="https://mirror.test:8443/a/b?key=k%26k&rn=1#top")
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "mirror.test:8443", "/a/b")
    values = parse_qs(parts.query)
    assert values["key"] == ["k&k"]
    assert values["rn"] == ["30"]
    assert values["tag3"] == ["海滩沙滩"]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        (Query("壁纸", "国家地理"), "国家地理"),
        (Query("壁纸", "风景", "海滩沙滩"), "风景-海滩沙滩"),
        (Query("壁纸", ""), "壁纸"),
    ],
)
def test_a_listing_is_named_after_its_tags(query: Query, name: str) -> None:
    assert query.name == name


# A page


def test_an_entry_becomes_a_wallpaper() -> None:
    more = {"siteName": "花瓣", "owner": {"userName": "林", "userId": "7", "orgName": "0"}}
    assert only(body(entry(fromUrl="http://huaban.com/pins/1/", **more))) == Wallpaper(
        id="9561172051",
        image_urls=[ADDRESS],
        extra={"column": "壁纸", "siteName": "花瓣", "userName": "林"},
        title="层峦叠嶂",
        tags=["国家地理"],
        page_url="http://huaban.com/pins/1/",
        date="2016-01-26",
        width=1920,
        height=1080,
    )


def test_the_empty_object_at_the_end_is_not_an_entry() -> None:
    page = parse_page(body(entry(id="1"), entry(id="2")))
    assert page.entries == 2
    assert not page.rejected


@pytest.mark.parametrize(
    "answer",
    [{"imgs": []}, {"imgs": [{}]}, {"imgs": None}, {"totalNum": 0}],
    ids=["empty", "closing object", "null", "absent"],
)
def test_a_page_after_the_end_is_empty(answer: dict[str, Any]) -> None:
    page = parse_page(json.dumps(answer).encode())
    assert (page.entries, page.wallpapers) == (0, [])


@pytest.mark.parametrize(
    ("total", "read"),
    [
        (2398, 2398),
        ("2398", 2398),
        ("约2398", None),
        (-1, None),
        (None, None),
        (True, None),
        (float("nan"), None),
        (10**30, None),
        (int("9" * 4200), None),
        ([], None),
    ],
)
def test_a_total_is_a_number_or_unknown(total: Any, read: int | None) -> None:
    assert parse_page(body(entry(), totalNum=total)).total == read


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({}, "no_candidate"),
        (None, "not_an_object"),
        ("text", "not_an_object"),
        (7, "not_an_object"),
        ([], "not_an_object"),
        (entry(downloadUrl="", imageUrl=None, objUrl="  "), "no_candidate"),
        (entry(downloadUrl=5, imageUrl=["http://a/b.jpg"], objUrl={}), "no_candidate"),
    ],
)
def test_a_bad_entry_is_skipped_and_counted(bad: Any, reason: str) -> None:
    page = parse_page(body(entry(id="1"), bad, entry(id="2")))
    assert [wallpaper.id for wallpaper in page.wallpapers] == ["1", "2"]
    assert page.rejected == {reason: 1}
    assert page.entries == 3


def test_candidates_are_the_originals_without_duplicates() -> None:
    page = body(
        entry(downloadUrl="http://a/1.jpg", imageUrl="http://b/1.jpg", objUrl="http://a/1.jpg")
    )
    assert only(page).image_urls == ["http://a/1.jpg", "http://b/1.jpg"]


@pytest.mark.parametrize(
    ("listed", "read"),
    [
        (" http://a/1.jpg\n", "http://a/1.jpg"),
        ("http%3A%2F%2Ffe.topit.me%2Fe%2F1.jpg", "http://fe.topit.me/e/1.jpg"),
        ("http://img.hb.aicdn.com/e10e2a76-JJODr7", "http://img.hb.aicdn.com/e10e2a76-JJODr7"),
        ("http://user:secret@a/1.jpg", "http://***@a/1.jpg"),
        ("//user@a/1@2x.jpg", "//***@a/1@2x.jpg"),
        ("http://a/wide@2x.jpg", "http://a/wide@2x.jpg"),
        ("ftp://a/1.jpg", "ftp://a/1.jpg"),
        ("http://a/\ud800.jpg", "http://a/?.jpg"),
    ],
)
def test_blanks_and_secrets_are_removed_from_addresses(listed: str, read: str) -> None:
    page = json.dumps({"imgs": [entry(downloadUrl=listed, imageUrl=None, objUrl=None)]}).encode()
    assert only(page).image_urls == [read]


@pytest.mark.parametrize(
    ("listed", "read"),
    [
        ("9561172051", "9561172051"),
        (9561172051, "9561172051"),
        (123456789012345678901234567890, "123456789012345678901234567890"),
    ],
)
def test_an_id_is_text(listed: Any, read: str) -> None:
    assert only(body(entry(id=listed))).id == read


@pytest.mark.parametrize("listed", [None, "", " ", True, [], 1.5])
def test_without_an_id_the_first_candidate_is_hashed(listed: Any) -> None:
    first, second = (
        only(body(entry(id=listed, downloadUrl=url))).id for url in ("http://a/1", "http://a/2")
    )
    assert len(first) == len(second) == 20
    assert first != second
    assert only(body(entry(id=listed, downloadUrl="http://a/1", title="other"))).id == first


@pytest.mark.parametrize(
    ("fields", "title"),
    [
        ({"title": "a", "desc": "b"}, "a"),
        ({"title": " ", "desc": "b"}, "b"),
        ({"title": "<br>", "desc": None, "fromPageTitle": "c"}, "c"),
        ({"title": 5, "desc": [], "fromPageTitle": None}, ""),
        ({"title": "图14 <strong>折线图</strong>"}, "图14 折线图"),
        ({"title": "A &amp; B &lt;b&gt;bold&lt;/b&gt;"}, "A & B bold"),
        ({"title": "a\uffff\ufffeb"}, "a b"),
        ({"title": "two\nlines\tand \u202eturned\x1b[31m"}, "two lines and turned [31m"),
    ],
)
def test_a_title_is_the_first_text_that_is_not_empty(fields: dict[str, Any], title: str) -> None:
    assert only(body(entry(**fields))).title == title


@pytest.mark.parametrize(
    ("tags", "read"),
    [(None, []), (["a", "b", "a", "", 5, None], ["a", "b"]), ("a", ["a"]), ({}, [])],
)
def test_tags_are_a_list_of_texts(tags: Any, read: list[str]) -> None:
    changed = {**ENTRY, "tags": tags}
    assert only(body(changed)).tags == read


@pytest.mark.parametrize(
    ("size", "read"), [(1920, 1920), ("1920", 1920), ("wide", 0), (-5, 0), (None, 0), (1.5e300, 0)]
)
def test_a_claimed_size_is_a_number_or_unknown(size: Any, read: int) -> None:
    assert only(body({**ENTRY, "imageWidth": size})).width == read


@pytest.mark.parametrize("date", ["2016-13-45", "yesterday", 20160126, None])
def test_an_invalid_date_is_empty(date: Any) -> None:
    assert only(body({**ENTRY, "date": date})).date == ""
