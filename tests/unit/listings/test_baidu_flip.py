"""The web page of Baidu's image search, read by XPath and, independently, by BeautifulSoup."""

from __future__ import annotations

import json
import re

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from tests.pictures import exhibits
from tests.standin.sources import FlipStandIn
from tests.unit.listings.test_every_listing import body_of
from wallpapers.errors import ListingCutError, ListingError, ListingRefusedError
from wallpapers.listings.baidu_flip import parse_page

_ORIGINAL = re.compile(r'"objURL":\s?"(.*?)",')


def standin_page(count: int) -> bytes:
    standin = FlipStandIn(exhibits(count))
    return standin.encode(standin.answer(0, standin.exhibits))


def originals_by_soup(body: bytes) -> list[str]:
    """Return what every public client takes, but from the script that hands over the results."""
    soup = BeautifulSoup(body, "html.parser")
    (script,) = [text for tag in soup.find_all("script") if "imgData" in (text := tag.get_text())]
    return _ORIGINAL.findall(script)


def ends_by_soup(body: bytes) -> bool:
    soup = BeautifulSoup(body, "html.parser")
    for script in soup.find_all("script"):
        script.decompose()
    return "抱歉，没有找到" in soup.get_text()


@pytest.mark.parametrize("body", [body_of("baidu_flip.html"), standin_page(7)])
def test_an_independent_parser_finds_the_same_originals(body: bytes) -> None:
    originals = [wallpaper.image_urls[0] for wallpaper in parse_page(body).wallpapers]
    assert originals == originals_by_soup(body)
    assert originals
    assert not ends_by_soup(body)


@pytest.mark.parametrize("body", [body_of("baidu_flip.end.html"), standin_page(0)])
def test_an_independent_parser_finds_the_same_end(body: bytes) -> None:
    page = parse_page(body)
    assert page.ended
    assert page.entries == 0
    assert ends_by_soup(body)


_MARKUP = st.sampled_from(
    [
        "<p>",
        "</p>",
        "<!-- ",
        " -->",
        "<script>var a = 1;</script>",
        "<div class='x'>",
        "</div>",
        "文",
        "&lt;",
    ]
)


@given(st.lists(_MARKUP, max_size=8))
def test_markup_after_the_script_is_ignored(markup: list[str]) -> None:
    body = body_of("baidu_flip.html").decode().replace("</body>", "".join(markup) + "</body>")
    originals = [wallpaper.image_urls[0] for wallpaper in parse_page(body.encode()).wallpapers]
    assert originals == originals_by_soup(body.encode())


@pytest.mark.parametrize(
    "beginning",
    [
        "flip.setData('imgData', ",
        'app.setData("imgData",',
        "app.setData( 'imgData' ,\n",
        "var imgTempData = ",
        "imgTempData=",
    ],
)
def test_the_results_of_every_page_version_are_found(beginning: str) -> None:
    results = r"""{'listNum': 12, "data": [{objURL: 'http://a/it\'s.jpg', cs: "1,2",}, {}],});"""
    page = parse_page(f"<html><script>{beginning}{results}</script>".encode())
    assert [wallpaper.image_urls for wallpaper in page.wallpapers] == [["http://a/it's.jpg"]]
    assert page.total == 12


def test_the_text_of_the_end_in_a_script_or_title_is_ignored() -> None:
    results = json.dumps(
        {"data": [{"objURL": "http://a/1.jpg", "fromPageTitle": "抱歉，没有找到"}]}
    )
    page = parse_page(f"<script>flip.setData('imgData', {results});</script>".encode())
    assert len(page.wallpapers) == 1
    assert not page.ended


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"", ListingCutError, "an empty response"),
        (b"<html><title>x</title></html>", ListingError, "a web page without results"),
        (b"<script>var imgData;</script>", ListingError, "without results"),
        (b"<script>flip.setData('imgData', {\"data\": [{", ListingCutError, "with invalid results"),
        (b'{"data": []}', ListingError, "JSON instead of a web page"),
        (b'{"antiFlag":1,"message":"m"}', ListingRefusedError, "antiFlag"),
        ("<p>安全验证</p>".encode(), ListingRefusedError, "captcha"),
        ("<p>安全验证</p>".encode("gbk"), ListingRefusedError, "captcha"),
        (
            b"<script>flip.setData('imgData', "
            + b'{"a":[' * 9_000
            + b"]}" * 9_000
            + b");</script>",
            ListingError,
            "nested too deeply",
        ),
        (
            b"<script>flip.setData('imgData', {\"data\":[" + b"{}," * 30_000 + b"]});</script>",
            ListingError,
            "more than 20000 objects",
        ),
    ],
)
def test_an_unexpected_response_is_described(
    body: bytes, kind: type[Exception], words: str
) -> None:
    with pytest.raises(ListingError, match=words) as caught:
        parse_page(body)
    assert type(caught.value) is kind
