"""Draw a calm sea that reflects the sun or the moon."""

from __future__ import annotations

from wallpapers.demo.scenes.canvas import Canvas
from wallpapers.demo.scenes.sky import streaks, sunlit
from wallpapers.demo.scenes.terrain import land, rolling_crest
from wallpapers.demo.scenes.texture import mix
from wallpapers.demo.scenes.water import PALETTES, Palette, path_of_light, ripples


def draw(canvas: Canvas) -> None:
    """Paint a calm sea between headlands, with the reflection of the sun or the moon."""
    rng = canvas.rng
    palette = rng.choice(PALETTES)
    horizon = rng.uniform(0.54, 0.62)
    sun = (rng.uniform(0.28, 0.72), horizon - rng.uniform(0.03, 0.24))
    radius = rng.uniform(0.045, 0.07)
    sunlit(canvas, palette.sky, palette.sun, sun, radius=radius, horizon=horizon)
    streaks(canvas, mix(palette.sky[-1], palette.sun, 0.5), horizon - 0.25, 0.2, 0.35)
    streaks(canvas, mix(palette.far, palette.sky[-1], 0.3), horizon - 0.1, 0.12, 0.35)
    for headland in range(2):
        _headland(canvas, palette, horizon, rng.choice((-1, 1)), headland)
    canvas.wash(palette.water, horizon, 1)
    canvas.glow((sun[0], horizon), 0.5, palette.sun, 0.45, stretch=1.6, top=horizon)
    ripples(canvas, palette.water[-1], palette.water[0], horizon)
    path_of_light(canvas, palette.sun, sun[0], horizon, 420)


def _headland(canvas: Canvas, palette: Palette, horizon: float, side: int, near: int) -> None:
    heights = rolling_crest(canvas.fork(), canvas.aspect, 0.9)
    steps = len(heights) - 1
    rise = (0.2 + 0.06 * near) * min(canvas.aspect, 1)
    crest = []
    for i, h in enumerate(heights):
        out = (i if side > 0 else steps - i) / steps - 0.5 - 0.18 * near
        crest.append(horizon + 0.01 - max(out, -0.05) * rise * (1 + 0.5 * h))
    tint = mix(palette.far, palette.sky[-1], 0.5 - 0.35 * near)
    land(canvas, crest, (tint, mix(tint, palette.sky[-1], 0.4)), horizon + 0.01)
