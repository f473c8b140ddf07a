"""The record that travels from a spider through the pipelines into the feed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict

from itemadapter import ItemAdapter

# The source and the id of a wallpaper.
Key = tuple[str, str]


class StoredImage(TypedDict):
    """A picture in the store; a plain dict, because that is what Scrapy's exporters nest."""

    url: str  # the candidate that worked
    path: str  # below IMAGES_STORE, with "/"
    checksum: str  # sha256 of the stored bytes, hex
    status: str  # downloaded, uptodate (= known) or duplicate
    width: int  # pixels, as displayed: after EXIF rotation
    height: int
    format: str  # JPEG, PNG, WEBP, GIF, AVIF or BMP
    size: int  # bytes
    smaller_than_listed: NotRequired[bool]  # True with less than a quarter of the listed pixels
    preview: NotRequired[bool]  # True where it is no original, which was asked for (previews=1)


@dataclass
class Wallpaper:
    """One wallpaper that a listing names; ``source`` and ``id`` together are its key."""

    id: str
    image_urls: list[str]  # candidates, best first, no repeats
    source: str = ""  # name of the spider
    listing: str = ""  # name of the listing within the source
    title: str = ""  # plain text
    tags: list[str] = field(default_factory=list)
    page_url: str = ""
    date: str = ""  # YYYY-MM-DD, or empty
    width: int = 0  # as claimed; 0 = unknown
    height: int = 0
    previews: list[str] = field(default_factory=list)  # those of image_urls that are no originals
    images: list[StoredImage] = field(default_factory=list)  # one result, or empty


def fields_of(item: Any) -> Mapping[str, Any]:
    """Return the fields of an item of whatever class, to be read a dozen times a wallpaper."""
    return vars(item) if isinstance(item, Wallpaper) else ItemAdapter(item)


def candidates_of(item: Any, field_name: str = "image_urls") -> list[object]:
    """Return the candidates in *field_name* of *item*, best first; without the field, none."""
    given = fields_of(item).get(field_name)
    if given is None:
        return []
    return list(given) if isinstance(given, (list, tuple)) else [given]


def key_of(item: Any) -> Key:
    """Return the key of a wallpaper; without an id, its first candidate stands for it."""
    fields = fields_of(item)
    identity = fields.get("id") or next(iter(candidates_of(item)), "")
    return str(fields.get("source") or ""), str(identity)
