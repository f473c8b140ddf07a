"""Parse Bing's images of the day, ``GET /HPImageArchive.aspx``, of the last fifteen days."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from wallpapers.items import Wallpaper
from wallpapers.listings import tolerant_json
from wallpapers.listings.drift import expected
from wallpapers.listings.extra import extra_of
from wallpapers.listings.page import Page, entries_of, object_of, page_of, request_url
from wallpapers.listings.text import first_text, identity, iso_date, joined, page_address

ENDPOINT = "https://www.bing.com/HPImageArchive.aspx"
MAX_OFFSET = 15  # idx is at most 7, n at most 8
EXPECTED = expected(
    texts="startdate fullstartdate enddate url urlbase copyright copyrightlink title quiz hsh",
    numbers="drk top bot",
    wp=bool,
    hs=list,
)
_CREDIT = re.compile(r"\(©\s*((?:[^()]|\([^()]*\))+)\)")  # behind the description


def page_url(offset: int, market: str, endpoint: str) -> str:
    """Return the address of the page of eight days that starts *offset* days ago."""
    parameters = {"format": "js", "idx": min(offset, 7), "n": 8, "mkt": market}
    return request_url(endpoint, parameters)


def parse_page(body: bytes, endpoint: str = ENDPOINT) -> Page:
    """Parse a page; its addresses are relative to *endpoint*."""
    answer = tolerant_json.load(body)
    entries = entries_of(answer, "images")
    terms = object_of(answer, "tooltips")
    return page_of(entries, EXPECTED, partial(_wallpaper, endpoint, terms))


def _wallpaper(endpoint: str, terms: dict[str, Any], entry: dict[str, Any]) -> Wallpaper:
    largest = f"{entry['urlbase']}_UHD.jpg" if entry.get("urlbase") else ""
    candidates = [url for path in (largest, entry.get("url")) if (url := joined(endpoint, path))]
    credit = _CREDIT.search(first_text(entry, ["copyright"]))
    return Wallpaper(
        id=identity(entry.get("hsh"), candidates),
        image_urls=candidates,
        credit=credit[1].strip() if credit else "",
        licence=first_text(terms, ["walls" if entry.get("wp") else "walle"]),
        extra=extra_of(entry, "copyright"),
        title=first_text(entry, ("title", "copyright")),
        page_url=page_address(entry.get("copyrightlink"), endpoint),
        date=iso_date(entry.get("startdate")),
    )
