"""The pictures on which limits for look-alikes are chosen, and those that are held out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from tests.look_variants import recompressed
from wallpapers.demo import scenes

BACKGROUNDS, WALLPAPERS = Path("/usr/share/backgrounds"), Path("/usr/share/wallpapers")


def is_held_out(name: str) -> bool:
    """Return whether no limit may be chosen on the picture with this name; half of them are."""
    return hashlib.sha256(name.encode()).digest()[0] % 2 == 1


def drawn(count: int) -> Iterator[tuple[str, Image.Image]]:
    """Yield drawn pictures, all of the same few kinds; none of them is among the first thousand."""
    for number in range(1_000, 1_000 + count):
        kind = scenes.KINDS[number % len(scenes.KINDS)]
        picture = scenes.draw(kind, number, 640, 360)
        yield f"{kind} {number}", recompressed("JPEG", 92)(picture)


def packaged() -> Iterator[tuple[str, Image.Image]]:
    """Yield the wallpapers of Debian's packages, one of each design."""
    designs = [path for path in BACKGROUNDS.iterdir() if path.suffix in (".jpg", ".png")]
    for folder in WALLPAPERS.iterdir():
        sizes = (folder / "contents" / "images").glob("*.*")
        designs += sorted(sizes, key=lambda path: path.stat().st_size)[-1:]
    for path in sorted(designs):
        with Image.open(path) as image:
            picture = image.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
        upright.thumbnail((1600, 1600))
        yield str(path), upright.convert("RGB")
