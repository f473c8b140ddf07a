"""Define the item that a spider yields, the pipelines complete and the feed exports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict

from itemadapter import ItemAdapter

# The source and the id of a wallpaper.
Key = tuple[str, str]


class StoredImage(TypedDict):
    """A stored image; a dict, because Scrapy's exporters can nest dicts."""

    url: str  # the candidate that it was downloaded from
    path: str  # below IMAGES_STORE, with "/"
    checksum: str  # sha256 of the stored bytes, hex
    status: str  # downloaded, uptodate (= known) or duplicate
    width: int  # pixels, as displayed: after EXIF rotation
    height: int
    format: str  # JPEG, PNG, WEBP, GIF, AVIF or BMP
    size: int  # bytes
    smaller_than_listed: NotRequired[bool]  # True with less than a quarter of the listed pixels
    preview: NotRequired[bool]  # True if it is a preview (previews=1)
    noai: NotRequired[bool]  # True if its response objects to AI training (X-Robots-Tag)


@dataclass
class Wallpaper:
    """One wallpaper of a listing; ``source`` and ``id`` together are its key."""

    id: str
    image_urls: list[str]  # candidates, best first, no repeats
    source: str = ""  # name of the spider
    listing: str = ""  # name of the listing within the source
    credit: str = ""  # who made it; plain text, as the source states it
    licence: str = ""  # under which terms; plain text
    colors: list[str] = field(default_factory=list)  # "#rrggbb", as the source states them
    extra: dict[str, Any] = field(default_factory=dict)  # what else the source states, by its keys
    title: str = ""  # plain text
    tags: list[str] = field(default_factory=list)
    page_url: str = ""
    date: str = ""  # YYYY-MM-DD, or empty
    width: int = 0  # as claimed by the listing; 0 = unknown
    height: int = 0
    previews: list[str] = field(default_factory=list)  # those of image_urls that are previews
    images: list[StoredImage] = field(default_factory=list)  # one result, or empty


def fields_of(item: Any) -> Mapping[str, Any]:
    """Return the fields of an item of any class; an ItemAdapter is slow, a Wallpaper needs none."""
    return vars(item) if isinstance(item, Wallpaper) else ItemAdapter(item)


def candidates_of(item: Any, field_name: str = "image_urls") -> list[object]:
    """Return the candidates in *field_name* of *item*, best first; [] without this field."""
    given = fields_of(item).get(field_name)
    if given is None:
        return []
    return list(given) if isinstance(given, (list, tuple)) else [given]


def key_of(item: Any) -> Key:
    """Return the key of a wallpaper; without an id, its first candidate is used as id."""
    fields = fields_of(item)
    identity = fields.get("id") or next(iter(candidates_of(item)), "")
    return str(fields.get("source") or ""), str(identity)
