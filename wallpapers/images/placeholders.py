"""Pictures that stand for a missing one: known by their bytes, or small where more was claimed."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from wallpapers.errors import PictureRefusedError
from wallpapers.images.structure import Buffer

_LEAST_OF_CLAIM = 4  # a picture has a quarter of the pixels that are claimed for it
_LEAST_LONG_SIDE, _LEAST_SHORT_SIDE = 640, 360  # a smaller picture may stand for a missing one
_LARGEST_KNOWN = 100_000  # bytes


def is_smaller_than_listed(width: int, height: int, claimed_pixels: int) -> bool:
    """Has a picture less than a quarter of the pixels that are claimed for it (0 = none are)?"""
    return width * height * _LEAST_OF_CLAIM < claimed_pixels


def check(
    data: Buffer, width: int, height: int, *, claimed_pixels: int, known: Collection[str]
) -> None:
    """Raise PictureRefusedError for a placeholder; *known* are sha512 digests, hex.

    A picture that is smaller than listed is none for that alone: listings err.
    """
    is_small = max(width, height) < _LEAST_LONG_SIDE or min(width, height) < _LEAST_SHORT_SIDE
    if is_small and is_smaller_than_listed(width, height, claimed_pixels):
        detail = f"{width}x{height}, listed with {claimed_pixels:,} pixels"
        raise PictureRefusedError("placeholder", detail)
    if len(data) <= _LARGEST_KNOWN and hashlib.sha512(data).hexdigest() in known:
        raise PictureRefusedError("placeholder", "a known one")
