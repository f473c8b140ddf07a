"""Describe colours as people see them: OKLab, and the palette of an image.

OKLab is Björn Ottosson's colour space (https://bottosson.github.io/posts/oklab/): equal distances
in it look equally different. L is 0 to 1, a and b are about -0.4 to 0.4.
"""

from __future__ import annotations

import numpy
from numpy.typing import NDArray
from PIL import Image

from wallpapers.images.look import Swatch

Floats = NDArray[numpy.float64]

PALETTE_COLOURS = 6

_CANDIDATES = 16  # colours of the median cut that are merged into a palette
_TO_CONE = numpy.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = numpy.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_LEVELS = numpy.arange(256) / 255
_LINEAR = numpy.where(_LEVELS <= 0.04045, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4)


def oklab(rgb: NDArray[numpy.uint8]) -> Floats:
    """Convert sRGB levels, whose last axis is the colour, to OKLab."""
    cones = numpy.cbrt(_LINEAR[rgb] @ _TO_CONE.T)
    lab: Floats = cones @ _TO_LAB.T
    return lab


def hex_to_oklab(text: str) -> tuple[float, float, float]:
    """Convert ``#rrggbb`` or ``#rgb``; the # may be missing. Raises ValueError."""
    digits = text.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    if len(digits) != 6 or not digits.isascii() or not digits.isalnum():
        raise ValueError(text)
    l, a, b = oklab(numpy.frombuffer(bytes.fromhex(digits), numpy.uint8))  # noqa: E741
    return float(l), float(a), float(b)


def palette(picture: Image.Image) -> tuple[Swatch, ...]:
    """Return up to six colours of a small RGB image, the largest share first.

    The colours of a median cut are merged, the pair first whose merger changes the image least.
    """
    cut = picture.quantize(_CANDIDATES, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    numbers = numpy.asarray(cut).ravel()
    pixels = numpy.asarray(picture).reshape(-1, 3)
    used = numpy.unique(numbers)
    members = [pixels[numbers == number] for number in used]
    counts = numpy.array([float(len(these)) for these in members])
    centres = numpy.array([these.mean(axis=0) for these in members])
    while len(counts) > 1:
        labs = oklab(centres.round().astype(numpy.uint8))
        cost = _merging_costs(labs, counts)
        first, second = sorted(map(int, numpy.unravel_index(cost.argmin(), cost.shape)))
        if len(counts) <= PALETTE_COLOURS and cost[first, second] > 0:
            break
        both = counts[first] + counts[second]
        weights = counts[[first, second]] / both
        centres[first] = weights @ centres[[first, second]]
        counts[first] = both
        centres, counts = numpy.delete(centres, second, 0), numpy.delete(counts, second)
    return _swatches(centres.round().astype(numpy.uint8), counts / len(pixels))


def _merging_costs(labs: Floats, counts: Floats) -> Floats:
    """Return what merging each pair of colours costs (Ward's criterion); infinite on and below."""
    squares = ((labs[:, None] - labs[None]) ** 2).sum(axis=2)
    weights = counts[:, None] * counts / (counts[:, None] + counts)
    costs: Floats = (squares * weights).round(9)
    costs[numpy.tril_indices(len(counts))] = numpy.inf
    return costs


def _swatches(rgb: NDArray[numpy.uint8], shares: Floats) -> tuple[Swatch, ...]:
    swatches = [
        Swatch(f"#{colour.tobytes().hex()}", round(float(share), 4), *map(_rounded, lab))
        for colour, share, lab in zip(rgb, shares, oklab(rgb), strict=True)
    ]
    return tuple(sorted(swatches, key=lambda swatch: (-swatch.share, swatch.hex)))


def _rounded(value: float) -> float:
    return round(float(value), 4)
