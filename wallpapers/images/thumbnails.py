"""Thumbnails: a decoded picture as small JPEGs, upright and on white."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping

from PIL import Image

from wallpapers.images import decoders

# What each Exif orientation asks for.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ENOUGH = 2  # times the size that is wanted: what is averaged before costs no sharpness


class Upright:
    """Makes an upright RGB picture of a decoded one, as large as its thumbnails need it.

    It goes strip by strip: whole copies in other modes would take a multiple of its memory.
    """

    def __init__(
        self, size: tuple[int, int], orientation: int, sizes: Mapping[str, tuple[int, int]]
    ) -> None:
        self._turn = _TURNS.get(orientation)
        self.least_size = _largest(size, sizes)

    def of(self, image: Image.Image) -> Image.Image:
        """Return a picture of its own, whatever becomes of *image*."""
        least = self.least_size
        by = max(1, min(image.width // least[0], image.height // least[1]) // _ENOUGH)
        if image.mode == "RGB" and not image.has_transparency_data:
            small = image.reduce(by)
        else:
            small = Image.new("RGB", (-(-image.width // by), -(-image.height // by)))
            for top, strip in decoders.strips(image, by):
                small.paste(_on_white(strip).reduce(by), (0, top // by))
        return small if self._turn is None else small.transpose(self._turn)


def thumbnail(picture: Image.Image, size: tuple[int, int]) -> bytes:
    """Return a JPEG of *picture* within *size*."""
    small = picture.copy()
    small.thumbnail(size, Image.Resampling.LANCZOS)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=85, optimize=True)
    return file.getvalue()


def _largest(of: tuple[int, int], sizes: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    """Return the size that a picture of size *of* is needed in, to become each of *sizes*.

    Either way round, for it may have to be turned.
    """
    longest, shortest = max(of), min(of)
    scale = max((max(size) / longest for size in sizes.values()), default=0)
    scale = min(1, scale)
    long, short = (max(1, math.ceil(side * scale)) for side in (longest, shortest))
    return (long, short) if of[0] >= of[1] else (short, long)


def _on_white(image: Image.Image) -> Image.Image:
    """Return *image* as RGB."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    if image.mode.startswith("I;16"):  # 16-bit grey; convert() would clip it to white
        return image.point(lambda level: level / 256, "L").convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")
