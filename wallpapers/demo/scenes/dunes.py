"""Draw sand dunes with one flank in the sun and one in the shade."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from PIL import Image, ImageChops

from wallpapers.demo.scenes.canvas import Canvas, Point
from wallpapers.demo.scenes.sky import sunlit
from wallpapers.demo.scenes.terrain import land, mist, silhouette
from wallpapers.demo.scenes.texture import SMOOTH, mix, rgb


class Palette(NamedTuple):
    """The tints of one desert; those of the sky start at the zenith."""

    sky: tuple[str, ...]
    sun: str
    far: str
    lit: str
    shade: str


PALETTES = (
    Palette(("#6fa3b8", "#b9cfc9", "#f3dfc0"), "#fff6e0", "#ecc9a0", "#e0a066", "#8c4a36"),
    Palette(
        ("#2e2a55", "#7c4f7f", "#ef9a7a", "#ffd09a"), "#ffe9c0", "#e79a78", "#c9654f", "#4a1f45"
    ),
    Palette(("#f5cfa8", "#f9dfc4", "#fcefdc"), "#ffffff", "#f2cfae", "#dd9c74", "#a3563f"),
    Palette(
        ("#16213f", "#33456f", "#8d8fb0", "#e3c8c0"), "#fff4e6", "#a89bb0", "#7a6d92", "#1d2148"
    ),
    Palette(("#d9e4e4", "#ece9df", "#f7ecdc"), "#ffffff", "#eadcc8", "#d8bc98", "#93765f"),
    Palette(("#2b6f8f", "#7db3bb", "#f0d9b0"), "#fff8e4", "#f0c98e", "#e58f4a", "#7a3226"),
)


def draw(canvas: Canvas) -> None:
    """Paint dunes from back to front, all shaded on the side away from the sun."""
    rng = canvas.rng
    palette = rng.choice(PALETTES)
    horizon = rng.uniform(0.46, 0.56)
    side = rng.choice((-1, 1))
    sun = (0.5 + side * rng.uniform(0.12, 0.32), horizon - rng.uniform(0.1, 0.28))
    radius = rng.uniform(0.035, 0.065)
    sunlit(canvas, palette.sky, palette.sun, sun, radius=radius, horizon=horizon)
    dunes = rng.randint(5, 6)
    peak = rng.random()
    for dune in range(dunes):
        depth = dune / (dunes - 1)
        peak = (peak + rng.uniform(0.3, 0.6)) % 1
        base = horizon + (0.95 - horizon) * depth**1.35
        if dune:
            dust = mix(palette.far, palette.sun, 0.3)
            mist(canvas, canvas.fork(), dust, base - 0.04, 0.5 * (1 - depth))
        _dune(canvas, palette, depth, (peak, base), side)


def _dune(canvas: Canvas, palette: Palette, depth: float, at: Point, side: int) -> None:
    """Paint one dune; *at* has the x of its peak and the y of its base."""
    rng = canvas.fork()
    peak, base = at
    rise = 0.07 + 0.14 * depth
    flanks = [(0.25 + 0.5 * depth) * rng.uniform(0.7, 1.4) for _ in range(2)]
    swell, phase = rng.uniform(0.012, 0.02) * (0.4 + depth), rng.uniform(0, math.tau)

    def crest(x: float) -> float:
        away = (x - peak) * canvas.aspect
        cusp = rise * math.exp(-math.pow(abs(away) / flanks[away > 0], 1.15))
        return base - cusp - swell * math.sin(2.2 * away + phase)

    lit = mix(palette.far, palette.lit, depth)
    shade = mix(palette.far, palette.shade, 0.35 + 0.65 * depth)
    tints = (mix(lit, palette.sun, 0.2), lit, mix(lit, shade, 0.4))
    land(canvas, [crest(i / 800) for i in range(801)], tints, min(base + 0.3, 1))
    drift, sway = side * rng.uniform(0.2, 0.6), side * rng.uniform(0.06, 0.11) * (0.25 + depth)
    length = 0.12 + 0.33 * depth

    def spine(fall: float) -> float:
        t = fall / length
        wind = drift * length * math.pow(t, 1.3) + sway * math.sin(6 * t) * math.pow(t, 0.7)
        return peak + wind / canvas.aspect

    _shade(canvas, shade, peak, side, crest=crest, spine=spine)


def _shade(
    canvas: Canvas,
    tint: str,
    peak: float,
    side: int,
    *,
    crest: Callable[[float], float],
    spine: Callable[[float], float],
) -> None:
    """Darken the flank behind *spine*, which winds down from *peak*; the shade fades downwards."""
    edge = -0.01 if side > 0 else 1.01
    top = crest(peak)
    behind = [peak + (edge - peak) * i / 400 for i in range(401)]
    depth = max(crest(x) for x in behind) - top + 0.14
    winding = [(spine(depth * i / 60), top + depth * i / 60) for i in range(61)]
    shape = [*winding, (edge, top + depth), *((x, crest(x)) for x in reversed(behind))]
    upper = min(y for _, y in shape)
    if upper >= 1:
        return
    first, end = canvas.rows(upper, top + depth)
    fade = Image.linear_gradient("L").point([round(255 * (1 - v / 255) ** 1.2) for v in range(256)])
    rows = (end - first) / max((top + depth - upper) * canvas.height, 1)
    fade = fade.resize((canvas.width, end - first), SMOOTH, (0, 0, 256, min(256 * rows, 256)))
    mask = ImageChops.multiply(silhouette(canvas, [shape], first, end), fade)
    canvas.image.paste(rgb(tint), (0, first), mask)
