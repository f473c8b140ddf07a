"""Parse Baidu's image search, ``GET /search/acjson``, which has two response formats.

``data`` is the long format, with scrambled ``objURL`` and ``replaceUrl``. ``images`` is the format
of responses to ``newReq=1``; its keys are in lower case. Only ``thumburl`` and ``titleShow`` were
seen in public; the other keys are inferred from the long format. Both formats are accepted for
either request.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from wallpapers.items import Wallpaper
from wallpapers.listings import baidu, baidu_result, objurl
from wallpapers.listings.baidu_result import EXPECTED
from wallpapers.listings.drift import expected
from wallpapers.listings.page import Page, page_of, request_url
from wallpapers.listings.text import address, first_text, iso_date, page_address, whole_number

ENDPOINT = "https://image.baidu.com/search/acjson"
MAX_OFFSET = 1000  # results repeat from here on
MAX_RN = 100
SIZES = {0: "any", 9: "extra large", 3: "large", 2: "medium", 1: "small"}

EXPECTED_IMAGES = expected(
    texts="thumburl titleShow",
    optional="objurl hoverurl middleurl fromurl title date width height",
)


@dataclass(frozen=True)
class Query:
    """The search parameters, named as in the request; 0 = any."""

    word: str
    width: int = 0  # exact, pixels
    height: int = 0
    z: int = 0  # size class, see SIZES
    ic: int = 0  # colour


def page_url(
    query: Query, pn: int, rn: int, *, images: bool = False, endpoint: str = ENDPOINT
) -> str:
    """Return the address of the page of *rn* results that starts with result *pn* (0-based).

    *images* requests the ``images`` format instead of the ``data`` format.
    """
    rn = min(rn, max(MAX_OFFSET - pn, 1))
    common = {
        "tn": "resultjson_com",
        "word": query.word,
        "ie": "utf-8",
        "oe": "utf-8",
        "fp": "result",
        "pn": pn,
        "rn": rn,
        "gsm": f"{pn:x}",
        "width": query.width or "",
        "height": query.height or "",
        "z": query.z or "",
        "ic": query.ic,
    }
    if images:
        return request_url(
            endpoint, {**common, "fr": "", "ala": 0, "applid": "", "nojc": 0, "newReq": 1}
        )
    data_only = {
        "ipn": "rj",
        "ct": 201326592,
        "is": "",
        "queryWord": query.word,
        "cl": 2,
        "lm": -1,
        "st": -1,
        "face": 0,
        "istype": 2,
        "nc": 1,
    }
    return request_url(endpoint, {**common, **data_only})


def parse_page(body: bytes, *, previews: bool = False) -> Page:
    """Parse a page; *previews* adds the smaller images as candidates.

    Without ``data``, or if ``errno`` is not 0, the Page has no entries.
    Raises the errors of ``baidu.load``.
    """
    answer = baidu.load(body)
    data = answer.get("data")
    if isinstance(data, dict):
        entries = [] if answer.get("errno") else baidu.entries_before_terminator(data, "images")
        return page_of(entries, EXPECTED_IMAGES, partial(_wallpaper_of_images, previews=previews))
    entries = baidu.entries_before_terminator(answer, "data")
    page = page_of(entries, EXPECTED, partial(baidu_result.wallpaper, previews=previews))
    page.total = whole_number(answer.get("listNum"))
    return page


def _wallpaper_of_images(entry: dict[str, Any], *, previews: bool) -> Wallpaper:
    original, page = entry.get("objurl"), entry.get("fromurl")
    smaller = [address(entry.get(key)) for key in ("hoverurl", "middleurl", "thumburl")]
    return baidu_result.with_previews(
        [address(objurl.decode(original))] if isinstance(original, str) else [],
        smaller,
        previews=previews,
        sign=baidu_result.sign(*smaller),
        title=first_text(entry, ("titleShow", "title")),
        page_url=page_address(objurl.decode(page)) if isinstance(page, str) else "",
        date=iso_date(entry.get("date")),
        width=whole_number(entry.get("width")) or 0,
        height=whole_number(entry.get("height")) or 0,
    )
