"""Draw skies with the light of a low sun or moon, and streaks of cloud."""

from __future__ import annotations

from collections.abc import Sequence

from wallpapers.demo.scenes.canvas import Canvas, Point
from wallpapers.demo.scenes.texture import bell, clouds, levels, mix


def sunlit(
    canvas: Canvas, tints: Sequence[str], light: str, at: Point, *, radius: float, horizon: float
) -> None:
    """Paint a sky of *tints* (zenith first) with a sun or moon; it is brightest at the horizon."""
    canvas.wash(tints, 0, horizon + 0.02)
    canvas.wash(tints[-1:], horizon + 0.02, 1)
    canvas.glow((at[0], horizon), 1.5, tints[-1], 0.8, fall=1.8, stretch=0.42)
    canvas.glow(at, 0.7, mix(tints[-2], tints[-1], 0.6), 0.4, fall=2.2, stretch=0.8)
    canvas.glow(at, radius * 5.5, light, 0.45, fall=3)
    canvas.disc(at, radius, light)


def streaks(canvas: Canvas, tint: str, level: float, depth: float, share: float) -> None:
    """Draw thin clouds parallel to the horizon, around the height *level*."""
    blots = clouds(canvas.fork(), (160, 90), (2, 5), 5)
    canvas.veil(tint, bell(levels(blots, 0.5, 4.5 * share)), level - depth, level + depth)
