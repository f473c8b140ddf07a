r"""Parse Baidu's channel listing, ``GET /data/imgs``.

The format is taken from public clients and recorded responses of 2014 to 2019; it is not documented
publicly. The parser accepts the peculiarities of real responses: an empty object at the end of
``imgs``, ``totalNum`` as int or str, ``\'`` escapes and raw control characters in strings, GBK.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wallpapers.items import Wallpaper
from wallpapers.listings import baidu
from wallpapers.listings.drift import expected
from wallpapers.listings.page import Page, object_of, page_of, request_url
from wallpapers.listings.text import (
    first_text,
    identity,
    iso_date,
    listed_addresses,
    page_address,
    plain_texts,
    whole_number,
)

ENDPOINT = "http://image.baidu.com/data/imgs"
MAX_RN = 100  # the largest value that any public client sends

_CANDIDATES = ("downloadUrl", "imageUrl", "objUrl")
_TITLES = ("title", "desc", "fromPageTitle")
_EXTRA = "column parentTag siteName albumName"
_OWNER = "userName orgName"
# The 59 keys of a real entry.
EXPECTED = expected(
    texts="""
        id desc fromPageTitle column parentTag date downloadUrl imageUrl thumbnailUrl
        thumbLargeUrl thumbLargeTnUrl siteName siteLogo siteUrl fromUrl isBook bookId objUrl
        shareUrl setId albumId albumName userId dressId dressBuyLink dressExtInfo dressTag
        objTag hostName pictureId pictureSign dataSrc contentSign albumDi canAlbumId albumObjNum
        appId photoId fashion title
    """,
    numbers="""
        imageWidth imageHeight thumbnailWidth thumbnailHeight thumbLargeWidth thumbLargeHeight
        thumbLargeTnWidth thumbLargeTnHeight isAlbum albumNum isVip isDapei dressPrice
        dressDiscount dressNum dressImgNum fromName
    """,
    tags=list,
    owner=dict,
)


@dataclass(frozen=True)
class Query:
    """The parameters that select a listing, named as in the request."""

    col: str
    tag: str
    tag3: str = ""
    width: int = 1600  # screen size to send, pixels
    height: int = 900

    @property
    def name(self) -> str:
        """A short name of the listing, used in items and as folder name."""
        return "-".join(filter(None, (self.tag, self.tag3))) or self.col


def page_url(query: Query, pn: int, rn: int, *, t: float, endpoint: str = ENDPOINT) -> str:
    """Return the address of the page of *rn* images that starts with image *pn* (0-based).

    It has every parameter of the request of Baidu's web page; *t* is the cache buster, 0 <= t < 1.
    The path and query of *endpoint* are kept, except for parameters of the same name.
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
    return request_url(endpoint, parameters)


def parse_page(body: bytes) -> Page:
    """Parse a page; bad entries are skipped and counted.

    If ``imgs`` is empty, null or absent, the Page has no entries.

    Raises ListingCutError if *body* is truncated or empty, ListingRefusedError if Baidu refuses the
    request, and ListingError for any other response.
    """
    answer = baidu.load(body)
    page = page_of(baidu.entries_before_terminator(answer, "imgs"), EXPECTED, _wallpaper)
    page.total = whole_number(answer.get("totalNum"))
    return page


def _wallpaper(entry: dict[str, Any]) -> Wallpaper:
    candidates = listed_addresses(entry, _CANDIDATES)
    return Wallpaper(
        id=identity(entry.get("id"), candidates),
        image_urls=candidates,
        extra=baidu.extra_of(entry, _EXTRA) | baidu.extra_of(object_of(entry, "owner"), _OWNER),
        title=first_text(entry, _TITLES),
        tags=plain_texts(entry.get("tags")),
        page_url=page_address(entry.get("fromUrl")),
        date=iso_date(entry.get("date")),
        width=whole_number(entry.get("imageWidth")) or 0,
        height=whole_number(entry.get("imageHeight")) or 0,
    )
