"""The pictures that are served: drawn once into a cache on a tmpfs, each of them distinct."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image

from wallpapers.demo import scenes

_SCENES = 120
_LARGE_BYTES = 16_000_000


@dataclass(frozen=True)
class Picture:
    """A served file: its name, and what must be found again."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Kind:
    """A folder of pictures of one sort; *scene* makes the bytes that number n is made of."""

    name: str
    width: int
    height: int
    scene: Callable[[int], bytes]


def make(kind: Kind, count: int, cache_folder: Path) -> list[Picture]:
    """Return *count* pictures of a kind, drawing only those that the cache does not have.

    The manifest is written last and in one move: an interrupted cache is made again.
    """
    folder = cache_folder / kind.name
    manifest = folder / "manifest.json"
    pictures: list[Picture] = []
    if manifest.exists():
        pictures = [Picture(*entry) for entry in json.loads(manifest.read_text())]
    if len(pictures) < count:
        folder.mkdir(parents=True, exist_ok=True)
        pictures += [_write(kind, number, folder) for number in range(len(pictures), count)]
        fresh = manifest.with_suffix(".new")
        fresh.write_text(json.dumps([[p.name, p.sha256, p.size] for p in pictures]))
        os.replace(fresh, manifest)
    return pictures[:count]


def _write(kind: Kind, number: int, folder: Path) -> Picture:
    content = _distinct(kind.scene(number), f"{kind.name} {number}")
    name = hashlib.sha1(f"{kind.name} {number}".encode()).hexdigest() + ".jpg"
    (folder / name).write_bytes(content)
    return Picture(name, hashlib.sha256(content).hexdigest(), len(content))


def _distinct(jpeg: bytes, comment: str) -> bytes:
    """Put a comment segment behind the start of a JPEG: other bytes, the same pixels."""
    text = comment.encode()
    segment = b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text
    return jpeg[:2] + segment + jpeg[2:]


@cache
def _wallpaper(scene: int) -> bytes:
    """Draw a wallpaper of 130 to 260 KB, as real ones of 1600x900 have."""
    picture = _draw(scene, 1600, 900)
    wanted = 130_000 + 130_000 * scene // _SCENES
    best = b""
    for quality in range(80, 98):
        content = _jpeg(picture, quality)
        if len(content) > 260_000:
            break
        best = content
        if len(content) >= wanted:
            break
    return best


@cache
def _light(scene: int) -> bytes:
    return _jpeg(_draw(scene, 960, 540), 82)


@cache
def _large(scene: int) -> bytes:
    """Return noise of about 16 MB: nothing that is drawn gets so large without being huge."""
    width, height = 3200, 2520
    noise = random.Random(scene).randbytes(width * height * 3)
    picture = Image.frombytes("RGB", (width, height), noise)
    return next(
        content
        for quality in (100, 99, 98, 97, 95, 92, 88)
        if len(content := _jpeg(picture, quality)) <= _LARGE_BYTES * 1.05
    )


def _draw(number: int, width: int, height: int) -> Image.Image:
    return scenes.draw(scenes.KINDS[number % len(scenes.KINDS)], number, width, height)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return file.getvalue()


WALLPAPERS = Kind("wallpapers", 1600, 900, lambda number: _wallpaper(number % _SCENES))
# A tmpfs must hold 20,000 of them twice: the served files and the stored ones.
LIGHT = Kind("light", 960, 540, lambda number: _light(number % _SCENES))
LARGE = Kind("large", 3200, 2520, lambda number: _large(number % 4))
