"""Images that lack pixels, though the structure of their files is complete."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable


def chunk(name: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG."""
    crc = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc)


def png_with_rows(png: bytes, change: Callable[[bytes], bytes], pieces: int = 1) -> bytes:
    """Return *png* with its inflated rows changed, in *pieces* chunks."""
    compressed = zlib.compress(change(zlib.decompress(_png_data(png))))
    return png_with_data(png, compressed, pieces)


def png_with_half_its_data(png: bytes) -> bytes:
    """Return *png* with half of its compressed data, in chunks with valid checksums."""
    compressed = _png_data(png)
    return png_with_data(png, compressed[: len(compressed) // 2])


def png_with_data(png: bytes, compressed: bytes, pieces: int = 1) -> bytes:
    """Return *png* with other compressed data, in *pieces* chunks."""
    size = -(-len(compressed) // pieces)
    parts = (compressed[start : start + size] for start in range(0, len(compressed), size))
    start = png.index(b"IDAT") - 4
    return png[:start] + b"".join(chunk(b"IDAT", part) for part in parts) + chunk(b"IEND", b"")


def apng_with_rows(apng: bytes, number: int, change: Callable[[bytes], bytes]) -> bytes:
    """Return *apng* with the inflated rows of its frame *number* (from 1 on) changed."""
    position, frame, parts = 8, 0, [apng[:8]]
    while position < len(apng):
        (length,) = struct.unpack_from(">I", apng, position)
        name = apng[position + 4 : position + 8]
        content = apng[position + 8 : position + 8 + length]
        position += 12 + length
        if name == b"fdAT":
            frame += 1
            if frame == number:
                content = content[:4] + zlib.compress(change(zlib.decompress(content[4:])))
        parts.append(chunk(name, content))
    return b"".join(parts)


def _png_data(png: bytes) -> bytes:
    """Return the compressed data of a PNG."""
    position, parts = 8, []
    while position < len(png):
        (length,) = struct.unpack_from(">I", png, position)
        if png[position + 4 : position + 8] == b"IDAT":
            parts.append(png[position + 8 : position + 8 + length])
        position += 12 + length
    return b"".join(parts)


def webp_with_half_its_data(webp: bytes) -> bytes:
    """Return a still *webp* with half of its pixels, and lengths that fit."""
    (length,) = struct.unpack_from("<I", webp, 16)
    half = webp[20 : 20 + length // 4 * 2]
    content = b"WEBP" + webp[12:16] + struct.pack("<I", len(half)) + half
    return b"RIFF" + struct.pack("<I", len(content)) + content


def closed_jpeg(jpeg: bytes, share: float = 0.5) -> bytes:
    """Return a *jpeg* that was truncated within its scans and closed again."""
    start, end = jpeg.index(b"\xff\xda") + 14, len(jpeg) - 2
    return jpeg[: start + int((end - start) * share)].rstrip(b"\xff") + b"\xff\xd9"


def jpeg_with_size(jpeg: bytes, width: int, height: int) -> bytes:
    """Return *jpeg* with another size in its header."""
    found = re.search(rb"\xff[\xc0-\xc2]\0.\x08", jpeg, re.DOTALL)
    assert found
    return jpeg[: found.end()] + struct.pack(">HH", height, width) + jpeg[found.end() + 4 :]


def gif_with_size(gif: bytes, width: int, height: int) -> bytes:
    """Return a still *gif* with another size in its header and its frame."""
    frame = gif.index(b"\x2c\0\0\0\0") + 5
    size = struct.pack("<HH", width, height)
    return gif[:6] + size + gif[10:frame] + size + gif[frame + 4 :]


def avif_with_half_its_data(avif: bytes) -> bytes:
    """Return *avif* with half of its pixels, and lengths that fit."""
    start = avif.index(b"mdat") + 4
    length = len(avif) - start
    half = length // 2
    header = avif[: start - 8].replace(struct.pack(">I", length), struct.pack(">I", half))
    return header + struct.pack(">I", 8 + half) + b"mdat" + avif[start : start + half]
