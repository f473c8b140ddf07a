"""Recognize the format of an image by its first bytes; file names and HTTP headers are ignored."""

from __future__ import annotations

import re
from typing import NamedTuple

from wallpapers.errors import PictureRefusedError
from wallpapers.images.headers import SIZE_READERS
from wallpapers.images.structure import Buffer

EXTENSIONS = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "GIF": ".gif",
    "AVIF": ".avif",
    "BMP": ".bmp",
}
ALL_EXTENSIONS = (*EXTENSIONS.values(), ".jpeg")  # which a file of these formats may have

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


class Picture(NamedTuple):
    """Format and size of an image, read from its bytes."""

    format: str  # a key of EXTENSIONS
    width: int  # pixels, as displayed
    height: int


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
