"""Draw the wallpapers of the demo procedurally, from a seed."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image

from wallpapers.demo.scenes import dunes, forest, lake, mountains, night, sea
from wallpapers.demo.scenes.canvas import Canvas

_SCENES: dict[str, Callable[[Canvas], None]] = {
    "mountains": mountains.draw,
    "dunes": dunes.draw,
    "stars": night.draw_stars,
    "aurora": night.draw_aurora,
    "sea": sea.draw,
    "lake": lake.draw,
    "forest": forest.draw_misty,
    "snow": forest.draw_snowy,
}

KINDS: tuple[str, ...] = tuple(_SCENES)


def draw(kind: str, seed: int, width: int, height: int) -> Image.Image:
    """Return the scene *kind* (one of KINDS) as RGB; the same arguments give the same pixels."""
    canvas = Canvas(f"{kind} {seed}", width, height)
    _SCENES[kind](canvas)
    return canvas.finish()
