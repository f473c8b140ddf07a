"""Draw a mountain lake that mirrors its shore."""

from __future__ import annotations

from wallpapers.demo.scenes.canvas import Canvas
from wallpapers.demo.scenes.forest import pines
from wallpapers.demo.scenes.sky import sunlit
from wallpapers.demo.scenes.terrain import fractal_crest, land, mist
from wallpapers.demo.scenes.texture import mix
from wallpapers.demo.scenes.water import PALETTES, Palette, mirror, path_of_light, ripples


def draw(canvas: Canvas) -> None:
    """Paint mountains and a wooded shore, and their reflection in the lake."""
    rng = canvas.rng
    palette = rng.choice(PALETTES)
    horizon = rng.uniform(0.56, 0.62)
    sun = (rng.uniform(0.2, 0.8), horizon - rng.uniform(0.3, 0.36))
    radius = rng.uniform(0.035, 0.05)
    sunlit(canvas, palette.sky, palette.sun, sun, radius=radius, horizon=horizon)
    for ridge in range(4):
        _ridge(canvas, palette, ridge / 3, horizon)
    mirror(canvas, horizon, palette.water[-1], 0.16)
    below = (sun[0], 2 * horizon - sun[1])
    canvas.glow(below, 0.2, mix(palette.sky[-1], palette.sun, 0.4), 0.6, stretch=1.6, top=horizon)
    canvas.disc(below, radius, mix(palette.sun, palette.sky[-1], 0.2))
    ripples(canvas, palette.water[-1], palette.water[0], horizon, 0.5)
    path_of_light(canvas, palette.sun, sun[0], horizon + 0.08, 90)


def _ridge(canvas: Canvas, palette: Palette, depth: float, horizon: float) -> None:
    """Paint one ridge that comes down to the water; the nearest is low and wooded."""
    rng = canvas.fork()
    heights = fractal_crest(rng, canvas.aspect, 1.4 + depth)
    rise = (0.18 - 0.14 * depth) / max(1, *heights)  # too low to hide the sun
    crest = [horizon + 0.004 - max(rise * (0.75 + 0.8 * h), 0.012) for h in heights]
    tint = mix(mix(palette.far, palette.sky[-1], 0.35), palette.near, depth * 0.85)
    foot = mix(tint, palette.sky[-1], 0.55 * (1 - depth))
    trees = pines(rng, crest, canvas.aspect, 0.05, 0.13) if depth == 1 else ()
    land(canvas, crest, (tint, foot), horizon + 0.01, trees)
    if depth < 1:
        mist(canvas, rng, palette.sky[-1], horizon - 0.06, 0.9)
