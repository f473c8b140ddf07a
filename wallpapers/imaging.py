"""Picture bytes -> format, true size, whole or cut, thumbnails. Pure: no Scrapy, no files."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from PIL import Image, ImageOps

from wallpapers.errors import PictureRefusedError
from wallpapers.frames import CHECKS, SIZES, Broken, Buffer, Cut

Turn = Callable[[int], AbstractContextManager[None]]  # for a number of pixels

EXTENSIONS = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "GIF": ".gif",
    "AVIF": ".avif",
    "BMP": ".bmp",
}
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
    *(b"\0\0\1\0", b"\0\0\2\0", b"8BPS", b"SIMPLE  =", b"DDS ", b"qoif", b"\xd7\xcd\xc6\x9a"),
    *(b"%!PS", b"\xc5\xd0\xd3\xc6", b"%PDF", b"P1\n", b"P2\n", b"P3\n", b"P4\n", b"P5\n", b"P6\n"),
)
_HEIF_BRANDS = (b"ftyphei", b"ftyphev", b"ftypmif1", b"ftypmsf1")
_EXIF_ORIENTATION = 0x0112
_SIDEWAYS = range(5, 9)  # EXIF orientations that turn by 90 degrees

# What Pillow thinks of damaged metadata says nothing of the picture.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
# Pillow only warns between its limit and twice its limit: make that a refusal too.
warnings.simplefilter("error", Image.DecompressionBombWarning)


@dataclass(frozen=True)
class Picture:
    """What a picture's own bytes say of it."""

    format: str  # a key of EXTENSIONS
    width: int  # pixels, as displayed
    height: int


def examine(data: Buffer, *, max_pixels: int) -> Picture:
    """Read format and size from the header of a whole picture; no pixel is decoded.

    Its frame is walked first: decoders take their time, and memory, over a hostile one.

    Raises PictureRefusedError with the reason ``empty``, ``not_an_image``, ``format``, ``cut``,
    ``broken``, ``too_tiny`` or ``too_many_pixels``.
    """
    kind = sniff(data)
    check_structure(data, kind)
    with _open(data, kind, max_pixels) as image:
        width, height = image.size
        if _orientation(image) in _SIDEWAYS:
            width, height = height, width
    if min(width, height) < MIN_SIDE:
        raise PictureRefusedError("too_tiny", f"{width}x{height}")
    return Picture(kind, width, height)


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
    if start.startswith(_OTHER_FORMATS) or start[4:].startswith(_HEIF_BRANDS) or _is_svg(start):
        raise PictureRefusedError("format", f"begins with {start[:12]!r}")
    raise PictureRefusedError("not_an_image", f"begins with {start[:24]!r}")


def _is_svg(start: bytes) -> bool:
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return text.startswith((b"<?xml", b"<!--", b"<!doctype svg", b"<svg")) and b"<svg" in text


def check_structure(data: Buffer, kind: str) -> None:
    """Check that the picture is whole by its format's own frame.

    Raises PictureRefusedError with the reason ``cut`` or ``broken``.
    """
    try:
        CHECKS[kind](data)
    except Cut:
        raise PictureRefusedError("cut", f"{kind} ends early, after {len(data)} bytes") from None
    except Broken as error:
        raise PictureRefusedError("broken", f"{kind}: {error}") from None


def develop(
    data: Buffer,
    kind: str,
    sizes: Mapping[str, tuple[int, int]],
    *,
    whole: bool,
    max_pixels: int,
    turn: Turn = lambda pixels: nullcontext(),
) -> dict[str, bytes]:
    """Decode a picture once, for all that needs it; for nothing, nothing is decoded.

    Return a JPEG for each of *sizes* (name -> largest width and height, pixels): an animation gives
    its first frame; transparency becomes white; the picture stands upright. Where *whole*, every
    frame has to decode, up to *max_pixels* in all.

    A JPEG is decoded to the least size that serves. That reads each bit of its scans all the same:
    only the transform into pixels is spared. *turn* is entered for as long as pixels are in memory.

    Raises PictureRefusedError with the reason ``broken`` (or ``cut``).
    """
    if not sizes and not whole:
        return {}
    with _open(data, kind, max_pixels) as image:
        pixels = image.width * image.height
        frames = min(getattr(image, "n_frames", 1), max_pixels // pixels) if whole else 1
        if frames == 1:  # the further pictures of an MPO are not as large as its first
            image.draft("RGB", _largest(image.size, sizes))
        if not image.info.get("progressive"):  # which keeps every coefficient, whatever the draft
            pixels = image.width * image.height
        with turn(pixels), _decoding(image):
            image.load()
            picture = _shown(image if frames == 1 else image.copy()) if sizes else None
            for frame in range(1, frames):
                image.seek(frame)
                image.load()
    if picture is None:
        return {}
    return {name: _thumbnail(picture, size) for name, size in sizes.items()}


def _largest(of: tuple[int, int], sizes: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    """Return the size that a picture of size *of* is needed in, to become each of *sizes*.

    Either way round, for it may have to be turned.
    """
    longest, shortest = max(of), min(of)
    scale = max((max(size) / longest for size in sizes.values()), default=0)
    scale = min(1, scale)
    long, short = (max(1, math.ceil(side * scale)) for side in (longest, shortest))
    return (long, short) if of[0] >= of[1] else (short, long)


def _thumbnail(picture: Image.Image, size: tuple[int, int]) -> bytes:
    small = picture.copy()
    small.thumbnail(size, Image.Resampling.LANCZOS)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=85, optimize=True)
    return file.getvalue()


def _shown(image: Image.Image) -> Image.Image:
    """Return *image* as RGB, upright and on white."""
    ImageOps.exif_transpose(image, in_place=True)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    if image.mode.startswith("I;16"):  # 16-bit grey; convert() would clip it to white
        return image.point(lambda level: level / 256, "L").convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


@contextmanager
def _open(data: Buffer, kind: str, max_pixels: int) -> Iterator[Image.Image]:
    """Open with the one decoder that the bytes ask for, and cap the pixels before it decodes."""
    # Pillow's own limit is process-wide and guards decoders that allocate when they open.
    Image.MAX_IMAGE_PIXELS = max_pixels
    try:
        # A mapped file is a file already; the decoders read it without a copy.
        file = io.BytesIO(data) if isinstance(data, bytes) else data
        file.seek(0)
        image = Image.open(file, formats=[kind])  # type: ignore[arg-type]
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureRefusedError("too_many_pixels", f"more than {max_pixels}") from None
    except Exception as error:  # decoders raise what they like on hostile bytes
        raise PictureRefusedError("broken", f"{kind}: {error}") from None
    with image:
        if image.width * image.height > max_pixels:
            raise PictureRefusedError("too_many_pixels", f"{image.width}x{image.height}")
        yield image


@contextmanager
def _decoding(image: Image.Image) -> Iterator[None]:
    """Name what a decoder refuses."""
    try:
        yield
    except Exception as error:
        raise PictureRefusedError("broken", f"{image.format}: {error}") from None


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation in the header: getexif() of a PNG would decode it first."""
    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif", b""))
        return int(exif.get(_EXIF_ORIENTATION, 1))
    except Exception:  # damaged EXIF hurts nobody but itself
        return 1
