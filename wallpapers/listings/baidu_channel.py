"""Baidu's other channel listing, ``GET /channel/listjson``: what ``data/imgs`` has, in snake_case.

Seen in public clients until 2019-05; whether it answers today, no public source says.
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
# The keys of a public copy of an entry, of which these types were seen; "colum" is no slip of ours.
EXPECTED = expected(
    texts="""
        id setId abs desc date image_url download_url thumbnail_url from_url obj_url share_url
        colum
    """,
    unsure="""
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
    """What the listing is asked for, in the endpoint's own words."""

    tag1: str  # the column
    tag2: str
    ftags: str = ""  # a filter; several are joined by ##
    width: int = 0  # the screen that is told to the endpoint, pixels; 0 = none
    height: int = 0

    @property
    def name(self) -> str:
        """A short name of this listing, for people and for folders."""
        return "-".join(filter(None, (self.tag1, self.tag2, self.ftags)))


def page_url(query: Query, pn: int, rn: int, *, endpoint: str = ENDPOINT) -> str:
    """Return the address of the page of *rn* images that begins with image *pn* (0-based)."""
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
    """Return what a page names. Raises as ``baidu.load`` does."""
    answer = baidu.load(body)
    page = page_of(baidu.closed_entries(answer, "data"), EXPECTED, _wallpaper)
    page.total = whole_number(answer.get("totalNum"))
    return page


def _wallpaper(entry: dict[str, Any]) -> Wallpaper:
    candidates = listed_addresses(entry, _CANDIDATES)
    return Wallpaper(
        id=identity(entry.get("id"), candidates),
        image_urls=candidates,
        title=first_text(entry, _TITLES),
        tags=plain_texts(entry.get("tags")),
        page_url=page_address(entry.get("from_url")),
        date=iso_date(entry.get("date")),
        width=whole_number(entry.get("image_width")) or 0,
        height=whole_number(entry.get("image_height")) or 0,
    )
