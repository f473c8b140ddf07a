"""Draw pine ridges in mist or snow."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from wallpapers.demo.scenes.canvas import Canvas, Point
from wallpapers.demo.scenes.sky import sunlit
from wallpapers.demo.scenes.terrain import RidgePalette, Shape, cover, land, mist, rolling_crest
from wallpapers.demo.scenes.texture import mix

MISTY = (
    RidgePalette(("#c5d3d6", "#dde5e4", "#eef0ea"), "#fbfbf6", "#e9eeec", "#b7c8c9", "#16302f"),
    RidgePalette(("#f0b98d", "#f6d3b0", "#fbe8d2"), "#fff8ec", "#f8e0c8", "#dcae92", "#3a2229"),
    RidgePalette(("#b9c7b4", "#d9dfcc", "#f1efdd"), "#fdfcf0", "#eceddb", "#b3c3a9", "#1d3324"),
    RidgePalette(("#1d3a4a", "#4d7f8a", "#b5cfc8"), "#eef6ee", "#a9c6c2", "#6d9a9e", "#071a22"),
    RidgePalette(("#4a4a72", "#9a86a8", "#ecc8bd"), "#fff0e4", "#d9bcc4", "#a08fb2", "#1d1b38"),
)
SNOWY = (
    RidgePalette(("#8fa6bf", "#c4d0dc", "#f1e8e4"), "#fffdf8", "#f4f4f7", "#b3c0cf", "#22344c"),
    RidgePalette(("#2f3f63", "#7d8ab0", "#e6c6c6"), "#fff3ea", "#dcd5e4", "#9aa3c2", "#161f3c"),
    RidgePalette(("#f0b6a2", "#f6d0be", "#fbe6da"), "#fffaf4", "#fdeee8", "#d9b9bd", "#54404f"),
    RidgePalette(("#a9c4cc", "#d3e0e1", "#eef2ee"), "#ffffff", "#f6faf9", "#b4c9cd", "#1f4047"),
    RidgePalette(("#0e1a36", "#22406a", "#6f93b5"), "#f2f6ff", "#a9c0d8", "#5d7da3", "#08122a"),
)


def draw_misty(canvas: Canvas) -> None:
    """Paint wooded hills that rise from mist, from pale to dark."""
    palette, horizon = _heaven(canvas, MISTY)
    for hill in range(6):
        depth = hill / 5
        rng = canvas.fork()
        base = horizon + (1 - horizon) * depth**1.1
        crest = [base - (0.05 + 0.06 * depth) * h for h in _hills(rng, canvas)]
        tint = mix(palette.far, palette.near, depth**1.3)
        foot = mix(tint, palette.mist, 0.8 * (1 - depth) + 0.1)
        trees = pines(rng, crest, canvas.aspect, 0.05 + 0.19 * depth**1.6)
        land(canvas, crest, (tint, foot), min(base + 0.28, 1), trees)
        if depth < 1:
            mist(canvas, rng, palette.mist, base, 1.1 - 0.6 * depth)


def draw_snowy(canvas: Canvas) -> None:
    """Paint white hills with dark pines on them, and falling snow."""
    palette, horizon = _heaven(canvas, SNOWY)
    for hill in range(5):
        depth = hill / 4
        rng = canvas.fork()
        base = horizon + (0.97 - horizon) * depth**1.1
        crest = [base - (0.05 + 0.05 * depth) * h for h in _hills(rng, canvas)]
        tint = mix(palette.far, palette.near, depth**1.1)
        trees = pines(rng, crest, canvas.aspect, 0.06 + 0.16 * depth**1.5, 0.35)
        foot = mix(tint, palette.mist, 0.35 * (1 - depth))
        cover(canvas, trees, (tint, foot), max(crest) + 0.03)
        snow = mix(palette.mist, palette.far, 0.45 + 0.15 * depth)
        land(canvas, crest, (mix(palette.mist, palette.sun, 0.3), snow), min(base + 0.3, 1))
    snowfall(canvas)


def _heaven(canvas: Canvas, palettes: Sequence[RidgePalette]) -> tuple[RidgePalette, float]:
    rng = canvas.rng
    palette = rng.choice(palettes)
    horizon = rng.uniform(0.38, 0.48)
    sun = (rng.uniform(0.2, 0.8), horizon - rng.uniform(0.1, 0.22))
    radius = rng.uniform(0.035, 0.055)
    sunlit(canvas, palette.sky, palette.sun, sun, radius=radius, horizon=horizon + 0.1)
    return palette, horizon


def _hills(rng: random.Random, canvas: Canvas) -> list[float]:
    return rolling_crest(rng, canvas.aspect, rng.uniform(0.5, 0.7))


def pines(
    rng: random.Random, crest: Sequence[float], aspect: float, height: float, gap: float = 0.2
) -> list[Shape]:
    """Return the outlines of the pines along *crest*, up to *height* high, in groves.

    *gap* is the mean distance between two pines, divided by their height.
    """
    tiers = 4 + round(35 * height)
    kinds = [_pine(rng, tiers) for _ in range(8)]
    phases = [rng.uniform(0, math.tau) for _ in range(2)]
    trees: list[Shape] = []
    x = -height * rng.random() / aspect
    while x < 1 + height:
        grove = math.sin(x * aspect * 5 + phases[0]) + math.sin(x * aspect * 13 + phases[1])
        high = height * (0.62 + 0.16 * grove) * rng.uniform(0.5, 1.2)
        foot = crest[min(max(round(x * (len(crest) - 1)), 0), len(crest) - 1)] + 0.14 * high
        trees.append([(x + dx * high / aspect, foot - dy * high) for dx, dy in rng.choice(kinds)])
        step = gap * rng.expovariate(1) * (1.3 - 0.4 * grove) + 0.02
        x += step * height / aspect
    return trees


def _pine(rng: random.Random, tiers: int) -> list[Point]:
    """Return the outline of a pine of height 1 whose foot is at (0, 0)."""
    half = rng.uniform(0.15, 0.22)
    flanks: list[list[Point]] = []
    for side in (1, -1):
        flank = [(0.0, 1.0)]
        for tier in range(1, tiers + 1):
            fall = tier / tiers
            reach = side * half * fall**0.9 * rng.uniform(0.75, 1.1)
            level = 1 - 0.93 * fall
            flank += [(reach, level), (reach * 0.5, level + 0.25 / tiers)]
        flanks.append([*flank, (side * 0.02, 0.07), (side * 0.02, -0.1)])
    return flanks[0] + flanks[1][::-1]


def snowfall(canvas: Canvas) -> None:
    """Paint snowflakes, most of them distant and small."""
    rng = canvas.fork()
    for _ in range(220):
        near = rng.random() ** 5
        share = rng.choice((0.3, 0.5, 0.7))
        canvas.glow((rng.random(), rng.random()), 0.0018 + 0.01 * near, "#ffffff", share, fall=0.7)
