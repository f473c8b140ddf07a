"""Images that lack pixels, though the structure of their files is complete."""

from __future__ import annotations

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
