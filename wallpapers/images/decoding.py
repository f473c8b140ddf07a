"""Determine format, size and completeness of an image from its bytes, and make thumbnails.

No Scrapy, no file access.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from PIL import Image, ImageFile

from wallpapers.errors import PictureRefusedError
from wallpapers.images import decoders, jpeg_scans, look, png_rows, second_opinion, thumbnails
from wallpapers.images.formats import Picture, sniff
from wallpapers.images.headers import HEADER_BYTES, SIZE_READERS, exif_orientation, orientation
from wallpapers.images.structure import CHECKS, Broken, Buffer, Cut, FrameError

# Called with a number of pixels; the returned context is held while they are in memory.
Gate = Callable[[int], AbstractContextManager[None]]

DECODE_MEMORY = 512 * 1024 * 1024  # bytes
MIN_SIDE = 32  # pixels; smaller images are spacers or tracking pixels

_LOOK_SIZES = {"look": (look.SIDE, look.SIDE)}
_SIDEWAYS = range(5, 9)  # Exif orientations that turn by 90 degrees


@dataclass(frozen=True)
class Decoded:
    """What was made of the pixels of an image."""

    thumbs: dict[str, bytes]  # JPEGs, by name
    look: look.Look | None = None


def examine(
    data: Buffer,
    *,
    max_pixels: int,
    check: str = "structure",
    memory: int = DECODE_MEMORY,
    gate: Gate = lambda pixels: nullcontext(),
) -> Picture:
    """Check the structure of an image and return its format and size.

    The structure is checked first, because decoders spend much time and memory on hostile files.
    Pixels are decoded only if the check fails in a way that a decoder may refute, which the *check*
    ``strict`` does not allow, or if scans of a JPEG seem to be missing. The data of a PNG is always
    inflated, because it may lack rows though its chunks are complete. *gate* is held while pixels
    are in memory.

    Raises PictureRefusedError with the reason ``empty``, ``not_an_image``, ``format``, ``cut``,
    ``broken``, ``too_tiny`` or ``too_many_pixels``.
    """
    kind = sniff(data)
    fault = _frame_error(data, kind)
    if fault and (fault.final or check == "strict"):
        raise _refusal(fault, data, kind)
    try:
        width, height = _size(data, kind, max_pixels, memory)
    except PictureRefusedError as refusal:
        if fault and refusal.reason == "broken":
            raise _refusal(fault, data, kind) from None
        raise
    if min(width, height) < MIN_SIDE:
        raise PictureRefusedError("too_tiny", f"{width}x{height}")
    if fault:
        with gate(width * height):
            if not second_opinion.has_all_pixels(data, kind, max_pixels, memory):
                raise _refusal(fault, data, kind)
    elif kind == "JPEG" and jpeg_scans.look_incomplete(data):
        with gate(width * height):
            try:
                _check_jpeg_scans(data, max_pixels, memory)
            except MemoryError:
                raise needs_more_than(memory) from None
    if kind == "PNG":
        _check_png_rows(data, max_pixels)
    return Picture(kind, width, height)


def _check_png_rows(data: Buffer, max_pixels: int) -> None:
    """Raise PictureRefusedError (``cut`` or ``broken``) if rows of a PNG are missing."""
    try:
        missing = png_rows.missing_bytes(data, max_pixels)
    except zlib.error as error:
        raise PictureRefusedError("broken", f"PNG: {error}") from None
    if missing:
        raise PictureRefusedError("cut", f"PNG lacks {missing} bytes of its rows")


def _size(data: Buffer, kind: str, max_pixels: int, memory: int) -> tuple[int, int]:
    """Return the size as displayed. Raises PictureRefusedError."""
    size = SIZE_READERS[kind](data[:HEADER_BYTES])
    if size and decoders.opening_exceeds(data, kind, memory):
        decoders.check_pixels(*size, max_pixels)
        turned = orientation(data, kind)
    else:
        with decoders.open_image(data, kind, max_pixels, memory) as image:
            size = image.size
            turned = _orientation(data, kind, image)
    return size[::-1] if turned in _SIDEWAYS else size


def _orientation(data: Buffer, kind: str, image: Image.Image) -> int:
    """Return the orientation that browsers apply; for AVIF, the one that the decoder reports."""
    if kind == "AVIF":
        return exif_orientation(image.info.get("exif", b"")) or 1
    return orientation(data, kind)


def check_structure(data: Buffer, kind: str) -> None:
    """Check that the image is complete, by the structure of its format.

    Raises PictureRefusedError with the reason ``cut`` or ``broken``.
    """
    if fault := _frame_error(data, kind):
        raise _refusal(fault, data, kind)


def _frame_error(data: Buffer, kind: str) -> FrameError | None:
    try:
        CHECKS[kind](data)
    except (Cut, Broken) as error:
        return error
    return None


def _refusal(fault: FrameError, data: Buffer, kind: str) -> PictureRefusedError:
    if isinstance(fault, Cut):
        return PictureRefusedError("cut", f"{kind} truncated after {len(data)} bytes")
    return PictureRefusedError("broken", f"{kind}: {fault}")


def decode(
    data: Buffer,
    kind: str,
    sizes: Mapping[str, tuple[int, int]],
    *,
    whole: bool,
    max_pixels: int,
    with_look: bool = False,
    memory: int = DECODE_MEMORY,
    gate: Gate = lambda pixels: nullcontext(),
) -> Decoded:
    """Decode an image once; return a JPEG thumbnail for each of *sizes*, and its look on request.

    *sizes* are names and the largest width and height in pixels. Thumbnails are upright, on white,
    and show the first frame of an animation; the look is that of the same pixels. If *whole*, every
    frame is decoded as a check, up to *max_pixels* in total. Without sizes, *whole* and
    *with_look*, nothing is decoded. A JPEG is decoded again if its scans may lack data.

    *gate* is held while pixels are in memory. Raises PictureRefusedError with the reason ``cut`` or
    ``broken``, and MemoryError if more than *memory* bytes are needed.
    """
    if not sizes and not whole and not with_look:
        return Decoded({})
    with decoders.open_image(data, kind, max_pixels, memory) as image:
        frames = _count_frames(image, kind, max_pixels) if whole else 1
        with decoders.guarded_decoding(image, kind, memory, frames):
            turned = _orientation(data, kind, image)
            upright = thumbnails.UprightConverter(image.size, turned, sizes)
            upright_for_look = thumbnails.UprightConverter(image.size, turned, _LOOK_SIZES)
            pixels = _set_scale(image, None if with_look else upright.min_size)
            with gate(pixels):
                image.load()
                doubtful = kind == "JPEG" and jpeg_scans.are_doubtful(image, whole=whole)
                picture = upright.convert(image) if sizes else None
                seen = upright_for_look.convert(image) if with_look else None
                decoders.load_frames(image, range(1, frames))
    if doubtful:
        with gate(pixels):
            _check_jpeg_scans(data, max_pixels, memory)
    made = {name: thumbnails.thumbnail(picture, size) for name, size in sizes.items() if picture}
    return Decoded(made, look.look(seen) if seen else None)


def _count_frames(image: ImageFile.ImageFile, kind: str, max_pixels: int) -> int:
    """Return the number of frames that have at most *max_pixels* in total."""
    return min(decoders.count_frames(image, kind), max_pixels // (image.width * image.height))


def _set_scale(image: ImageFile.ImageFile, min_size: tuple[int, int] | None) -> int:
    """Set the scale at which a JPEG is decoded; return the number of pixels that take memory.

    The scale is the smallest that suffices for thumbnails, or with None the full one: a look needs
    it, and the same one in every run. The decoder reads every bit of the scans in any case, so
    damage is found.
    """
    full = image.width * image.height
    if min_size is not None:
        image.draft("RGB", min_size)
    # A progressive JPEG keeps all coefficients at any scale.
    return full if image.info.get("progressive") else image.width * image.height


def needs_more_than(memory: int) -> PictureRefusedError:
    """Return the refusal of an image for which *memory* bytes do not suffice."""
    detail = f"needs more than {memory // 2**20} MB to decode"
    return PictureRefusedError("too_many_pixels", detail)


def _check_jpeg_scans(data: Buffer, max_pixels: int, memory: int) -> None:
    """Raise PictureRefusedError (``cut``) if the scans of a JPEG end before its last block."""
    if jpeg_scans.lack_data(data, max_pixels, memory):
        raise PictureRefusedError("cut", "JPEG lacks data of its scans")
