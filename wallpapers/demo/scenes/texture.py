"""Provide tints, gradients without banding, clouds, and masks made from them."""

from __future__ import annotations

import functools
import random
from array import array
from collections.abc import Sequence

from PIL import Image, ImageChops, ImageColor, ImageMath

SMOOTH = Image.Resampling.BICUBIC
_TILE = 256


def rgb(tint: str) -> tuple[int, int, int]:
    """Return the channels of "#rrggbb"."""
    red, green, blue = ImageColor.getrgb(tint)[:3]
    return red, green, blue


def mix(a: str, b: str, share: float) -> str:
    """Return the mix of two tints: *a* if *share* is 0, *b* if it is 1."""
    red, green, blue = (round(p + (q - p) * share) for p, q in zip(rgb(a), rgb(b), strict=True))
    return f"#{red:02x}{green:02x}{blue:02x}"


def gradient(size: tuple[int, int], tints: Sequence[str]) -> Image.Image:
    """Return a vertical gradient of *tints*, dithered to avoid banding."""
    noise = _tiled(_noise(), (_TILE, size[1])).convert("F")
    channels = []
    for steps in zip(*map(rgb, tints), strict=True):
        stops = Image.frombytes("F", (1, len(steps)), array("f", steps).tobytes())
        smooth = stops.resize(noise.size, SMOOTH)
        level = ImageMath.lambda_eval(lambda of: of["s"] + of["n"] / 256, s=smooth, n=noise)
        channels.append(level.convert("L"))
    return _tiled(Image.merge("RGB", channels), size)


def clouds(
    rng: random.Random, size: tuple[int, int], cells: tuple[int, int], octaves: int = 5
) -> Image.Image:
    """Return fractal noise: *cells* large blots (across, down) with smaller, fainter ones added."""
    total, weight, sum_of_weights = Image.new("L", size), 1.0, 0.0
    for octave in range(octaves):
        across, down = cells[0] << octave, cells[1] << octave
        blots = Image.frombytes("L", (across, down), rng.randbytes(across * down))
        sum_of_weights += weight
        total = Image.blend(total, blots.resize(size, SMOOTH), weight / sum_of_weights)
        weight *= 0.55
    return total


def levels(mask: Image.Image, floor: float, gain: float) -> Image.Image:
    """Return *mask* minus *floor* (0 to 1), multiplied by *gain*."""
    return mask.point([round(min(max(v - 255 * floor, 0) * gain, 255)) for v in range(256)])


def bell(mask: Image.Image, crown: float = 0.5) -> Image.Image:
    """Return *mask* faded out towards top and bottom; it is unchanged at *crown* of its height."""

    def share(at: float) -> float:
        rise = at / crown if at < crown else (1 - at) / (1 - crown)
        return rise * rise * (3 - 2 * rise)

    fade = Image.linear_gradient("L").point([round(255 * share(v / 255)) for v in range(256)])
    return ImageChops.multiply(mask, fade.resize(mask.size, SMOOTH))


def grain(size: tuple[int, int]) -> Image.Image:
    """Return grey noise of 0 to 4, to hide the steps of 8-bit colours."""
    speck = _noise().point([v * 5 // 256 for v in range(256)])
    return _tiled(Image.merge("RGB", (speck, speck, speck)), size)


@functools.cache
def _noise() -> Image.Image:
    return Image.frombytes("L", (_TILE, _TILE), random.Random(0).randbytes(_TILE * _TILE))


def _tiled(tile: Image.Image, size: tuple[int, int]) -> Image.Image:
    whole = Image.new(tile.mode, size)
    for top in range(0, size[1], tile.height):
        for left in range(0, size[0], tile.width):
            whole.paste(tile, (left, top))
    return whole
