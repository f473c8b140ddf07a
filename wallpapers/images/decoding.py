"""Picture bytes -> format, true size, whole or cut, thumbnails. Pure: no Scrapy, no files."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from PIL import Image

from wallpapers.errors import PictureRefusedError
from wallpapers.images import decoders, second_opinion, thumbnails
from wallpapers.images.headers import HEADER_BYTES, SIZES, exif_orientation, orientation
from wallpapers.images.structure import CHECKS, Broken, Buffer, Cut, FrameError

Turn = Callable[[int], AbstractContextManager[None]]  # for a number of pixels

EXTENSIONS = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "GIF": ".gif",
    "AVIF": ".avif",
    "BMP": ".bmp",
}
DECODE_MEMORY = 512 * 1024 * 1024  # bytes
MIN_SIDE = 32  # pixels; anything smaller is a spacer or a beacon, no wallpaper

_SIGNATURES = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "WEBP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "GIF": re.compile(rb"GIF8[79]a"),
    "AVIF": re.compile(rb"....ftyp(avi[fs]|.{4}.{4}(.{4}){0,12}avi[fs])", re.DOTALL),
    "BMP": re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL),
}
# Images all the same, in formats that no wallpaper needs and that are never opened.
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
_SIDEWAYS = range(5, 9)  # Exif orientations that turn by 90 degrees


@dataclass(frozen=True)
class Picture:
    """What a picture's own bytes say of it."""

    format: str  # a key of EXTENSIONS
    width: int  # pixels, as displayed
    height: int


def examine(
    data: Buffer,
    *,
    max_pixels: int,
    check: str = "structure",
    memory: int = DECODE_MEMORY,
    turn: Turn = lambda pixels: nullcontext(),
) -> Picture:
    """Read format and size from the header of a whole picture.

    Its frame is walked first: decoders take their time, and memory, over a hostile one. No pixel is
    decoded, unless the frame is at fault and a decoder may know better; with the *check* ``strict``
    none is asked. *turn* is entered for as long as pixels are in memory.

    Raises PictureRefusedError with the reason ``empty``, ``not_an_image``, ``format``, ``cut``,
    ``broken``, ``too_tiny`` or ``too_many_pixels``.
    """
    kind = sniff(data)
    accusation = _accusation(data, kind)
    if accusation and (accusation.final or check == "strict"):
        raise _refusal(accusation, data, kind)
    try:
        width, height = _size(data, kind, max_pixels, memory)
    except PictureRefusedError as refusal:
        if accusation and refusal.reason == "broken":
            raise _refusal(accusation, data, kind) from None
        raise
    if min(width, height) < MIN_SIDE:
        raise PictureRefusedError("too_tiny", f"{width}x{height}")
    if accusation:
        with turn(width * height):
            if not second_opinion.has_all_pixels(data, kind, max_pixels, memory):
                raise _refusal(accusation, data, kind)
    return Picture(kind, width, height)


def _size(data: Buffer, kind: str, max_pixels: int, memory: int) -> tuple[int, int]:
    """Return the size as displayed. Raises PictureRefusedError."""
    size = SIZES[kind](data[:HEADER_BYTES])
    if size and decoders.needs_too_much_to_open(data, kind, memory):
        decoders.check_pixels(*size, max_pixels)
        turned = orientation(data, kind)
    else:
        with decoders.opened(data, kind, max_pixels, memory) as image:
            size = image.size
            turned = _orientation(data, kind, image)
    return size[::-1] if turned in _SIDEWAYS else size


def _orientation(data: Buffer, kind: str, image: Image.Image) -> int:
    """Return the orientation that browsers obey; of an AVIF, its decoder knows it."""
    if kind == "AVIF":
        return exif_orientation(image.info.get("exif", b"")) or 1
    return orientation(data, kind)


def glance(start: bytes) -> Picture | None:
    """Read format and coded size from the first bytes of a picture, before the rest has come.

    None where they do not tell. Raises PictureRefusedError as ``sniff`` does.
    """
    kind = sniff(start)
    size = SIZES[kind](start)
    return Picture(kind, *size) if size else None


def sniff(data: Buffer) -> str:
    """Return the format by the first bytes; a name or a header is never asked.

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
        raise PictureRefusedError("format", f"begins with {start[:12]!r}")
    raise PictureRefusedError("not_an_image", f"begins with {start[:24]!r}")


def _is_svg(start: bytes) -> bool:
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return text.startswith((b"<?xml", b"<!--", b"<!doctype svg", b"<svg")) and b"<svg" in text


def check_structure(data: Buffer, kind: str) -> None:
    """Check that the picture is whole by its format's own frame.

    Raises PictureRefusedError with the reason ``cut`` or ``broken``.
    """
    if accusation := _accusation(data, kind):
        raise _refusal(accusation, data, kind)


def _accusation(data: Buffer, kind: str) -> FrameError | None:
    try:
        CHECKS[kind](data)
    except (Cut, Broken) as error:
        return error
    return None


def _refusal(accusation: FrameError, data: Buffer, kind: str) -> PictureRefusedError:
    if isinstance(accusation, Cut):
        return PictureRefusedError("cut", f"{kind} ends early, after {len(data)} bytes")
    return PictureRefusedError("broken", f"{kind}: {accusation}")


def develop(
    data: Buffer,
    kind: str,
    sizes: Mapping[str, tuple[int, int]],
    *,
    whole: bool,
    max_pixels: int,
    memory: int = DECODE_MEMORY,
    turn: Turn = lambda pixels: nullcontext(),
) -> dict[str, bytes]:
    """Decode a picture once, for all that needs it; for nothing, nothing is decoded.

    Return a JPEG for each of *sizes* (name -> largest width and height, pixels): an animation gives
    its first frame; transparency becomes white; the picture stands upright. Where *whole*, every
    frame has to decode, up to *max_pixels* in all.

    A JPEG is decoded to the least size that serves. That reads each bit of its scans all the same:
    only the transform into pixels is spared. *turn* is entered for as long as pixels are in memory.

    Raises PictureRefusedError with the reason ``broken`` (or ``cut``), and MemoryError where more
    than *memory* bytes are needed.
    """
    if not sizes and not whole:
        return {}
    with decoders.opened(data, kind, max_pixels, memory) as image:
        pixels = image.width * image.height
        frames = min(decoders.frames_of(image, kind), max_pixels // pixels) if whole else 1
        with decoders.decoding(image, kind, memory, frames):
            upright = thumbnails.Upright(image.size, _orientation(data, kind, image), sizes)
            image.draft("RGB", upright.least_size)
            if not image.info.get("progressive"):  # which keeps every coefficient all the same
                pixels = image.width * image.height
            with turn(pixels):
                image.load()
                picture = upright.of(image) if sizes else None
                decoders.load_frames(image, range(1, frames))
    if picture is None:
        return {}
    return {name: thumbnails.thumbnail(picture, size) for name, size in sizes.items()}
