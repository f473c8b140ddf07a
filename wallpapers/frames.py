"""Whole or cut: walk a picture by its format's own frame, without decoding a pixel.

Each walker takes the whole file as a buffer (bytes or mmap) and returns when the picture in it is
whole; bytes behind its end are no fault. It raises Cut where the file ends before the picture
does, and Broken where the frame contradicts itself.
"""

from __future__ import annotations

import mmap
import re
import struct
import zlib
from collections.abc import Callable, Iterator

Buffer = bytes | mmap.mmap


class Cut(Exception):
    """The file ends before the picture does."""


class Broken(Exception):
    """The frame of the file contradicts itself."""


# Far more pieces than any encoder makes of 64 MB; what has more wants to waste our time.
_MOST_SEGMENTS = 2_000
_MOST_PIECES = 1_000_000
_MOST_EXIFS = 16  # decoders join them, at a cost that grows with the square


def _at_most(most: int) -> Iterator[int]:
    """Count pieces. Raises Broken when there are more than *most*."""
    yield from range(most)
    raise Broken(f"more than {most} pieces")


# In entropy-coded data every FF that is not a marker is stuffed (FF 00), a restart (FF D0-D7), or
# fill (ITU-T T.81, B.1.1).
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)
_WINDOW_BYTES = 1024 * 1024
_JPEG_SOS, _JPEG_EOI, _JPEG_TEM, _JPEG_APP1 = 0xDA, 0xD9, 0x01, 0xE1


def check_jpeg(data: Buffer) -> None:
    """JPEG: every segment up to EOI behind the last scan (ITU-T T.81, annex B)."""
    position, scans, exifs = 2, 0, 0
    for _ in _at_most(_MOST_SEGMENTS):
        found = _next_marker(data, position)
        if not found:
            raise Cut
        marker = data[found.start() + 1]
        position = found.end()
        if marker == _JPEG_EOI:
            if not scans:
                raise Broken("no scan before the end of the image")
            return
        if marker == _JPEG_TEM:
            continue
        (length,) = _unpack(">H", data, position)
        exifs += marker == _JPEG_APP1 and data[position + 2 : position + 6] == b"Exif"
        if exifs > _MOST_EXIFS:
            raise Broken(f"more than {_MOST_EXIFS} Exif segments")
        position += length
        scans += marker == _JPEG_SOS


def _next_marker(data: Buffer, position: int) -> re.Match[bytes] | None:
    """Search window by window: a mapped file of many megabytes is not to be in memory whole."""
    while True:
        end = position + _WINDOW_BYTES
        found = _JPEG_MARKER.search(data, position, end)
        if found or end >= len(data):
            return found
        if isinstance(data, mmap.mmap):
            page = position - position % mmap.PAGESIZE
            data.madvise(mmap.MADV_DONTNEED, page, end - page)
        position = end - 1


