"""Turn items into requests for their candidates and into wallpapers of the catalogue."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any, Protocol

from scrapy import Request

from wallpapers.downloads.addresses import NOT_VALID, is_valid_address
from wallpapers.downloads.requests import picture_request
from wallpapers.errors import PictureRefusedError, SmallerThanListedError
from wallpapers.items import StoredImage, Wallpaper, fields_of
from wallpapers.listings.extra import clean_extra
from wallpapers.listings.masking import MAX_URL_CHARACTERS
from wallpapers.listings.text import address, colors, one_line, plain_texts
from wallpapers.pipelines import results
from wallpapers.run.reasons import FailureReason, FilterReason

_FIELDS = [field.name for field in fields(Wallpaper)]

# Functions for the fields that may have values of any type in an item of a user's spider.
_CLEANED: dict[str, Callable[[object], object]] = {
    "credit": lambda value: ", ".join(plain_texts(value)),
    "licence": lambda value: ", ".join(plain_texts(value)),
    "colors": colors,
    "extra": clean_extra,
}

# The address of a candidate, and why it was refused.
Refusal = tuple[str, PictureRefusedError]


class Fetch(Protocol):
    """Fetch a candidate.

    Raises PictureRefusedError; SmallerThanListedError unless *accept_smaller*.
    """

    async def __call__(self, request: Request, *, accept_smaller: bool) -> StoredImage: ...


def requests_for(
    item: Any, candidates: Iterable[object], referer: Callable[[str], str], endpoint: str = ""
) -> list[Request]:
    """Return a request for each of *candidates* that is a valid address.

    The origin of *endpoint* may be in a private network.
    """
    previews = fields_of(item).get("previews") or ()
    return [
        picture_request(url, referer(url), preview=url in previews, endpoint=endpoint)
        for url in candidates
        if is_valid_address(url)
    ]


def is_preview(request: Request, item: Any) -> bool:
    """Return whether *request* is for a preview of *item*, not for an original."""
    return request.meta.get("preview") or request.url in (fields_of(item).get("previews") or ())


async def first_stored(
    candidates: Sequence[Request | object], fetch: Fetch
) -> tuple[StoredImage | None, list[Refusal]]:
    """Return the first image that can be stored, and the refusals of the candidates before it.

    An image with far fewer pixels than listed is accepted only if no candidate has a better one.
    If an image is hidden, no other candidate is tried: it may be the same in another size.
    """
    refusals: list[Refusal] = []
    smaller: list[tuple[int, Request]] = []  # number of pixels, request
    for number, candidate in enumerate(candidates, 1):
        is_last_resort = number == len(candidates) and not smaller
        try:
            if not isinstance(candidate, Request):
                raise PictureRefusedError(FailureReason.BAD_URL, NOT_VALID)
            return await fetch(candidate, accept_smaller=is_last_resort), refusals
        except PictureRefusedError as refusal:
            if isinstance(refusal, SmallerThanListedError) and isinstance(candidate, Request):
                smaller.append((refusal.pixels, candidate))
            refusals.append((_address_of(candidate), results.without_traceback(refusal)))
            if refusal.reason == FilterReason.HIDDEN:
                return None, refusals
    if smaller:
        _, largest = max(smaller, key=lambda pair: pair[0])
        try:
            return await fetch(largest, accept_smaller=True), refusals
        except PictureRefusedError as refusal:
            refusals.append((largest.url, results.without_traceback(refusal)))
    return None, refusals


def _address_of(candidate: Request | object) -> str:
    return candidate.url if isinstance(candidate, Request) else short_text(candidate)


def in_order(
    candidates: Iterable[object], requests: Iterable[Request]
) -> Iterator[Request | object]:
    """Yield the requests in the order of *candidates*, and invalid candidates in between."""
    remaining = iter(requests)
    for candidate in candidates:
        if not is_valid_address(candidate):
            yield candidate
        elif (request := next(remaining, None)) is not None:
            yield request
    yield from remaining


def wallpaper_of(item: Any, candidates: list[Any], first_url: str, source: str) -> Wallpaper:
    """Return *item* as a Wallpaper; *source* and a hash of *first_url* replace missing fields."""
    item_fields = fields_of(item)
    present = {name: item_fields[name] for name in _FIELDS if item_fields.get(name)}
    urls = [url if is_valid_address(url) else short_text(url) for url in candidates]
    wallpaper = Wallpaper(**{"id": "", **present, "image_urls": urls, "images": []})
    # Databases reject NUL and lone surrogates.
    wallpaper.id = one_line(str(wallpaper.id)) or hash_of(first_url)
    wallpaper.source = one_line(str(wallpaper.source or source))
    wallpaper.page_url = short_text(wallpaper.page_url)
    wallpaper.listing = one_line(str(wallpaper.listing))
    for name in present.keys() & _CLEANED:
        setattr(wallpaper, name, _CLEANED[name](present[name]))
    return wallpaper


def short_text(value: object) -> str:
    """Return *value*, which may be no valid address, as a short text for log and catalogue."""
    text = value if isinstance(value, str) else repr(value)
    return address(text[:MAX_URL_CHARACTERS])


def hash_of(url: str) -> str:
    """Return an id for a wallpaper that only has an address."""
    return hashlib.sha256(url.encode()).hexdigest()[:20]
