"""Small pictures for tests, each different from every other, and quick to make."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from typing import Any

from PIL import Image

from wallpapers.demo.gallery import Exhibit


def noise(seed: int, width: int = 96, height: int = 64, mode: str = "RGB") -> Image.Image:
    """Return a picture of coloured blotches, which no encoder can make nothing of."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    small = Image.frombytes(mode, (12, 8), random.Random(seed).randbytes(12 * 8 * channels))
    return small.resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """Return *image* as a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def exhibit(
    number: int = 1, content: bytes | Callable[[], bytes] | None = None, **more: Any
) -> Exhibit:
    """Return a wallpaper for a stand-in; its own noise unless *content* is given."""
    body = encoded(noise(number)) if content is None else content
    make = body if callable(body) else lambda: body
    fields = {"title": f"wallpaper {number}", "width": 96, "height": 64, **more}
    return Exhibit(content=make, **fields)


def exhibits(count: int, kind: str = "JPEG") -> list[Exhibit]:
    """Return *count* different wallpapers."""
    return [exhibit(number, encoded(noise(number), kind)) for number in range(count)]
