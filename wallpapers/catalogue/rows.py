"""Convert wallpapers and images to rows and back."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from wallpapers.items import StoredImage, Wallpaper

if TYPE_CHECKING:
    from sqlalchemy import Row

# Temporary failures are less informative than an earlier response of the server.
TEMPORARY = ("timeout", "connection", "dns", "http_408", "http_429")  # and every http_5xx

_JSON = json.JSONEncoder(ensure_ascii=False, default=str)
_FIELDS = [field.name for field in fields(Wallpaper) if field.name != "images"]
_TYPES = {name: type(value) for name, value in vars(Wallpaper("", [])).items() if name != "id"}


def listed_row(
    wallpaper: Wallpaper, endpoint: str | None, claimed_by: str | None = None
) -> dict[str, Any]:
    """Return the row of a wallpaper of which only its entry in a listing is known."""
    time = now()
    return {
        "source": wallpaper.source,
        "id": wallpaper.id,
        "listing": wallpaper.listing,
        "state": "listed",
        "sha256": None,
        "url": "",
        "preview": False,
        "noai": False,
        "reason": "",
        "host": "",
        "tried": "",
        "attempts": 0,
        "listed_at": time,
        "changed_at": time,
        "item": item_of(wallpaper),
        "endpoint": endpoint,
        "claimed_by": claimed_by,
    }


def stored_row(wallpaper: Wallpaper, image: StoredImage, endpoint: str | None) -> dict[str, Any]:
    """Return the row of a wallpaper that is stored as *image*."""
    return {
        **listed_row(wallpaper, endpoint),
        "state": "stored",
        "sha256": image["checksum"],
        "url": image["url"],
        "preview": image.get("preview", False),
        "noai": image.get("noai", False),
    }


def picture_row(image: StoredImage) -> dict[str, Any]:
    """Return the row of an image in the table ``pictures``."""
    return {
        "sha256": image["checksum"],
        **{name: image[name] for name in ("path", "size", "width", "height", "format")},
        "stored_at": now(),
    }


def image_of(row: Row[Any], url: str = "") -> StoredImage:
    """Return the stored image of a row, fetched from *url*."""
    return StoredImage(
        url=url,
        path=row.path,
        checksum=row.sha256,
        status="uptodate",
        width=row.width,
        height=row.height,
        format=row.format,
        size=row.size,
    )


def image_for(row: Row[Any]) -> StoredImage:
    """Return the stored image from a *row* that also has the columns of its wallpaper."""
    image = image_of(row, row.url)
    if row.preview:
        image["preview"] = True
    if row.noai:
        image["noai"] = True
    return image


def item_of(wallpaper: Wallpaper) -> str:
    """Return *wallpaper* as JSON; lone surrogates, which no database accepts, become "?"."""
    values = {name: getattr(wallpaper, name) for name in _FIELDS}
    return _JSON.encode(values).encode("utf-8", "replace").decode("utf-8")


def wallpaper_of(item: object) -> Wallpaper | None:
    """Return the wallpaper in the column ``item``; None = it cannot be read."""
    try:
        given = json.loads(str(item))
    except (ValueError, RecursionError):
        return None
    if not isinstance(given, dict) or not given.get("image_urls"):
        return None
    known = {name: given[name] for name in _FIELDS if name in given}
    for name, value in known.items():
        kind = _TYPES.get(name)
        if kind and type(value) is not kind:
            return None
        if kind is list and not all(isinstance(one, str) for one in value):
            return None
    return Wallpaper(**{"id": "", **known})


def now() -> str:
    """Return the time in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
