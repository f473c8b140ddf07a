"""Provide the images that a stand-in server serves: drawn ones, or those of a folder."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from wallpapers.errors import PictureRefusedError
from wallpapers.images import decoding

logger = logging.getLogger(__name__)

_NAMES = {
    "mountains": "层峦叠嶂",
    "dunes": "沙漠戈壁",
    "stars": "璀璨星空",
    "aurora": "极光之夜",
    "sea": "海天一色",
    "lake": "湖光山色",
    "forest": "林海雾霭",
    "snow": "冰天雪地",
}
_SIZES = ((1600, 900), (1920, 1080), (2560, 1440), (1600, 1200), (1920, 1200), (3840, 2160))
_FORMATS = ("JPEG", "PNG", "JPEG", "WEBP", "JPEG", "AVIF")
_OPTIONS: dict[str, dict[str, object]] = {
    "JPEG": {"quality": 88},
    "PNG": {"compress_level": 4},
    "WEBP": {"quality": 85, "method": 2},
    "AVIF": {"quality": 70, "speed": 9},
}


@dataclass(frozen=True)
class Exhibit:
    """An image with the values of its listing entry; ``content`` returns its bytes."""

    title: str
    width: int
    height: int
    content: Callable[[], bytes]
    tags: tuple[str, ...] = ("国家地理",)
    date: str = "2016-01-26"
    id: str = field(default="")

    def __post_init__(self) -> None:
        if not self.id:  # ten digits, like the ids of the real endpoint
            number = int(hashlib.sha1(self.title.encode()).hexdigest()[:12], 16)
            object.__setattr__(self, "id", str(10**9 + number % (9 * 10**9)))

    @property
    def sign(self) -> str:
        """The 40 hex digits that the image address contains."""
        return hashlib.sha1(self.id.encode()).hexdigest()


def drawn_exhibits(count: int = 60) -> list[Exhibit]:
    """Return *count* wallpapers, always the same ones; each is drawn when its bytes are needed."""
    from wallpapers.demo import scenes

    exhibits = []
    for number in range(count):
        scene = scenes.KINDS[number % len(scenes.KINDS)]
        width, height = _SIZES[number % len(_SIZES)]
        content = partial(_draw, scene, number, width, height)
        title = f"{_NAMES.get(scene, scene)} {number + 1}"
        tags = ("国家地理", "自然风光")
        date = f"2016-{1 + number % 12:02}-{1 + number % 28:02}"
        exhibits.append(Exhibit(title, width, height, content, tags, date))
    return exhibits


def folder_exhibits(folder: Path) -> list[Exhibit]:
    """Return the images in *folder* and its subfolders; other files are skipped with a warning."""
    return list(_read_folder(folder))


def _read_folder(folder: Path) -> Iterator[Exhibit]:
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        try:
            image = decoding.examine(path.read_bytes(), max_pixels=10**9)
        except PictureRefusedError as refusal:
            logger.warning("skipped %s: %s", path, refusal)
            continue
        title = str(path.relative_to(folder))
        yield Exhibit(title, image.width, image.height, path.read_bytes)


def _draw(scene: str, number: int, width: int, height: int) -> bytes:
    from wallpapers.demo import scenes

    file = io.BytesIO()
    image_format = _FORMATS[number // len(_SIZES) % len(_FORMATS)]
    scenes.draw(scene, number, width, height).save(file, image_format, **_OPTIONS[image_format])
    return file.getvalue()
