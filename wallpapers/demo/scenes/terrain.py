"""Draw land: its crest against the sky, its surface, and mist."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from PIL import Image, ImageDraw

from wallpapers.demo.scenes.canvas import Canvas, Point
from wallpapers.demo.scenes.texture import bell, clouds, gradient, levels, rgb

Shape = Sequence[Point]


class RidgePalette(NamedTuple):
    """The tints of ridges in mist, from the far to the near ones; sky tints start at the zenith."""

    sky: tuple[str, ...]
    sun: str
    mist: str
    far: str
    near: str


def fractal_crest(rng: random.Random, span: float, peaks: float) -> list[float]:
    """Return the heights (about -1 to 1) of a mountain ridge, by midpoint displacement.

    *peaks* is the number of peaks per length that equals the height of the image; *span* is the
    width of the image in such lengths.
    """
    heights = [rng.uniform(-1, 1) for _ in range(max(math.ceil(span * peaks), 2) + 1)]
    swing = 0.7
    while len(heights) < 1200:
        swing /= 2
        middles = [(a + b) / 2 + rng.uniform(-swing, swing) for a, b in pairwise(heights)]
        heights = [h for pair in zip(heights, middles, strict=False) for h in pair] + heights[-1:]
    return heights


def rolling_crest(rng: random.Random, span: float, waves: float) -> list[float]:
    """Return the heights (-1 to 1) of soft hills: a sum of ever shorter and lower sines."""
    sines = [
        (math.tau * waves * 1.9**k * rng.uniform(0.8, 1.2), rng.uniform(0, math.tau), 0.42**k)
        for k in range(4)
    ]
    total = sum(height for _, _, height in sines)
    return [
        sum(height * math.sin(wave * span * i / 400 + phase) for wave, phase, height in sines)
        / total
        for i in range(401)
    ]


def land(
    canvas: Canvas,
    crest: Sequence[float],
    tints: Sequence[str],
    foot: float,
    trees: Sequence[Shape] = (),
) -> None:
    """Paint the area below *crest* (fractions of the height, evenly spaced), and *trees*.

    The gradient of *tints* goes from the highest point down to *foot*; below it, the last tint is
    used.
    """
    steps = len(crest) - 1
    line = [(i / steps, y) for i, y in enumerate(crest)]
    ground = [(-0.01, 2), (-0.01, crest[0]), *line, (1.01, crest[-1]), (1.01, 2)]
    deepest = max(crest) + 0.01
    end = cover(canvas, [ground, *trees], tints, max(foot, deepest), deepest)
    canvas.image.paste(rgb(tints[-1]), (0, end, canvas.width, canvas.height))


def cover(
    canvas: Canvas, shapes: Sequence[Shape], tints: Sequence[str], foot: float, solid: float = 1
) -> int:
    """Fill *shapes* with a gradient of *tints* from the highest point down to *foot*.

    Below *solid* the whole width is filled. Returns the first pixel row that was not painted.
    """
    peak = min((y for shape in shapes for _, y in shape), default=1) - 0.002
    if peak >= min(foot, 1):
        return canvas.height
    first, end = canvas.rows(peak, foot)
    edge = min(canvas.rows(peak, solid)[1], end)
    fill = gradient((canvas.width, end - first), tints)
    rim = fill.crop((0, 0, canvas.width, edge - first))
    canvas.image.paste(rim, (0, first), silhouette(canvas, shapes, first, edge))
    canvas.image.paste(fill.crop((0, edge - first, canvas.width, end - first)), (0, edge))
    return end


def silhouette(canvas: Canvas, shapes: Sequence[Shape], first: int, end: int) -> Image.Image:
    """Return the mask of *shapes* on the pixel rows *first* to *end*, with smooth edges."""
    fine_x, fine_y = 2, 4
    mask = Image.new("L", (canvas.width * fine_x, (end - first) * fine_y))
    draw = ImageDraw.Draw(mask)
    wide, high, up = canvas.width * fine_x, canvas.height * fine_y, first * fine_y
    for shape in shapes:
        draw.polygon([(x * wide, y * high - up) for x, y in shape], fill=255)
    return mask.reduce((fine_x, fine_y))


def mist(canvas: Canvas, rng: random.Random, tint: str, level: float, share: float) -> None:
    """Paint mist around the height *level*, which separates the ridges in front and behind."""
    blots = levels(clouds(rng, (96, 27), (3, 3)), 0.36, 1.6 * share)
    canvas.veil(tint, bell(blots), level - 0.1, level + 0.2)