def check_png(data: Buffer) -> None:
    """PNG: length and CRC of every chunk, up to IEND (W3C PNG, 5.3)."""
    position = 8
    for _ in _at_most(_MOST_PIECES // 10):
        (length,) = _unpack(">I", data, position)
        name = data[position + 4 : position + 8]
        (crc,) = _unpack(">I", data, position + 8 + length)
        if zlib.crc32(data[position + 4 : position + 8 + length]) != crc:
            raise Broken(f"wrong CRC in chunk {name!r} at byte {position}")
        if name == b"IEND":
            return
        position += 12 + length


def check_gif(data: Buffer) -> None:
    """GIF: every block up to the trailer (GIF89a, appendix A)."""
    (packed,) = _unpack("10xB", data, 0)
    position = 13 + _gif_colours(packed)
    pieces = _at_most(_MOST_PIECES)
    for _ in pieces:
        (introducer,) = _unpack("B", data, position)
        if introducer == 0x3B:
            return
        if introducer == 0x21:
            position += 2
        elif introducer == 0x2C:
            (packed,) = _unpack("9xB", data, position)
            position += 10 + _gif_colours(packed) + 1
        else:
            raise Broken(f"no block at byte {position}")
        while size := _unpack("B", data, position)[0]:
            position += 1 + size
            next(pieces)
        position += 1


def _gif_colours(packed: int) -> int:
    """Size in bytes of the colour table that a packed field announces."""
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


def check_webp(data: Buffer) -> None:
    """WEBP: the RIFF length, and every chunk within it (RFC 9649, 2.3)."""
    (riff,) = _unpack("<4xI", data, 0)
    if 8 + riff > len(data):
        raise Cut
    position = 12
    pieces = _at_most(_MOST_SEGMENTS)
    while position < 8 + riff:
        next(pieces)
        (length,) = _unpack("<4xI", data, position)
        position += 8 + length + (length & 1)
    # The padding byte of the last chunk is left out by some encoders.
    if position > 8 + riff + 1:
        raise Broken("a chunk is longer than its file says")


_AVIF_BOXES = {b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip", b"uuid", b"idat", b"styp"}


def check_avif(data: Buffer) -> None:
    """AVIF: the length of every top-level box (ISO/IEC 14496-12, 4.2), meta and mdat among them."""
    position = 0
    missing = {b"meta", b"mdat"}
    pieces = _at_most(_MOST_SEGMENTS)
    while position < len(data):
        next(pieces)
        name = data[position + 4 : position + 8]
        if not missing and name not in _AVIF_BOXES:
            return  # what follows is no part of the picture
        missing.discard(name)
        (length,) = _unpack(">I", data, position)
        header = 8
        if length == 1:
            (length,) = _unpack(">8xQ", data, position)
            header = 16
        if length == 0:  # the last box: to the end of the file, whatever that is
            length = len(data) - position
        if length < header:
            raise Broken(f"box of {length} bytes at byte {position}")
        position += length
        if position > len(data):
            raise Cut
    if missing:
        raise Cut


def check_bmp(data: Buffer) -> None:
    """BMP: the pixels that its header promises (BITMAPINFOHEADER), where they are not packed."""
    offset, header = _unpack("<10xII", data, 0)
    if header < 40:  # BITMAPCOREHEADER
        width, height, depth = _unpack("<18xHH2xH", data, 0)
        compression = 0
    else:
        width, height, depth, compression = _unpack("<18xii2xHI", data, 0)
    if compression in (0, 3):  # BI_RGB, BI_BITFIELDS
        size = (width * depth + 31) // 32 * 4 * abs(height)
    else:
        (size,) = _unpack("<34xI", data, 0)
    if offset + size > len(data):
        raise Cut


def _unpack(layout: str, data: Buffer, position: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(layout, data, position)
    except struct.error:
        raise Cut from None


CHECKS: dict[str, Callable[[Buffer], None]] = {
    "JPEG": check_jpeg,
    "PNG": check_png,
    "WEBP": check_webp,
    "GIF": check_gif,
    "AVIF": check_avif,
    "BMP": check_bmp,
}


# The size that a header codes, where the first bytes of a file tell it; before any rotation.


def _jpeg_size(start: bytes) -> tuple[int, int] | None:
    position = 2
    while True:
        fill, marker, length = _unpack(">BBH", start, position)
        if fill != 0xFF:
            return None
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # SOF
            height, width = _unpack(">HH", start, position + 5)
            return width, height
        position += 2 + length


def _png_size(start: bytes) -> tuple[int, int] | None:
    width, height = _unpack(">II", start, 16)
    return width, height


def _webp_size(start: bytes) -> tuple[int, int] | None:
    if start[12:16] != b"VP8X":
        return None
    low, high, low2, high2 = _unpack("<HBHB", start, 24)
    return (high << 16 | low) + 1, (high2 << 16 | low2) + 1


def _bmp_size(start: bytes) -> tuple[int, int] | None:
    (header,) = _unpack("<I", start, 14)
    width, height = _unpack("<HH" if header < 40 else "<ii", start, 18)
    return width, abs(height)


def _if_told(read: Callable[[bytes], tuple[int, int] | None]) -> SizeReader:
    def size(start: bytes) -> tuple[int, int] | None:
        try:
            return read(start)
        except Cut:
            return None

    return size


SizeReader = Callable[[bytes], tuple[int, int] | None]

SIZES: dict[str, SizeReader] = {
    "JPEG": _if_told(_jpeg_size),
    "PNG": _if_told(_png_size),
    "WEBP": _if_told(_webp_size),
    "GIF": lambda _: None,  # its screen may be smaller than its picture
    "AVIF": lambda _: None,
    "BMP": _if_told(_bmp_size),
}
