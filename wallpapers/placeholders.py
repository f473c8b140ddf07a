"""Pictures that stand for a missing one: known by their bytes, or far from what was claimed."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from wallpapers.errors import PictureRefusedError
from wallpapers.frames import Buffer

_LEAST_OF_CLAIM = 4  # a picture has a quarter of the pixels that are claimed for it
_LARGEST_KNOWN = 100_000  # bytes


def check(
    data: Buffer, width: int, height: int, *, claimed_pixels: int, known: Collection[str]
) -> None:
    """Raise PictureRefusedError for a placeholder.

    *claimed_pixels* is 0 where nothing is claimed; *known* are sha512 digests, hex.
    """
    if width * height * _LEAST_OF_CLAIM < claimed_pixels:
        detail = f"{width}x{height}, claimed {claimed_pixels:,} pixels"
        raise PictureRefusedError("placeholder", detail)
    if len(data) <= _LARGEST_KNOWN and hashlib.sha512(data).hexdigest() in known:
        raise PictureRefusedError("placeholder", "a known one")
