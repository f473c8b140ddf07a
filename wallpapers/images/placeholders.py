"""Detect placeholders: images with known bytes, or far smaller than their listing claims."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from wallpapers.errors import PictureRefusedError
from wallpapers.images.structure import Buffer

_MAX_SHRINKAGE = 4  # an image has at least a quarter of the listed pixels
_MIN_LONG_SIDE, _MIN_SHORT_SIDE = 640, 360  # pixels; a smaller image may be a placeholder
_MAX_KNOWN_BYTES = 100_000  # larger files are not compared with known placeholders


def is_smaller_than_listed(width: int, height: int, claimed_pixels: int) -> bool:
    """Return whether an image has less than a quarter of *claimed_pixels* (0 = unknown)."""
    return width * height * _MAX_SHRINKAGE < claimed_pixels


def check(
    data: Buffer, width: int, height: int, *, claimed_pixels: int, known: Collection[str]
) -> None:
    """Raise PictureRefusedError for a placeholder; *known* are sha512 digests, hex.

    An image is a placeholder if it is both small and smaller than listed. The second alone is not
    enough, because the sizes in listings may be wrong.
    """
    is_small = max(width, height) < _MIN_LONG_SIDE or min(width, height) < _MIN_SHORT_SIDE
    if is_small and is_smaller_than_listed(width, height, claimed_pixels):
        detail = f"{width}x{height}, listed with {claimed_pixels:,} pixels"
        raise PictureRefusedError("placeholder", detail)
    if len(data) <= _MAX_KNOWN_BYTES and hashlib.sha512(data).hexdigest() in known:
        raise PictureRefusedError("placeholder", "on the list of known placeholders")
