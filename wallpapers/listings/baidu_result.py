"""Parse one result of Baidu's image search, as acjson and flip return it.

The keys are those of a real response of 2020, and ``isAigcEdit`` of newer ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from wallpapers.items import Wallpaper
from wallpapers.listings import baidu, objurl
from wallpapers.listings.drift import expected
from wallpapers.listings.masking import MAX_URL_CHARACTERS
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
    optional="resourceInfo simid_info face_info xiangshi_info isAigcEdit",
    width=int | str,
    height=int | str,
    filesize=int | str,
    replaceUrl=list | None,  # may be missing or empty
)

_EXTRA = "bdSourceName isCopyright isAigcEdit"
_MAX_REPLACEMENTS = 20
# Baidu's own image hosts, which accept the origin of the search as Referer.
_OWN_HOSTS = re.compile(r"(?:^|\.)(?:baidu\.com|bdstatic\.com|bdimg\.com|bcebos\.com)$")
# Two numbers that Baidu computes from the image; thumbnail addresses contain them.
_SIGN = re.compile(r"(?:^|[/?&]u=)(\d+,\d+)(?:$|&)")


def wallpaper(entry: dict[str, Any], *, previews: bool) -> Wallpaper:
    """Return the wallpaper of a result; *previews* adds its smaller images as candidates."""
    replacements = list(_replacements(entry))
    originals = [_decoded_address(entry.get("objURL"))]
    originals += [_decoded_address(one.get("ObjURL") or one.get("ObjUrl")) for one in replacements]
    pages = [entry.get("fromURL")]
    pages += [one.get("FromURL") or one.get("FromUrl") for one in replacements]
    return with_previews(
        originals,
        [address(entry.get("hoverURL")), address(entry.get("middleURL"))],
        previews=previews,
        sign=sign(entry.get("cs"), entry.get("thumbURL"), entry.get("middleURL")),
        extra=baidu.extra_of(entry, _EXTRA),
        title=plain_text(entry.get("fromPageTitle")) or plain_text(entry.get("fromPageTitleEnc")),
        page_url=next(filter(None, map(_decoded_page_address, pages)), ""),
        date=iso_date(entry.get("bdImgnewsDate")),
        width=whole_number(entry.get("width")) or 0,
        height=whole_number(entry.get("height")) or 0,
    )


def with_previews(
    originals: list[str], smaller: list[str], *, previews: bool, sign: str, **fields: Any
) -> Wallpaper:
    """Return a wallpaper whose candidates are *originals*, then *smaller* if *previews* is set.

    Without originals and without *previews* it has no candidates, but its ``previews`` are filled.
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
    """Return the two numbers that identify an image, from *claimed* or a thumbnail, or ""."""
    for text in (claimed, *thumbnails):
        match = _SIGN.search(text[:MAX_URL_CHARACTERS]) if isinstance(text, str) else None
        if match and match[1] != "0,0":
            return match[1]
    return ""


def referer(url: str, search_origin: str) -> str:
    """Return the Referer for the image at *url*, which was found at *search_origin*.

    Third-party hosts answer 403 if the Referer is the search, but accept their own origin.
    """
    origin = origin_of(url)
    is_baidu = _OWN_HOSTS.search(urlsplit(origin).hostname or "")
    return search_origin if is_baidu or not origin else origin


def _replacements(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    replacements = entry.get("replaceUrl")
    if isinstance(replacements, list):
        first = islice(replacements, _MAX_REPLACEMENTS)
        yield from (replacement for replacement in first if isinstance(replacement, dict))


def _decoded_address(value: object) -> str:
    return address(objurl.decode(value)) if isinstance(value, str) else ""


def _decoded_page_address(value: object) -> str:
    return page_address(objurl.decode(value)) if isinstance(value, str) else ""
