r"""Baidu's channel listing, ``GET /data/imgs``: a page of wallpapers as JSON.

The shape is the one seen in public clients and recorded answers of 2014 to 2019; no public source
documents it. What real answers do, and this parser therefore takes in its stride: ``imgs`` closes
with an empty object beyond the last entry, ``totalNum`` may be an int or a str, strings carry
``\'`` escapes and raw control characters, a body may be GBK.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from wallpapers.errors import ListingError, ListingRefusedError
from wallpapers.items import Wallpaper
from wallpapers.listings import tolerant_json
from wallpapers.listings.page import (
    Page,
    address,
    iso_date,
    plain_text,
    plain_texts,
    whole_number,
)

ENDPOINT = "http://image.baidu.com/data/imgs"
MAX_RN = 100  # the largest page that any public client asks for

_CANDIDATES = ("downloadUrl", "imageUrl", "objUrl")
_TITLES = ("title", "desc", "fromPageTitle")


@dataclass(frozen=True)
class Query:
    """What the listing is asked for, in the endpoint's own words."""

    col: str
    tag: str
    tag3: str = ""
    width: int = 1600  # the screen that is told to the endpoint, pixels
    height: int = 900

    @property
    def name(self) -> str:
        """A short name of this listing, for people and for folders."""
        return "-".join(filter(None, (self.tag, self.tag3))) or self.col


def page_url(query: Query, pn: int, rn: int, *, t: float, endpoint: str = ENDPOINT) -> str:
    """Return the address of the page of *rn* images that begins with image *pn* (0-based).

    Sends every parameter of the original page's request; *t* is its cache buster, 0 <= t < 1.
    Path and query of *endpoint* are kept, except for parameters of the same name.
    """
    parameters = {
        "pn": pn,
        "rn": rn,
        "col": query.col,
        "tag": query.tag,
        "tag3": query.tag3,
        "width": query.width,
        "height": query.height,
        "ic": 0,
        "ie": "utf8",
        "oe": "utf-8",
        "image_id": "",
        "fr": "channel",
        "p": "channel",
        "from": 1,
        "app": "img.browse.channel.wallpaper",
        "t": t,
    }
    parts = urlsplit(endpoint)
    kept = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name not in parameters
    ]
    return urlunsplit(parts._replace(query=urlencode([*kept, *parameters.items()]), fragment=""))


def parse_page(body: bytes) -> Page:
    """Return what a page names; one bad entry costs itself and is counted, never its page.

    ``imgs`` empty, null or absent gives a Page without entries.

    Raises ListingCutError for a body that ends too early or is empty, ListingRefusedError for
    Baidu's answer to robots, and ListingError for whatever else is not this protocol.
    """
    answer = tolerant_json.load(body)
    if not isinstance(answer, dict):
        raise ListingError(f"JSON, but a {type(answer).__name__} instead of an object")
    if answer.get("antiFlag"):
        said = plain_text(answer.get("message")) or "no message"
        raise ListingRefusedError(f"Baidu's refusal of robots (antiFlag): {said}")
    entries = answer.get("imgs")
    if entries is None:
        entries = []
    if not isinstance(entries, list):
        raise ListingError(f"JSON whose imgs is a {type(entries).__name__} instead of a list")
    if entries and entries[-1] == {}:
        entries = entries[:-1]

    page = Page(entries=len(entries), total=whole_number(answer.get("totalNum")))
    for entry in entries:
        if not isinstance(entry, dict):
            page.rejected["not_an_object"] += 1
        elif not (candidates := _candidates(entry)):
            page.rejected["no_candidate"] += 1
        else:
            page.wallpapers.append(_wallpaper(entry, candidates))
    return page


def _candidates(entry: dict[str, Any]) -> list[str]:
    found = (address(entry.get(key)) for key in _CANDIDATES)
    return list(dict.fromkeys(url for url in found if url))


def _wallpaper(entry: dict[str, Any], candidates: list[str]) -> Wallpaper:
    return Wallpaper(
        id=_identity(entry.get("id"), candidates[0]),
        image_urls=candidates,
        title=next(filter(None, (plain_text(entry.get(key)) for key in _TITLES)), ""),
        tags=plain_texts(entry.get("tags")),
        page_url=address(entry.get("fromUrl")),
        date=iso_date(entry.get("date")),
        width=whole_number(entry.get("imageWidth")) or 0,
        height=whole_number(entry.get("imageHeight")) or 0,
    )


def _identity(claimed: object, candidate: str) -> str:
    """Return the id that the listing gives, or one made of the first candidate's address."""
    if isinstance(claimed, int) and not isinstance(claimed, bool):
        return str(claimed)
    return plain_text(claimed) or hashlib.sha256(candidate.encode()).hexdigest()[:20]
