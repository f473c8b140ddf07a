"""Measure the detail of an image, to tell an original from enlarged or blurred copies of it."""

from __future__ import annotations

import numpy
from numpy.typing import NDArray
from PIL import Image, ImageFilter

# Detail is compared at one size, whatever the size of the files. It is not a usual one, or else
# images that have it would be the only ones that are not resampled.
_COMMON_SIDE = 1000  # pixels
_CELLS = 16  # along each side, in which the sharpest places are searched
_PLACES = 12
_LEFT_OUT = 0.05  # of the cells, the sharpest: a watermark must not count as detail
_WINDOW = 128  # pixels
_NOISE = 2.0  # levels


def sharpness(grey: Image.Image) -> tuple[float, float]:
    """Return detail and sharpness ratio of a grey image.

    Detail is what a blur loses (root mean square, in levels) when the long side is scaled to 1000
    pixels. The ratio is what halving loses of the sharpest places at their own size, divided by
    what quartering loses: an enlarged copy has nothing in its finest scale to lose. It is 0 for an
    image without sharp places.
    """
    scale = _COMMON_SIDE / max(grey.size)
    size = max(1, round(grey.width * scale)), max(1, round(grey.height * scale))
    scaled = grey.resize(size, Image.Resampling.LANCZOS)
    losses = _mean_by_cell(_difference(scaled, scaled.filter(ImageFilter.BoxBlur(1))) ** 2)
    sharpest_last = numpy.argsort(losses, axis=None, kind="stable")
    counted = sharpest_last[: max(1, round(losses.size * (1 - _LEFT_OUT)))]
    detail = float(numpy.sqrt(losses.ravel()[counted].mean()))
    places = [_centre(int(cell), losses.shape) for cell in sharpest_last[-_PLACES:]]
    windows = [_window(grey, across, down) for across, down in places]
    halved, quartered = (sum(_cored_energy(window, by) for window in windows) for by in (2, 4))
    return detail, (halved / quartered) ** 0.5 if quartered else 0.0


def _cored_energy(grey: Image.Image, by: int) -> float:
    """Return the squared losses of an image, without those that compression may have caused."""
    losses = numpy.maximum(0, abs(_loss(grey, by)) - _NOISE)
    return float((losses**2).sum())


def _loss(grey: Image.Image, by: int) -> NDArray[numpy.float32]:
    """Return what an image loses by being reduced and enlarged again."""
    if min(grey.size) >= by:  # or else the enlarged copy would not lie exactly on the image
        grey = grey.crop((0, 0, grey.width - grey.width % by, grey.height - grey.height % by))
    return _difference(grey, grey.reduce(by).resize(grey.size, Image.Resampling.BICUBIC))


def _difference(one: Image.Image, other: Image.Image) -> NDArray[numpy.float32]:
    return numpy.asarray(one, numpy.float32) - numpy.asarray(other, numpy.float32)


def _mean_by_cell(loss: NDArray[numpy.float32]) -> NDArray[numpy.float32]:
    """Return the mean of each cell; at most some rows and columns at the edges are left out."""
    rows, columns = (min(_CELLS, side) for side in loss.shape)
    height, width = loss.shape[0] // rows, loss.shape[1] // columns
    cells = loss[: rows * height, : columns * width].reshape(rows, height, columns, width)
    means: NDArray[numpy.float32] = cells.mean(axis=(1, 3))
    return means


def _centre(cell: int, shape: tuple[int, ...]) -> tuple[float, float]:
    """Return the centre of a cell as fractions of width and height."""
    rows, columns = shape
    return (cell % columns + 0.5) / columns, (cell // columns + 0.5) / rows


def _window(grey: Image.Image, across: float, down: float) -> Image.Image:
    """Return a square of *grey* around a place, moved inside of the image."""
    left = min(max(0, int(across * grey.width) - _WINDOW // 2), max(0, grey.width - _WINDOW))
    top = min(max(0, int(down * grey.height) - _WINDOW // 2), max(0, grey.height - _WINDOW))
    return grey.crop((left, top, min(grey.width, left + _WINDOW), min(grey.height, top + _WINDOW)))
