"""Check that the compressed data of a PNG contains every row that its header announces.

Decoders leave missing rows black without an error. The data is inflated, but no pixel is decoded.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from wallpapers.images.structure import Buffer, Cut, unpack

_WINDOW_BYTES = 64 * 1024
_ZLIB_HEADER_BYTES = 2
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
# First column and row of each pass of Adam7, and the distances to the next ones (W3C PNG, 8.2).
_ADAM7 = [
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
]
_ALL_PIXELS = [(0, 0, 1, 1)]


def missing_bytes(data: Buffer) -> int:
    """Return how many bytes of the rows are missing in a PNG, 0 = complete.

    The checksum and the window size of the compressed data are ignored, as by lenient decoders.
    Raises Cut if the header is truncated, and zlib.error if the data cannot be inflated.
    """
    missing = _row_bytes(data)
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    for window in _compressed(data):
        rest = window
        while missing > 0 and not inflate.eof:
            rows = inflate.decompress(rest, _WINDOW_BYTES)
            missing -= len(rows)
            rest = inflate.unconsumed_tail
            if not rest and len(rows) < _WINDOW_BYTES:
                break
        if missing <= 0 or inflate.eof:
            break
    return max(0, missing)


def _row_bytes(data: Buffer) -> int:
    """Return the bytes of all rows with their filter bytes, in all passes."""
    width, height, depth, colour, interlaced = unpack(">IIBBxxB", data, 16)
    bits = depth * _CHANNELS.get(colour, 0)
    total = 0
    for left, top, across, down in _ADAM7 if interlaced else _ALL_PIXELS:
        columns, rows = -((left - width) // across), -((top - height) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + -(-columns * bits // 8))
    return total


def _compressed(data: Buffer) -> Iterator[bytes]:
    """Yield the contents of the IDAT chunks without the header of the compressed data."""
    position, header = 8, _ZLIB_HEADER_BYTES
    while position < len(data):
        try:
            (length,) = unpack(">I", data, position)
        except Cut:
            return
        name = data[position + 4 : position + 8]
        if name == b"IEND":
            return
        start, end = position + 8, position + 8 + length
        if name == b"IDAT":
            skipped = min(header, length)
            header -= skipped
            for at in range(start + skipped, end, _WINDOW_BYTES):
                yield data[at : min(end, at + _WINDOW_BYTES)]
        position = end + 4
