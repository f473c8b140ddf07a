"""Make small JPEGs of a decoded image, upright and on a white background."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping

from PIL import Image

from wallpapers.images import decoders

# The transposition that displays each Exif orientation upright.
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_OVERSAMPLING = 2  # times the final size: a reduction down to this loses no sharpness


class UprightConverter:
    """Convert a decoded image to upright RGB, no larger than its thumbnails require.

    The conversion works in strips: complete copies in other modes would multiply the memory.
    """

    def __init__(
        self, size: tuple[int, int], orientation: int, sizes: Mapping[str, tuple[int, int]]
    ) -> None:
        self._transposition = _TRANSPOSITIONS.get(orientation)
        self.min_size = _min_size(size, sizes)

    def convert(self, image: Image.Image) -> Image.Image:
        """Return a new image, which stays valid when *image* is closed."""
        target = self.min_size
        factor = max(1, min(image.width // target[0], image.height // target[1]) // _OVERSAMPLING)
        if image.mode == "RGB" and not image.has_transparency_data:
            small = image.reduce(factor)
        else:
            small = Image.new("RGB", (-(-image.width // factor), -(-image.height // factor)))
            for top, strip in decoders.strips(image, factor):
                small.paste(_on_white(strip).reduce(factor), (0, top // factor))
        return small if self._transposition is None else small.transpose(self._transposition)


def thumbnail(picture: Image.Image, size: tuple[int, int]) -> bytes:
    """Return a JPEG of *picture* within *size*."""
    small = picture.copy()
    small.thumbnail(size, Image.Resampling.LANCZOS)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=85, optimize=True)
    return file.getvalue()


def _min_size(size: tuple[int, int], thumbs: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    """Return the smallest size of an image of *size* that suffices for all *thumbs*.

    It suffices in both orientations, because the image may have to be rotated.
    """
    longest, shortest = max(size), min(size)
    scale = max((max(thumb) / longest for thumb in thumbs.values()), default=0)
    scale = min(1, scale)
    long, short = (max(1, math.ceil(side * scale)) for side in (longest, shortest))
    return (long, short) if size[0] >= size[1] else (short, long)


def _on_white(image: Image.Image) -> Image.Image:
    """Return *image* as RGB, on a white background."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    if image.mode.startswith("I;16"):  # 16-bit grey; convert() would clip it to white
        return image.point(lambda level: level / 256, "L").convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")
