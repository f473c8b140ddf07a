"""Parse Baidu's second channel listing, ``GET /channel/listjson``.

It has the data of ``data/imgs`` with keys in snake_case. Public clients used it until 2019-05; no
public source says whether it still answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wallpapers.items import Wallpaper
from wallpapers.listings import baidu
from wallpapers.listings.drift import expected
from wallpapers.listings.page import Page, page_of, request_url
from wallpapers.listings.text import (
    first_text,
    identity,
    iso_date,
    listed_addresses,
    page_address,
    plain_texts,
    whole_number,
)

ENDPOINT = "https://image.baidu.com/channel/listjson"
MAX_RN = 100

_CANDIDATES = ("download_url", "image_url", "obj_url")
_TITLES = ("abs", "desc")
_EXTRA = "colum parent_tag site_name like_num download_num collect_num"
# Keys and types of a public copy of an entry; "colum" is spelled like this by Baidu.
EXPECTED = expected(
    texts="""
        id setId abs desc date image_url download_url thumbnail_url from_url obj_url share_url
        colum
    """,
    optional="""
        tag like_num is_single fashion_id dress_id fushi_obj_num fushi_obj_array dress_buy_link
        dress_price dress_discount dress_ext_info dress_tag dress_num dress_img_num
        children_vote dislike_num thumbnail_width thumbnail_height thumb_large_width
        thumb_large_height thumb_large_url site_name site_logo site_url download_num collect_num
        start_index return_number album_di can_album_id album_obj_num user_id app_id photo_id
        is_album is_vip from_name hostname parent_tag desc_info other_urls isAdapted
    """,
    tags=list | str,
    pn=int | str,
    image_width=int | str,
    image_height=int | str,
)


@dataclass(frozen=True)
class Query:
    """The parameters that select a listing, named as in the request."""

    tag1: str  # the column
    tag2: str
    ftags: str = ""  # a filter; several are joined by ##
    width: int = 0  # screen size to send, pixels; 0 = none
    height: int = 0

    @property
    def name(self) -> str:
        """A short name of the listing, used in items and as folder name."""
        return "-".join(filter(None, (self.tag1, self.tag2, self.ftags)))


def page_url(query: Query, pn: int, rn: int, *, endpoint: str = ENDPOINT) -> str:
    """Return the address of the page of *rn* images that starts with image *pn* (0-based)."""
    parameters = {
        "pn": pn,
        "rn": rn,
        "tag1": query.tag1,
        "tag2": query.tag2,
        "ftags": query.ftags,
        "sorttype": 0,
        "ie": "utf8",
        "oe": "utf-8",
        "image_id": "",
        "width": query.width or "",
        "height": query.height or "",
    }
    return request_url(endpoint, parameters)


def parse_page(body: bytes) -> Page:
    """Parse a page. Raises the errors of ``baidu.load``."""
    answer = baidu.load(body)
    page = page_of(baidu.entries_before_terminator(answer, "data"), EXPECTED, _wallpaper)
    page.total = whole_number(answer.get("totalNum"))
    return page


def _wallpaper(entry: dict[str, Any]) -> Wallpaper:
    candidates = listed_addresses(entry, _CANDIDATES)
    return Wallpaper(
        id=identity(entry.get("id"), candidates),
        image_urls=candidates,
        extra=baidu.extra_of(entry, _EXTRA),
        title=first_text(entry, _TITLES),
        tags=plain_texts(entry.get("tags")),
        page_url=page_address(entry.get("from_url")),
        date=iso_date(entry.get("date")),
        width=whole_number(entry.get("image_width")) or 0,
        height=whole_number(entry.get("image_height")) or 0,
    )
