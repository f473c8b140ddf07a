"""Name the colours of an image."""

from __future__ import annotations

import math
from collections.abc import Iterable

from wallpapers.catalogue.shown import Swatch

# The order of the bits; COLOURS in page/facets.js is the same.
COLOURS = (
    *("red", "orange", "yellow", "green", "teal", "blue"),
    *("purple", "pink", "brown", "black", "grey", "white"),
)
_MIN_SHARE = 0.08  # of the area: fewer pixels of a colour do not characterise an image
_MIN_CHROMA = 0.04  # below, a colour looks grey
_BLACK, _WHITE = 0.25, 0.88  # OKLab lightness
_BROWN, _PINK = 0.5, 0.75
# Where the hues of OKLab begin, in degrees. Those of the sRGB primaries are 29, 142 and 264.
_HUES = (
    (12, "red"),
    (45, "orange"),
    (85, "yellow"),
    (120, "green"),
    (172, "teal"),
    (218, "blue"),
    (288, "purple"),
    (325, "pink"),
)


def colour_bits(palette: Iterable[Swatch]) -> int:
    """Return the colours that characterise an image, as bits in the order of COLOURS."""
    bits = 0
    for swatch in palette:
        if swatch.share >= _MIN_SHARE:
            bits |= 1 << COLOURS.index(name_of(swatch))
    return bits


def name_of(swatch: Swatch) -> str:
    """Return the name of a colour."""
    if swatch.lightness < _BLACK and math.hypot(swatch.a, swatch.b) < 2 * _MIN_CHROMA:
        return "black"
    if math.hypot(swatch.a, swatch.b) < _MIN_CHROMA:
        return "white" if swatch.lightness > _WHITE else "grey"
    hue = math.degrees(math.atan2(swatch.b, swatch.a)) % 360
    name = next((name for start, name in reversed(_HUES) if hue >= start), "pink")
    if name in ("orange", "yellow") and swatch.lightness < _BROWN:
        return "brown"
    if name == "red" and swatch.lightness > _PINK:
        return "pink"
    return name
