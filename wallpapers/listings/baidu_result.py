"""One result of Baidu's image search, in the shape that acjson and flip share.

The keys are those of a real answer of 2020, and ``isAigcEdit`` of newer ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from wallpapers.items import Wallpaper
from wallpapers.listings import objurl
from wallpapers.listings.drift import expected
from wallpapers.listings.masking import MOST_CHARACTERS
from wallpapers.listings.text import (
    address,
    identity,
    iso_date,
    origin_of,
    page_address,
    plain_text,
    whole_number,
)

EXPECTED = expected(
    texts="""
        adType hasAspData thumbURL middleURL largeTnImageUrl hoverURL objURL fromURL fromURLHost
        currentIndex type strategyAssessment bdSrcType di pi is imgCollectionWord hasThumbData
        bdImgnewsDate fromPageTitle fromPageTitleEnc bdSourceName bdFromPageTitlePrefix token
        imgType cs os simid personalized adPicId source_type
    """,
    numbers="hasLarge pageNum is_gif isCopyright bdSetImgNum partnerId spn isAspDianjing",
    unsure="resourceInfo simid_info face_info xiangshi_info isAigcEdit",
    width=int | str,
    height=int | str,
    filesize=int | str,
    replaceUrl=list | None,  # may be missing or empty
)

_MOST_REPLACEMENTS = 20
# What serves pictures of its own to whoever comes from the search.
_OWN_HOSTS = re.compile(r"(?:^|\.)(?:baidu\.com|bdstatic\.com|bdimg\.com|bcebos\.com)$")
# Two numbers that Baidu makes of the picture itself; its thumbnails are named after them.
_SIGN = re.compile(r"(?:^|[/?&]u=)(\d+,\d+)(?:$|&)")


def wallpaper(entry: dict[str, Any], *, previews: bool) -> Wallpaper:
    """Return what a result names; previews are candidates only where they are asked for."""
    replacements = list(_replacements(entry))
    originals = [_plain(entry.get("objURL"))]
    originals += [_plain(url.get("ObjURL") or url.get("ObjUrl")) for url in replacements]
    pages = [entry.get("fromURL")]
    pages += [url.get("FromURL") or url.get("FromUrl") for url in replacements]
    return with_previews(
        originals,
        [address(entry.get("hoverURL")), address(entry.get("middleURL"))],
        previews=previews,
        sign=sign(entry.get("cs"), entry.get("thumbURL"), entry.get("middleURL")),
        title=plain_text(entry.get("fromPageTitle")) or plain_text(entry.get("fromPageTitleEnc")),
        page_url=next(filter(None, map(_page, pages)), ""),
        date=iso_date(entry.get("bdImgnewsDate")),
        width=whole_number(entry.get("width")) or 0,
        height=whole_number(entry.get("height")) or 0,
    )


def with_previews(
    originals: list[str], smaller: list[str], *, previews: bool, sign: str, **fields: Any
) -> Wallpaper:
    """Return a wallpaper whose candidates are the originals, and behind them the smaller ones.

    Without an original and with *previews* not asked for, it has no candidate but says that there
    are previews.
    """
    best = list(dict.fromkeys(filter(None, originals)))
    others = [url for url in dict.fromkeys(filter(None, smaller)) if url not in best]
    return Wallpaper(
        id=identity(sign, best or others),
        image_urls=[*best, *others] if previews else best,
        previews=others if previews or not best else [],
        **fields,
    )


def sign(claimed: object, *thumbnails: object) -> str:
    """Return the two numbers that stand for the picture, as claimed or as a thumbnail has them."""
    for text in (claimed, *thumbnails):
        found = _SIGN.search(text[:MOST_CHARACTERS]) if isinstance(text, str) else None
        if found and found[1] != "0,0":
            return found[1]
    return ""


def referer(url: str, searched: str) -> str:
    """Return the Referer for the picture at *url*, which was found at the origin *searched*.

    Other people's hosts answer 403 to who comes from the search, not to who comes from themselves.
    """
    origin = origin_of(url)
    own = _OWN_HOSTS.search(urlsplit(origin).hostname or "")
    return searched if own or not origin else origin


def _replacements(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    replacements = entry.get("replaceUrl")
    if isinstance(replacements, list):
        some = islice(replacements, _MOST_REPLACEMENTS)
        yield from (one for one in some if isinstance(one, dict))


def _plain(value: object) -> str:
    return address(objurl.decode(value)) if isinstance(value, str) else ""


def _page(value: object) -> str:
    return page_address(objurl.decode(value)) if isinstance(value, str) else ""
