"""The candidates of a wallpaper, and the wallpaper as the catalogue knows it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

from scrapy import Request

from wallpapers.downloads.addresses import is_askable
from wallpapers.items import Wallpaper, fields_of
from wallpapers.listings.masking import MOST_CHARACTERS
from wallpapers.listings.text import address, one_line

_FIELDS = [field.name for field in fields(Wallpaper)]


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
    return address(text[:MOST_CHARACTERS])


def hash_of(url: str) -> str:
    """Return an id for what has none but an address."""
    return hashlib.sha256(url.encode()).hexdigest()[:20]
