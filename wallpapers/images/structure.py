"""Check whether an image is complete, by the structure of its format, without decoding a pixel.

Each check takes the whole file as a buffer (bytes or mmap) and returns if the image is complete;
bytes after its end are ignored. It raises Cut if the file ends before the image does, and Broken
if the structure is invalid. An error that is not *final* may be refuted by decoding the image.
"""

from __future__ import annotations

import mmap
import re
import struct
import zlib
from collections.abc import Callable, Iterator

Buffer = bytes | mmap.mmap


class FrameError(Exception):
    """The structure is incomplete or invalid; *final* if no decoder can, or should, refute it."""

    def __init__(self, message: str = "", *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final


class Cut(FrameError):
    """The file ends before the image does."""


class Broken(FrameError):
    """The structure of the file is invalid."""


# Far more than any encoder writes into 64 MB; a file with more was crafted to waste CPU time.
_MAX_SEGMENTS = 2_000
_MAX_BLOCKS = 1_000_000
_MAX_PIXELS_OF_SCANS = 20_000_000_000  # 200 scans of 100 megapixels; encoders write about ten
_MAX_EXIFS = 16  # decoders join them, at a cost that grows with the square


def _at_most(most: int) -> Iterator[int]:
    """Count blocks or segments. Raises Broken after *most* of them."""
    yield from range(most)
    raise Broken(f"more than {most} segments", final=True)


# In entropy-coded data every FF that is not a marker is stuffed (FF 00), a restart (FF D0-D7), or
# fill (ITU-T T.81, B.1.1).
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)
_WINDOW_BYTES = 1024 * 1024
JPEG_NO_FRAMES = (0xC4, 0xC8, 0xCC)  # DHT, JPG, DAC
_JPEG_SOS, _JPEG_EOI, _JPEG_TEM, _JPEG_APP1 = 0xDA, 0xD9, 0x01, 0xE1


def check_jpeg(data: Buffer) -> None:
    """Check every segment up to EOI after the last scan (ITU-T T.81, annex B)."""
    position, scans, exifs, pixels = 2, 0, 0, 0
    for _ in _at_most(_MAX_SEGMENTS):
        found = next_marker(data, position)
        if not found:
            raise Cut(final=not scans)
        marker = data[found.start() + 1]
        position = found.end()
        if marker == _JPEG_EOI:
            if not scans:
                raise Broken("no scan before EOI")
            return
        if marker == _JPEG_TEM:
            continue
        (length,) = unpack(">H", data, position)
        exifs += marker == _JPEG_APP1 and data[position + 2 : position + 6] == b"Exif"
        if exifs > _MAX_EXIFS:
            raise Broken(f"more than {_MAX_EXIFS} Exif segments", final=True)
        if 0xC0 <= marker <= 0xCF and marker not in JPEG_NO_FRAMES:
            height, width = unpack(">HH", data, position + 3)
            pixels = max(pixels, width * height)
        position += length
        scans += marker == _JPEG_SOS
        if scans * pixels > _MAX_PIXELS_OF_SCANS:  # a decoder goes over all pixels in each
            raise Broken(f"{scans} scans of {pixels} pixels", final=True)


