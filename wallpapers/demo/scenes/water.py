"""Draw still water: its tints, waves and reflections."""

from __future__ import annotations

import math
import random
from typing import NamedTuple

from PIL import Image

from wallpapers.demo.scenes.canvas import Canvas
from wallpapers.demo.scenes.terrain import Shape, silhouette
from wallpapers.demo.scenes.texture import bell, clouds, levels, rgb


class Palette(NamedTuple):
    """The tints of one shore; those of the sky start at the zenith, of the water at the horizon."""

    sky: tuple[str, ...]
    sun: str
    far: str
    near: str
    water: tuple[str, ...]


PALETTES = (
    Palette(
        ("#26315f", "#6d5b93", "#e2869a", "#ffc796"),
        "#fff0cf",
        "#b06d8f",
        "#2a2148",
        ("#f3b394", "#b87499", "#433a6e", "#1c1e46"),
    ),
    Palette(
        ("#5f93b8", "#93bccf", "#cfdcd6", "#fae3c6"),
        "#fffaea",
        "#b5bfc6",
        "#3b5468",
        ("#f0dcc2", "#a9c3c9", "#5b8ba6", "#2f5c7e"),
    ),
    Palette(
        ("#050b1f", "#0e2145", "#24477a", "#6f93b5"),
        "#f4f6ff",
        "#31517c",
        "#060d20",
        ("#5f84a8", "#234876", "#0c1f42", "#050c20"),
    ),
    Palette(
        ("#ee9458", "#f5b474", "#fad49c", "#ffeac2"),
        "#fffdf2",
        "#e3a47c",
        "#6a3230",
        ("#fbdcaa", "#f0af78", "#c4705a", "#713a45"),
    ),
    Palette(
        ("#123a4c", "#2e7580", "#8fc0b4", "#f2e3bd"),
        "#fff8df",
        "#6fa09f",
        "#0b2a36",
        ("#e3dcb8", "#82b5ad", "#2c6d79", "#0f3443"),
    ),
    Palette(
        ("#b4c7d2", "#d2dde0", "#ece8e2", "#f8e9dc"),
        "#ffffff",
        "#b9c4cc",
        "#54677a",
        ("#f2e7dd", "#cfd9dd", "#9db3c1", "#6f8ba0"),
    ),
)


def ripples(canvas: Canvas, dark: str, pale: str, horizon: float, share: float = 1) -> None:
    """Draw ripples on the water: faint streaks, wider towards the viewer."""
    for tint in (dark, pale):
        blots = clouds(canvas.fork(), (200, 200), (2, 14), 4)
        canvas.veil(tint, bell(levels(blots, 0.52, 2.2 * share), 0.7), horizon, 1.1)


def path_of_light(canvas: Canvas, tint: str, x: float, horizon: float, count: int) -> None:
    """Draw *count* waves below *horizon* that reflect the light of a sun or moon at *x*."""
    rng = canvas.fork()
    first, end = canvas.rows(horizon, 1)
    glints = [_glint(rng, x, horizon, canvas.aspect) for _ in range(count)]
    mask = levels(silhouette(canvas, glints, first, end), 0, 0.9)
    canvas.image.paste(rgb(tint), (0, first), mask)


def _glint(rng: random.Random, x: float, horizon: float, aspect: float) -> Shape:
    """Return the outline of one reflecting wave: a thin, slanted lens."""
    near = rng.random() ** 1.2
    y = horizon + 0.003 + (1 - horizon) * near**1.5
    x += rng.gauss(0, 0.07) * (0.25 + near) / aspect
    half = (0.006 + 0.075 * near) * rng.uniform(0.3, 1.3) / aspect
    thick = (0.0006 + 0.0024 * near) * rng.uniform(0.5, 1.2)
    upper = [(x - half * 0.4, y - thick * 0.8), (x + half * 0.3, y - thick)]
    lower = [(x + half * 0.4, y + thick * 0.7), (x - half * 0.3, y + thick)]
    return [(x - half, y), *upper, (x + half, y), *lower]


def mirror(canvas: Canvas, horizon: float, tint: str, share: float) -> None:
    """Mirror the area above *horizon* below it, blurred and rippled, and tinted towards the viewer.

    *share* is the opacity of the tint at the bottom.
    """
    rng = canvas.fork()
    first, end = canvas.rows(horizon, 1)
    size = (canvas.width, end - first)
    box = (0, max(2 * first - end, 0), canvas.width, first)
    above = canvas.image.crop(box).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    above = above.resize((canvas.width, max(size[1] // 4, 1)), Image.Resampling.BOX)
    above = above.resize(size, Image.Resampling.BICUBIC)
    canvas.image.paste(above, (0, first))
    phase = rng.uniform(0, math.tau)
    for row in range(size[1]):
        near = row / size[1]
        wave = math.sin(phase + 240 * near**0.6) + 0.6 * math.sin(610 * near**0.6)
        shift = round(wave * (0.3 + 2 * near) * min(canvas.width, canvas.height) / 1000)
        canvas.image.paste(above.crop((0, row, canvas.width, row + 1)), (shift, first + row))
    canvas.veil(tint, levels(Image.linear_gradient("L"), 0, 2 * share), horizon, 1)
