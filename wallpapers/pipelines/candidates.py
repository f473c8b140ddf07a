"""The candidates of a wallpaper, and the wallpaper as the catalogue knows it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any, Protocol

from scrapy import Request

from wallpapers.downloads.addresses import is_askable
from wallpapers.downloads.requests import picture_request
from wallpapers.errors import PictureRefusedError, SmallerThanListedError
from wallpapers.items import StoredImage, Wallpaper, fields_of
from wallpapers.listings.masking import MAX_URL_CHARACTERS
from wallpapers.listings.text import address, one_line
from wallpapers.pipelines import results
from wallpapers.run.reasons import FailureReason

_BAD_URL = "not an http(s) address, or contains a user name"
_FIELDS = [field.name for field in fields(Wallpaper)]


# A candidate, and why it gave no picture.
Refusal = tuple[str, PictureRefusedError]


class Fetch(Protocol):
    """Fetch a candidate. Raises PictureRefusedError; SmallerThanListedError if not accepted."""

    async def __call__(self, request: Request, *, accept_smaller: bool) -> StoredImage: ...


def requests_for(
    item: Any, candidates: Iterable[object], referer: Callable[[str], str], endpoint: str = ""
) -> list[Request]:
    """Return a request for each of *candidates* that is a well-formed address.

    *endpoint* may be reached wherever it is.
    """
    previews = fields_of(item).get("previews") or ()
    return [
        picture_request(url, referer(url), preview=url in previews, endpoint=endpoint)
        for url in candidates
        if is_askable(url)
    ]


def is_preview(request: Request, item: Any) -> bool:
    """Return whether *request* is for a candidate of *item* that is no original."""
    return request.meta.get("preview") or request.url in (fields_of(item).get("previews") or ())


async def first_stored(
    candidates: Sequence[Request | object], fetch: Fetch
) -> tuple[StoredImage | None, list[Refusal]]:
    """Return the first picture that can be stored, and why the candidates before gave none.

    One that is far smaller than its listing claims is taken where no candidate has a better one.
    """
    refusals: list[Refusal] = []
    smaller: list[tuple[int, Request]] = []  # with their pixels
    for number, candidate in enumerate(candidates, 1):
        is_last_resort = number == len(candidates) and not smaller
        try:
            if not isinstance(candidate, Request):
                raise PictureRefusedError(FailureReason.BAD_URL, _BAD_URL)
            return await fetch(candidate, accept_smaller=is_last_resort), refusals
        except PictureRefusedError as refusal:
            if isinstance(refusal, SmallerThanListedError) and isinstance(candidate, Request):
                smaller.append((refusal.pixels, candidate))
            refusals.append((_shown(candidate), results.bare(refusal)))
    if smaller:
        _, largest = max(smaller, key=lambda pair: pair[0])
        try:
            return await fetch(largest, accept_smaller=True), refusals
        except PictureRefusedError as refusal:
            refusals.append((largest.url, results.bare(refusal)))
    return None, refusals


def _shown(candidate: Request | object) -> str:
    return candidate.url if isinstance(candidate, Request) else name_of(candidate)


def in_order(
    candidates: Iterable[object], requests: Iterable[Request]
) -> Iterator[Request | object]:
    """Yield the requests, and between them, in their place, what could not become one."""
    rest = iter(requests)
    for candidate in candidates:
        if not is_askable(candidate):
            yield candidate
        elif (request := next(rest, None)) is not None:
            yield request
    yield from rest


def wallpaper_of(item: Any, candidates: list[Any], first_url: str, source: str) -> Wallpaper:
    """Return *item* with a source and an id: by default *source* and a hash of *first_url*."""
    given = fields_of(item)
    known = {name: given[name] for name in _FIELDS if given.get(name)}
    shown = [url if is_askable(url) else name_of(url) for url in candidates]
    wallpaper = Wallpaper(**{"id": "", **known, "image_urls": shown, "images": []})
    # A database takes neither NUL nor a lone surrogate.
    wallpaper.id = one_line(str(wallpaper.id)) or hash_of(first_url)
    wallpaper.source = one_line(str(wallpaper.source or source))
    wallpaper.page_url = name_of(wallpaper.page_url)
    wallpaper.listing = one_line(str(wallpaper.listing))
    return wallpaper


def name_of(candidate: object) -> str:
    """Return *candidate*, which cannot be asked for, as log and catalogue may show it."""
    text = candidate if isinstance(candidate, str) else repr(candidate)
    return address(text[:MAX_URL_CHARACTERS])


def hash_of(url: str) -> str:
    """Return an id for what has none but an address."""
    return hashlib.sha256(url.encode()).hexdigest()[:20]
