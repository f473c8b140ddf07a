"""Build the rows of a dataset, which describe its images in a fixed schema."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow

from wallpapers.catalogue.search import FoundImage, Origin
from wallpapers.images.formats import EXTENSIONS
from wallpapers.images.look import Swatch, is_perhaps_enlarged
from wallpapers.items import Wallpaper

SCHEMA_VERSION = 1

_TEXTS = pyarrow.list_(pyarrow.string())

# docs/collection.md describes the columns; a change needs a new SCHEMA_VERSION.
SCHEMA = pyarrow.schema(
    {
        "file_name": pyarrow.string(),
        "sha256": pyarrow.string(),
        "source": pyarrow.string(),
        "id": pyarrow.string(),
        "also": _TEXTS,
        "listings": _TEXTS,
        "title": pyarrow.string(),
        "tags": _TEXTS,
        "page": pyarrow.string(),
        "date": pyarrow.string(),
        "credit": pyarrow.string(),
        "licence": pyarrow.string(),
        "noai": pyarrow.bool_(),
        "url": pyarrow.string(),
        "path": pyarrow.string(),
        "format": pyarrow.string(),
        "size": pyarrow.int64(),
        "width": pyarrow.int32(),
        "height": pyarrow.int32(),
        "stored_at": pyarrow.string(),
        "fingerprint": pyarrow.string(),
        "palette": _TEXTS,
        "lightness": pyarrow.float64(),
        "contrast": pyarrow.float64(),
        "colourfulness": pyarrow.float64(),
        "perhaps_enlarged": pyarrow.bool_(),
    }
)

# With the bytes of the image, in the form that the library datasets reads as an image.
SCHEMA_WITH_IMAGE = SCHEMA.append(
    pyarrow.field("image", pyarrow.struct({"bytes": pyarrow.binary(), "path": pyarrow.string()}))
)

Row = dict[str, Any]


def row_of(found: FoundImage, origins: Sequence[Origin], palette: Sequence[Swatch]) -> Row:
    """Return the row of an image, by the first of *origins*; ``also`` names the others."""
    image, tone = found.image, found.tonality
    first, *others = origins or [Origin("", "", "", Wallpaper("", []), [], noai=False)]
    wallpaper = first.wallpaper
    listings = {name for origin in origins for name in (*origin.listings, origin.wallpaper.listing)}
    return {
        "file_name": image["checksum"] + EXTENSIONS[image["format"]],
        "sha256": image["checksum"],
        "source": first.source,
        "id": first.id,
        "also": [f"{origin.source}/{origin.id}" for origin in others],
        "listings": sorted(listings - {""}),
        "title": wallpaper.title,
        "tags": wallpaper.tags,
        "page": wallpaper.page_url,
        "date": wallpaper.date,
        "credit": wallpaper.credit,
        "licence": wallpaper.licence,
        "noai": any(origin.noai for origin in origins),
        "url": first.url,
        **{name: image[name] for name in ("path", "format", "size", "width", "height")},
        "stored_at": found.stored_at,
        "fingerprint": tone.fingerprint.hex() if tone else None,
        "palette": [swatch.hex for swatch in palette],
        "lightness": tone.lightness if tone else None,
        "contrast": tone.contrast if tone else None,
        "colourfulness": tone.colourfulness if tone else None,
        "perhaps_enlarged": is_perhaps_enlarged(tone.sharpness_ratio) if tone else None,
    }


def as_json(row: Mapping[str, Any]) -> bytes:
    """Return *row* as one line of JSON; equal rows give equal bytes."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
