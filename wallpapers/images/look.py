"""Describe what an image looks like: a fingerprint, its colours, its brightness and its detail.

Pure: the same pixels have the same look wherever it is computed. Needs numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

VERSION = 1  # of the result; increase it with each change that alters looks
# An image whose long side is four times as long or more is reduced by a whole factor first.
SIDE = 1280  # pixels

_TONE_SIDE = 96  # pixels of the copy from which colours and brightness are read
_MAX_ENLARGED_RATIO = 0.35


@dataclass(frozen=True)
class Swatch:
    """A colour of a palette."""

    hex: str  # sRGB, #rrggbb
    share: float  # of the image, 0 to 1
    l: float  # noqa: E741 (OKLab)
    a: float
    b: float


@dataclass(frozen=True)
class Look:
    """What an image looks like; numbers without a unit are comparable between images only."""

    fingerprint: bytes  # 256 bits; those of copies of an image differ in few
    cells: bytes  # mean sRGB colours of 8x8 cells, row by row
    plain: bool  # has so little structure that its fingerprint is noise
    lightness: float  # mean OKLab lightness, 0 = black, 100 = white
    contrast: float  # standard deviation of the lightness
    colourfulness: float  # mean OKLab chroma, 0 = grey, above 10 = vivid
    detail: float  # what a blur loses, at a common width, in levels of grey
    sharpness_ratio: float  # how much of its detail is in the finest scale; see sharpness.py
    palette: tuple[Swatch, ...]  # up to six colours, the largest share first

    @property
    def perhaps_enlarged(self) -> bool:
        """Whether it looks like an enlarged copy of a smaller image; only a hint."""
        return is_perhaps_enlarged(self.sharpness_ratio)


def is_perhaps_enlarged(sharpness_ratio: float) -> bool:
    """Return whether an image with this ratio looks enlarged."""
    return 0 < sharpness_ratio < _MAX_ENLARGED_RATIO


def look(picture: Image.Image) -> Look:
    """Return the look of an upright RGB image."""
    import numpy
    from PIL.Image import Resampling

    from wallpapers.images import colours, fingerprint, sharpness

    grey = picture.convert("L")
    bits, plain = fingerprint.fingerprint(grey)
    small = picture.resize((_TONE_SIDE, _TONE_SIDE), Resampling.BOX)
    lab = colours.oklab(numpy.asarray(small))
    chroma = numpy.hypot(lab[..., 1], lab[..., 2])
    detail, ratio = sharpness.sharpness(grey)
    return Look(
        fingerprint=bits,
        cells=picture.resize((8, 8), Resampling.BOX).tobytes(),
        plain=plain,
        lightness=_rounded(100 * lab[..., 0].mean()),
        contrast=_rounded(100 * lab[..., 0].std()),
        colourfulness=_rounded(100 * chroma.mean()),
        detail=_rounded(detail),
        sharpness_ratio=_rounded(ratio),
        palette=colours.palette(small),
    )


def _rounded(value: float) -> float:
    """Return a plain number with so few digits that it is the same on every processor."""
    return round(float(value), 3)
