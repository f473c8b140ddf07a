"""Determine format, size and completeness of an image from its bytes, and make thumbnails.

No Scrapy, no file access.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from PIL import Image, ImageFile

from wallpapers.errors import PictureRefusedError
from wallpapers.images import decoders, jpeg_scans, look, png_rows, second_opinion, thumbnails
from wallpapers.images.headers import HEADER_BYTES, SIZE_READERS, exif_orientation, orientation
from wallpapers.images.structure import CHECKS, Broken, Buffer, Cut, FrameError

# Called with a number of pixels; the returned context is held while they are in memory.
Gate = Callable[[int], AbstractContextManager[None]]

EXTENSIONS = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "GIF": ".gif",
    "AVIF": ".avif",
    "BMP": ".bmp",
}
ALL_EXTENSIONS = (*EXTENSIONS.values(), ".jpeg")  # which a file of these formats may have
DECODE_MEMORY = 512 * 1024 * 1024  # bytes
MIN_SIDE = 32  # pixels; smaller images are spacers or tracking pixels

_SIGNATURES = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "WEBP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "GIF": re.compile(rb"GIF8[79]a"),
    "AVIF": re.compile(rb"....ftyp(avi[fs]|.{4}.{4}(.{4}){0,12}avi[fs])", re.DOTALL),
    "BMP": re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL),
}
# Image formats that are recognized but not supported, and never opened.
_OTHER_FORMATS = (
    *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),  # TIFF
    *(b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51", b"\xff\x0a", b"\0\0\0\x0cJXL "),  # JPEG 2000, XL
    *(b"II\xbc\0", b"II\xbc\1", b"WMPHOTO"),  # JPEG XR
    *(b"\0\0\1\0", b"\0\0\2\0", b"icns", b"8BPS", b"gimp xcf", b"SIMPLE  =", b"DDS ", b"qoif"),
    *(b"\xd7\xcd\xc6\x9a", b"%!PS", b"\xc5\xd0\xd3\xc6", b"%PDF", b"AT&TFORM", b"/* XPM */"),
    *(b"\x8aMNG", b"\x8bJNG", b"FLIF", b"BPG\xfb", b"farbfeld", b"v/1\1", b"#?RADIANCE", b"#?RGBE"),
    *(b"\x59\xa6\x6a\x95", b"\1\xda\0\1", b"\1\xda\1\1"),  # Sun, SGI
)
_OTHER_SIGNATURES = re.compile(
    rb"P[1-6Ff]\s+[\d#]|P7\s+(WIDTH|HEIGHT|DEPTH|MAXVAL|TUPLTYPE|#)"  # PBM to PAM, PFM
    rb"|\x0a[\0\2-\5][\0\1][\1\2\4\x08]"  # PCX
    rb"|(BM|BA|IC|CI|PT|CP).{4}.{4}.{4}[\x0c-\x40]\0\0\0"  # OS/2
    rb"|BA.{12}(BM|IC|CI|PT|CP)",
    re.DOTALL,
)
_HEIF_BRANDS = (b"ftyphei", b"ftyphev", b"ftypmif1", b"ftypmsf1")
_LOOK_SIZES = {"look": (look.SIDE, look.SIDE)}
_SIDEWAYS = range(5, 9)  # Exif orientations that turn by 90 degrees


@dataclass(frozen=True)
class Picture:
    """Format and size of an image, read from its bytes."""

    format: str  # a key of EXTENSIONS
    width: int  # pixels, as displayed
    height: int


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
            _check_jpeg_scans(data, max_pixels, memory)
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


def read_header(start: bytes) -> Picture | None:
    """Read format and coded size from the first bytes of an image.

    Returns None if the size is not in these bytes. Raises PictureRefusedError as ``sniff`` does.
    """
    kind = sniff(start)
    size = SIZE_READERS[kind](start)
    return Picture(kind, *size) if size else None


def sniff(data: Buffer) -> str:
    """Return the format according to the first bytes; file names and HTTP headers are ignored.

    Raises PictureRefusedError with the reason ``empty``, ``not_an_image`` or ``format``.
    """
    if not len(data):
        raise PictureRefusedError("empty")
    for kind, signature in _SIGNATURES.items():
        if signature.match(data):
            return kind
    start = bytes(data[:1024])
    if (
        start.startswith(_OTHER_FORMATS)
        or _OTHER_SIGNATURES.match(start)
        or start[4:].startswith(_HEIF_BRANDS)
        or _is_svg(start)
    ):
        raise PictureRefusedError("format", f"starts with {start[:12]!r}")
    raise PictureRefusedError("not_an_image", f"starts with {start[:24]!r}")


def _is_svg(start: bytes) -> bool:
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return text.startswith((b"<?xml", b"<!--", b"<!doctype svg", b"<svg")) and b"<svg" in text


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


def _check_jpeg_scans(data: Buffer, max_pixels: int, memory: int) -> None:
    """Raise PictureRefusedError (``cut``) if the scans of a JPEG end before its last block."""
    if jpeg_scans.lack_data(data, max_pixels, memory):
        raise PictureRefusedError("cut", "JPEG lacks data of its scans")
