"""Baidu's image search as a web page, ``GET /search/flip``: results inside of a script.

The script hands an object to ``flip.setData('imgData', …)``; older pages and ``/search/index`` used
``app.setData`` and ``var imgTempData =``. That object is JavaScript, which JSON is only mostly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any

import chompjs
from parsel import Selector

from wallpapers.errors import ListingCutError, ListingError
from wallpapers.listings import baidu, baidu_result, tolerant_json
from wallpapers.listings.baidu_result import EXPECTED
from wallpapers.listings.page import Page, page_of, request_url
from wallpapers.listings.text import whole_number

__all__ = ["ENDPOINT", "EXPECTED", "Query", "page_url", "parse_page"]

ENDPOINT = "https://image.baidu.com/search/flip"

_SCRIPTS = "//script[contains(., 'imgData') or contains(., 'imgTempData')]/text()"
_NOTHING_FOUND = "boolean(//*[not(self::script)]/text()[contains(., '抱歉，没有找到')])"
_RESULTS = re.compile(r"""(?:setData\(\s*["']imgData["']\s*,|\bimgTempData\s*=)\s*(?=\{)""")


@dataclass(frozen=True)
class Query:
    """What is searched for, in the endpoint's own words; 0 = any."""

    word: str
    width: int = 0  # exact, pixels
    height: int = 0
    ic: int = 0  # colour


def page_url(query: Query, pn: int, *, endpoint: str = ENDPOINT) -> str:
    """Return the address of the page that begins with result *pn* (0-based).

    How many results a page has is the endpoint's own choice: 20, 30 and 60 were seen.
    """
    parameters = {
        "tn": "baiduimage",
        "ie": "utf-8",
        "word": query.word,
        "pn": pn,
        "gsm": f"{pn:x}",
        "ct": "",
        "ic": query.ic,
        "lm": -1,
        "width": query.width,
        "height": query.height,
    }
    return request_url(endpoint, parameters)


def parse_page(body: bytes, *, previews: bool = False) -> Page:
    """Return what a page names; the page that found nothing gives one without entries.

    Raises ListingCutError for a page that did not come whole, ListingRefusedError for Baidu's
    answers to robots, ListingError for another page.
    """
    if not body.strip():
        raise ListingCutError("an empty body")
    text = tolerant_json.decode(body).replace("\0", "")
    if text.lstrip()[:1] == "{":
        baidu.load(body)  # which knows the refusals
        raise ListingError("JSON instead of a web page")
    html = Selector(text, type="html")
    answer = _results(html)
    if answer is None:
        if html.xpath(_NOTHING_FOUND).get() == "1":
            return Page(ended=True)
        baidu.refuse_captcha(text)
        raise ListingError("a web page without results and without saying so")
    entries = baidu.closed_entries(answer, "data")
    page = page_of(entries, EXPECTED, partial(baidu_result.wallpaper, previews=previews))
    page.total = whole_number(answer.get("listNum"))
    return page


def _results(html: Selector) -> dict[str, Any] | None:
    """Return the object that a script hands over, or None where none does."""
    for script in html.xpath(_SCRIPTS).getall():
        if found := _RESULTS.search(script):
            beginning = script[found.end() :]
            try:
                answer = chompjs.parse_js_object(beginning, loader=tolerant_json.loads)
            except ValueError as error:  # chompjs's own
                raise ListingCutError("a web page whose results are broken") from error
            return answer if isinstance(answer, dict) else None
    return None
