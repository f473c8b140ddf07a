r"""Baidu's channel listing, ``GET /data/imgs``: a page of wallpapers as JSON.

The shape is the one seen in public clients and recorded answers of 2014 to 2019; no public source
documents it. What real answers do, and this parser therefore takes in its stride: ``imgs`` closes
with an empty object beyond the last entry, ``totalNum`` may be an int or a str, strings carry
``\'`` escapes and raw control characters, a body may be GBK.
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

ENDPOINT = "http://image.baidu.com/data/imgs"
MAX_RN = 100  # the largest page that any public client asks for

_CANDIDATES = ("downloadUrl", "imageUrl", "objUrl")
_TITLES = ("title", "desc", "fromPageTitle")
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
    return request_url(endpoint, parameters)


def parse_page(body: bytes) -> Page:
    """Return what a page names; one bad entry costs itself and is counted, never its page.

    ``imgs`` empty, null or absent gives a Page without entries.

    Raises ListingCutError for a body that ends too early or is empty, ListingRefusedError for
    Baidu's answer to robots, and ListingError for whatever else is not this protocol.
    """
    answer = baidu.load(body)
    page = page_of(baidu.closed_entries(answer, "imgs"), EXPECTED, _wallpaper)
    page.total = whole_number(answer.get("totalNum"))
    return page


def _wallpaper(entry: dict[str, Any]) -> Wallpaper:
    candidates = listed_addresses(entry, _CANDIDATES)
    return Wallpaper(
        id=identity(entry.get("id"), candidates),
        image_urls=candidates,
        title=first_text(entry, _TITLES),
        tags=plain_texts(entry.get("tags")),
        page_url=page_address(entry.get("fromUrl")),
        date=iso_date(entry.get("date")),
        width=whole_number(entry.get("imageWidth")) or 0,
        height=whole_number(entry.get("imageHeight")) or 0,
    )