def next_marker(data: Buffer, position: int) -> re.Match[bytes] | None:
    """Find the next JPEG marker from *position* on.

    The search proceeds in windows, so that a large mapped file is never in memory completely.
    """
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
    """Check length and CRC of every chunk, up to IEND (W3C PNG, 5.3)."""
    position, fault = 8, ""
    for _ in _at_most(_MAX_BLOCKS // 10):
        (length,) = unpack(">I", data, position)
        name = data[position + 4 : position + 8]
        (crc,) = unpack(">I", data, position + 8 + length)
        if zlib.crc32(data[position + 4 : position + 8 + length]) != crc:
            fault = fault or f"wrong CRC in chunk {name!r} at byte {position}"
            # Without a critical chunk, pixels are missing; IEND has no content.
            if not name[0] & 0x20 and name != b"IEND":
                raise Broken(fault, final=True)
        if name == b"IEND":
            if fault:
                raise Broken(fault)
            return
        position += 12 + length


_NOT_NUL = re.compile(rb"[^\0]")
_GIF_GRAPHIC_CONTROL = b"\xf9"


def check_gif(data: Buffer) -> None:
    """Check every block up to the trailer (GIF89a, appendix A); NULs between blocks are skipped."""
    (packed,) = unpack("10xB", data, 0)
    position = 13 + _gif_colours(packed)
    blocks = _at_most(_MAX_BLOCKS)
    images, awaits_image = 0, True
    for _ in blocks:
        if position >= len(data):
            raise Cut(final=awaits_image)
        introducer = data[position]
        if introducer == 0x3B:
            return
        if introducer == 0x00:
            found = _NOT_NUL.search(data, position)
            position = found.start() if found else len(data)
            continue
        if introducer == 0x21:
            awaits_image |= data[position + 1 : position + 2] in (b"", _GIF_GRAPHIC_CONTROL)
            position += 2
        elif introducer == 0x2C:
            position = _gif_image(data, position)
            images += 1
            awaits_image = False  # from here on a decoder can decide whether pixels are missing
        else:
            raise Broken(f"invalid block at byte {position}", final=not images)
        position = _gif_data(data, position, blocks, final=awaits_image)


def _gif_image(data: Buffer, position: int) -> int:
    """Return the offset of the data of the image at *position*."""
    if position + 10 > len(data):
        raise Cut(final=True)
    return position + 10 + _gif_colours(data[position + 9]) + 1


def _gif_data(data: Buffer, position: int, blocks: Iterator[int], *, final: bool) -> int:
    """Return the end of the chain of data blocks at *position*."""
    end = len(data)
    while position < end:
        size = data[position]
        position += 1 + size
        if not size:
            return position
        next(blocks)
    raise Cut(final=final)


def _gif_colours(packed: int) -> int:
    """Return the bytes of the colour table that a packed field announces."""
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


def check_webp(data: Buffer) -> None:
    """Check the RIFF length and every chunk within it (RFC 9649, 2.3)."""
    (riff,) = unpack("<4xI", data, 0)
    if 8 + riff > len(data):
        raise Cut(final=True)
    position = 12
    blocks = _at_most(_MAX_BLOCKS)
    while position < 8 + riff:
        next(blocks)
        (length,) = unpack("<4xI", data, position)
        position += 8 + length + (length & 1)
    # Some encoders omit the padding byte of the last chunk.
    if position > 8 + riff + 1:
        raise Broken("chunk exceeds the RIFF length")


_AVIF_BOXES = {b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip", b"uuid", b"idat", b"styp"}


def check_avif(data: Buffer) -> None:
    """Check the length of every top-level box (ISO/IEC 14496-12, 4.2); require meta and mdat."""
    position = 0
    missing = {b"meta", b"mdat"}
    blocks = _at_most(_MAX_SEGMENTS)
    while position < len(data):
        next(blocks)
        name = data[position + 4 : position + 8]
        if not missing and name not in _AVIF_BOXES:
            return  # the rest does not belong to the image
        missing.discard(name)
        (length,) = unpack(">I", data, position)
        header = 8
        if length == 1:
            (length,) = unpack(">8xQ", data, position)
            header = 16
        if length == 0:  # the last box, which extends to the end of the file
            length = len(data) - position
        if length < header:
            raise Broken(f"invalid box length {length} at byte {position}")
        position += length
        if position > len(data):
            raise Cut(final=True)
    if missing:
        raise Cut


def check_bmp(data: Buffer) -> None:
    """Check that the file contains the pixels that its header announces (BITMAPINFOHEADER)."""
    offset, header = unpack("<10xII", data, 0)
    if header < 40:  # BITMAPCOREHEADER
        width, height, depth = unpack("<18xHH2xH", data, 0)
        compression = 0
    else:
        width, height, depth, compression = unpack("<18xii2xHI", data, 0)
    if compression in (0, 3):  # BI_RGB, BI_BITFIELDS
        size = (width * depth + 31) // 32 * 4 * abs(height)
    else:
        (size,) = unpack("<34xI", data, 0)
    if offset + size > len(data):
        raise Cut


def unpack(layout: str, data: Buffer, position: int) -> tuple[int, ...]:
    """Read integers at *position*. Raises Cut if the file ends before them."""
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
