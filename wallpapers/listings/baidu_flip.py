"""Parse the web page of Baidu's image search, ``GET /search/flip``.

The results are an object in a script, passed to ``flip.setData('imgData', …)``. Older pages and
``/search/index`` used ``app.setData`` and ``var imgTempData =``. The object is JavaScript, which is
not always valid JSON.
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
    """The search parameters, named as in the request; 0 = any."""

    word: str
    width: int = 0  # exact, pixels
    height: int = 0
    ic: int = 0  # colour


def page_url(query: Query, pn: int, *, endpoint: str = ENDPOINT) -> str:
    """Return the address of the page that starts with result *pn* (0-based).

    The endpoint chooses the number of results per page; 20, 30 and 60 were seen.
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
    """Parse a page; a page that reports no results gives a Page without entries.

    Raises ListingCutError if the page is truncated, ListingRefusedError if Baidu refuses the
    request, ListingError for any other page.
    """
    if not body.strip():
        raise ListingCutError("an empty response")
    text = tolerant_json.decode(body).replace("\0", "")
    if text.lstrip()[:1] == "{":
        baidu.load(body)  # raises ListingRefusedError for a refusal
        raise ListingError("JSON instead of a web page")
    html = Selector(text, type="html")
    answer = _results(html)
    if answer is None:
        if html.xpath(_NOTHING_FOUND).get() == "1":
            return Page(ended=True)
        baidu.raise_for_captcha(text)
        raise ListingError("a web page without results")
    entries = baidu.entries_before_terminator(answer, "data")
    page = page_of(entries, EXPECTED, partial(baidu_result.wallpaper, previews=previews))
    page.total = whole_number(answer.get("listNum"))
    return page


def _results(html: Selector) -> dict[str, Any] | None:
    """Return the results object of the page's script, or None if there is none."""
    for script in html.xpath(_SCRIPTS).getall():
        if match := _RESULTS.search(script):
            results = script[match.end() :]
            try:
                answer = chompjs.parse_js_object(results, loader=tolerant_json.loads)
            except ValueError as error:  # raised by chompjs
                raise ListingCutError("a web page with invalid results") from error
            return answer if isinstance(answer, dict) else None
    return None
