"""The rows that are written for a wallpaper and for its picture."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from wallpapers.items import StoredImage, Wallpaper

_FIELDS = [field.name for field in fields(Wallpaper) if field.name != "images"]


def listed_row(wallpaper: Wallpaper) -> dict[str, Any]:
    """Return the row of a wallpaper of which nothing is known but its entry in a listing."""
    time = now()
    return {
        "source": wallpaper.source,
        "id": wallpaper.id,
        "listing": wallpaper.listing,
        "state": "listed",
        "sha256": None,
        "url": "",
        "preview": False,
        "reason": "",
        "host": "",
        "tried": "",
        "attempts": 0,
        "listed_at": time,
        "changed_at": time,
        "item": json.dumps({name: getattr(wallpaper, name) for name in _FIELDS}, default=str),
    }


def stored_row(wallpaper: Wallpaper, image: StoredImage) -> dict[str, Any]:
    """Return the row of a wallpaper that is stored as *image*."""
    return {
        **listed_row(wallpaper),
        "state": "stored",
        "sha256": image["checksum"],
        "url": image["url"],
        "preview": image.get("preview", False),
    }


def picture_row(image: StoredImage) -> dict[str, Any]:
    """Return the row of a content."""
    return {
        "sha256": image["checksum"],
        **{name: image[name] for name in ("path", "size", "width", "height", "format")},
        "stored_at": now(),
    }


def now() -> str:
    """Return the time in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
