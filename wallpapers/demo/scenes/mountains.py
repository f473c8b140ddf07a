"""Draw mountain ridges in morning or evening mist."""

from __future__ import annotations

from wallpapers.demo.scenes.canvas import Canvas
from wallpapers.demo.scenes.sky import sunlit
from wallpapers.demo.scenes.terrain import RidgePalette, fractal_crest, land, mist
from wallpapers.demo.scenes.texture import mix

PALETTES = (
    RidgePalette(
        ("#5b7fa6", "#9fb6c9", "#f0d4bd", "#fbd9b4"), "#fff3dc", "#f5d5c6", "#c7a9bb", "#262b50"
    ),
    RidgePalette(
        ("#2c2a57", "#6b4a82", "#d9748a", "#fbb98a"), "#ffe3b8", "#f3a98f", "#b9708f", "#1b1636"
    ),
    RidgePalette(
        ("#a9c6cf", "#cfdfdf", "#eef0e6", "#f7efe0"), "#ffffff", "#f1f1ea", "#bccfd2", "#173d45"
    ),
    RidgePalette(
        ("#16324f", "#2f6690", "#81b2c4", "#dfe9e0"), "#fffbe8", "#d7e5e0", "#8fb4c1", "#0d2436"
    ),
    RidgePalette(
        ("#f2a65a", "#f7c487", "#fbe0b5", "#fdeed6"), "#fffaf0", "#fbe3c2", "#e9b68c", "#43202c"
    ),
    RidgePalette(
        ("#383a5e", "#76689a", "#c3a0bd", "#f0cfcf"), "#fff1ea", "#e8cbd2", "#b29bbd", "#23223f"
    ),
)


def draw(canvas: Canvas) -> None:
    """Paint five to seven ridges; nearer ones are darker and lower."""
    rng = canvas.rng
    palette = rng.choice(PALETTES)
    horizon = rng.uniform(0.5, 0.6)
    sun = (rng.uniform(0.2, 0.8), horizon - rng.uniform(0.04, 0.26))
    radius = rng.uniform(0.035, 0.06)
    sunlit(canvas, palette.sky, palette.sun, sun, radius=radius, horizon=horizon)
    ridges, steep = rng.randint(5, 7), rng.uniform(0.8, 1.5)
    for ridge in range(ridges):
        depth = ridge / (ridges - 1)
        base = horizon - 0.02 + (0.97 - horizon) * depth**1.2
        _ridge(canvas, palette, depth, base, steep)


def _ridge(canvas: Canvas, palette: RidgePalette, depth: float, base: float, steep: float) -> None:
    rng = canvas.fork()
    rise = steep * (0.14 - 0.09 * abs(depth - 0.4))
    heights = fractal_crest(rng, canvas.aspect, 1.6 + 0.8 * depth)
    tint = mix(palette.far, palette.near, depth**1.2)
    foot = mix(tint, palette.mist, 0.75 * (1 - depth))
    land(canvas, [base - rise * h for h in heights], (tint, foot), min(base + 0.28, 1))
    if depth < 1:
        mist(canvas, rng, palette.mist, base, 1 - 0.5 * depth)
