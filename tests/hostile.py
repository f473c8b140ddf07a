"""Pictures that want a decoder's time or memory; small to send, and quick to make."""

from __future__ import annotations

import struct
import zlib

from PIL import Image

from tests.pictures import encoded


def slow_jpeg(width: int = 65_500, height: int = 1_500, scans: int = 150) -> bytes:
    """Return a progressive JPEG each of whose scans refines every block without any new bits."""
    blocks = -(-width // 8) * -(-height // 8)
    bits, left = "", blocks
    while left > 0:  # runs of blocks without a change
        run = min(max(left, 16_384), 32_767)
        bits += "0" + format(run - 16_384, "014b")
        left -= run
    bits += "1" * (-len(bits) % 8)
    nothing = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    table = bytes([1, *bytes(15)])  # one code of one bit
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xDB, b"\0" + b"\1" * 64),
            _segment(0xC2, struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0"),
            _segment(0xC4, b"\0" + table + b"\0"),
            _segment(0xC4, b"\x10" + table + b"\xe0"),
            _segment(0xDA, b"\1\1\0\0\0\0") + bytes(blocks // 8 + 1),
            _segment(0xDA, b"\1\1\0\1\x3f\1") + nothing,
            (_segment(0xDA, b"\1\1\0\1\x3f\x10") + nothing) * scans,
            b"\xff\xd9",
        )
    )


def _segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def large_png(side: int = 9_000) -> bytes:
    """Return a PNG of one colour, which takes four bytes for each pixel when it is decoded."""
    row = b"\0" + bytes(side * 3)
    deflate = zlib.compressobj(1)
    rows = b"".join([*(deflate.compress(row) for _ in range(side)), deflate.flush()])
    start = encoded(Image.new("RGB", (1, 1)), "PNG")
    header = start[:8] + _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return header + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _chunk(name: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc)
