"""Read the coded size and the orientation from the header of an image.

Each reader takes the first bytes of a file, or all of it, and decodes no pixel.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from wallpapers.images.structure import JPEG_NO_FRAMES, Buffer, Cut, next_marker, unpack

HEADER_BYTES = 1024  # enough to read the size, except of a JPEG with long metadata
_UPRIGHT = 1
_MAX_SEGMENTS = 2_000

# The coded size, before any rotation.


def _jpeg_size(start: bytes) -> tuple[int, int] | None:
    position = 2
    while True:
        fill, marker, length = unpack(">BBH", start, position)
        if fill != 0xFF:
            return None
        if 0xC0 <= marker <= 0xCF and marker not in JPEG_NO_FRAMES:  # SOF
            height, width = unpack(">HH", start, position + 5)
            return width, height
        position += 2 + length


def _png_size(start: bytes) -> tuple[int, int] | None:
    width, height = unpack(">II", start, 16)
    return width, height


def _webp_size(start: bytes) -> tuple[int, int] | None:
    kind = start[12:16]
    if kind == b"VP8X":
        low, high, low2, high2 = unpack("<HBHB", start, 24)
        return (high << 16 | low) + 1, (high2 << 16 | low2) + 1
    if kind == b"VP8 " and start[23:26] == b"\x9d\x01\x2a":
        width, height = unpack("<HH", start, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L" and start[20:21] == b"\x2f":
        (bits,) = unpack("<I", start, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None


def _bmp_size(start: bytes) -> tuple[int, int] | None:
    (header,) = unpack("<I", start, 14)
    width, height = unpack("<HH" if header < 40 else "<ii", start, 18)
    return width, abs(height)


def _or_none(read: Callable[[bytes], tuple[int, int] | None]) -> SizeReader:
    def size(start: bytes) -> tuple[int, int] | None:
        try:
            return read(start)
        except Cut:
            return None

    return size


SizeReader = Callable[[bytes], tuple[int, int] | None]

SIZE_READERS: dict[str, SizeReader] = {
    "JPEG": _or_none(_jpeg_size),
    "PNG": _or_none(_png_size),
    "WEBP": _or_none(_webp_size),
    "GIF": lambda _: None,  # the logical screen may be smaller than the image
    "AVIF": lambda _: None,
    "BMP": _or_none(_bmp_size),
}


# Browsers apply the orientation in Exif and ignore the one in XMP. GIF and BMP have none.


def orientation(data: Buffer, kind: str) -> int:
    """Return the Exif orientation (1 to 8) that browsers apply to a JPEG, PNG or WEBP; else 1."""
    read_exifs = _EXIF_READERS.get(kind)
    if read_exifs is None:
        return _UPRIGHT
    try:
        return next(filter(None, map(exif_orientation, read_exifs(data))), _UPRIGHT)
    except Cut:
        return _UPRIGHT


def exif_orientation(exif: bytes) -> int:
    """Return the orientation in the first directory of *exif*, or 0 if it has none."""
    tiff = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 0
    try:
        (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, directory)
        for entry in range(entries):
            read = struct.unpack_from(f"{order}HHIH", tiff, directory + 2 + 12 * entry)
            if read[:3] == (0x0112, 3, 1):  # the tag, one SHORT
                return int(read[3]) if 1 <= read[3] <= 8 else 0
    except struct.error:  # damaged Exif does not affect the pixels
        pass
    return 0


def _exifs_of_jpeg(data: Buffer) -> Iterator[bytes]:
    """Yield the Exif segments before the first scan."""
    position = 2
    for _ in range(_MAX_SEGMENTS):
        found = next_marker(data, position)
        if not found or data[found.start() + 1] in (0xDA, 0xD9):
            return
        position = found.end()
        (length,) = unpack(">H", data, position)
        if data[found.start() + 1] == 0xE1 and data[position + 2 : position + 8] == b"Exif\0\0":
            yield bytes(data[position + 2 : position + length])
        position += length


def _exifs_of_png(data: Buffer) -> Iterator[bytes]:
    """Yield the eXIf chunks before the pixels."""
    position = 8
    while (name := data[position + 4 : position + 8]) not in (b"IDAT", b"IEND"):
        (length,) = unpack(">I", data, position)
        if name == b"eXIf":
            yield bytes(data[position + 8 : position + 8 + length])
        position += 12 + length


def _exifs_of_webp(data: Buffer) -> Iterator[bytes]:
    """Yield the first EXIF chunk."""
    if data[12:16] != b"VP8X":
        return
    position = 12
    while position < len(data):
        (length,) = unpack("<4xI", data, position)
        if data[position : position + 4] == b"EXIF":
            yield bytes(data[position + 8 : position + 8 + length])
            return
        position += 8 + length + (length & 1)


_EXIF_READERS: dict[str, Callable[[Buffer], Iterator[bytes]]] = {
    "JPEG": _exifs_of_jpeg,
    "PNG": _exifs_of_png,
    "WEBP": _exifs_of_webp,
}
