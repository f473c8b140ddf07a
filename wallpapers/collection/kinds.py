"""Decide from two looks whether two images are the same picture.

``benchmarks/look_alikes.py`` chooses the limit of bits on one half of some pictures, with 20 copies
of each, and ``tests/integration/test_look_alikes.py`` checks it on the other half.
"""

from __future__ import annotations

import numpy

from wallpapers.catalogue.looks import Tone

# Bits in which the fingerprints of two copies of a picture may differ. Those of unrelated pictures
# differ in 127 +- 8.5 of 256; the nearest of 50,000 pairs differ in 56.
MAX_BITS = 54

# Root mean square of the difference of the mean colours of 8x8 cells, in levels.
_SAME_COLOURS = 8.0  # resized or recompressed; beyond: with a watermark, or cropped a little
_MARKED_COLOURS = 15.0  # beyond: other colours
_PLAIN_COLOURS = 4.0  # for images whose fingerprints are noise

# Below this contrast, an image has a single colour, so nothing distinguishes it from others.
_BLANK_CONTRAST = 1.0

KINDS = ("same", "marked", "recoloured")


def kind_of(
    bits: int, colours: float, one: Tone, other: Tone, *, max_bits: int = MAX_BITS
) -> str | None:
    """Return the kind of a pair, or None if the images are different.

    *bits* and *colours* are the differences of their fingerprints and cells.
    """
    plain = one.plain or other.plain
    if bits > max_bits or (plain and colours > _PLAIN_COLOURS):
        return None
    if plain and min(one.contrast, other.contrast) < _BLANK_CONTRAST:
        return None
    if colours <= _SAME_COLOURS:
        return "same"
    if colours <= _MARKED_COLOURS:
        return "marked"
    return "recoloured"


def colour_difference(one: bytes, other: bytes) -> float:
    """Return the root mean square of the difference of two images' cells, in levels."""
    first, second = (numpy.frombuffer(cells, numpy.uint8).astype(float) for cells in (one, other))
    return round(float(numpy.sqrt(((first - second) ** 2).mean())), 2)
