"""Check that the compressed data of a PNG contains every row that its header announces.

Decoders leave missing rows black without an error. The data is inflated, but no pixel is decoded.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from wallpapers.images.structure import Buffer, Cut, unpack

_WINDOW_BYTES = 64 * 1024
_ZLIB_HEADER_BYTES = 2
_FRAME_HEADER_BYTES = 26
_SEQUENCE_BYTES = 4  # the number before the data of a frame
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
# First column and row of each pass of Adam7, and the distances to the next ones (W3C PNG, 8.2).
_ADAM7 = [
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
]
_ALL_PIXELS = [(0, 0, 1, 1)]


def missing_bytes(data: Buffer, max_pixels: int) -> int:
    """Return how many bytes of rows the first incomplete image of a PNG lacks, 0 = complete.

    All frames of an animation are counted, up to *max_pixels* in total. The checksum and the window
    size of the compressed data are ignored, as by lenient decoders. Raises Cut if the header is
    truncated, and zlib.error if the data cannot be inflated.
    """
    header = _Header(*unpack(">IIBBxxB", data, 16))
    rows = _Rows(header.row_bytes(header.width, header.height))
    pixels = header.width * header.height
    is_animated = has_image = False
    for name, start, end in _chunks(data):
        if name == b"acTL":
            is_animated = not has_image
        elif name == b"IDAT":
            has_image = True
            rows.inflate(data, start, end)
        elif name == b"fdAT" and is_animated:
            rows.inflate(data, start + _SEQUENCE_BYTES, end)
        elif name == b"fcTL" and is_animated and has_image:
            if rows.missing or end - start < _FRAME_HEADER_BYTES or end > len(data):
                break
            width, height, left, top = unpack(">4xIIII", data, start)
            pixels += width * height
            if pixels > max_pixels or not header.holds(width, height, left, top):
                break
            rows = _Rows(header.row_bytes(width, height))
    return rows.missing


@dataclass(frozen=True)
class _Header:
    width: int  # pixels
    height: int
    depth: int  # bits of a channel
    colour: int
    interlaced: int

    def row_bytes(self, width: int, height: int) -> int:
        """Return the bytes of all rows with their filter bytes, in all passes."""
        bits = self.depth * _CHANNELS.get(self.colour, 0)
        total = 0
        for first_column, first_row, across, down in _ADAM7 if self.interlaced else _ALL_PIXELS:
            columns, rows = -((first_column - width) // across), -((first_row - height) // down)
            if columns > 0 and rows > 0:
                total += rows * (1 + -(-columns * bits // 8))
        return total

    def holds(self, width: int, height: int, left: int, top: int) -> bool:
        """Return whether a frame lies within the image; viewers end the animation otherwise."""
        return left + width <= self.width and top + height <= self.height


class _Rows:
    """The rows of one image, of which *missing* bytes have not been inflated yet."""

    def __init__(self, size_bytes: int) -> None:
        self.missing = size_bytes
        self._header_bytes = _ZLIB_HEADER_BYTES
        self._decompressor = zlib.decompressobj(-zlib.MAX_WBITS)

    def inflate(self, data: Buffer, start: int, end: int) -> None:
        """Inflate the next part of the compressed data, as far as the rows need it."""
        skipped = min(self._header_bytes, max(0, end - start))
        self._header_bytes -= skipped
        for at in range(start + skipped, end, _WINDOW_BYTES):
            rest = data[at : min(end, at + _WINDOW_BYTES)]
            while self.missing and not self._decompressor.eof:
                inflated = len(self._decompressor.decompress(rest, _WINDOW_BYTES))
                self.missing = max(0, self.missing - inflated)
                rest = self._decompressor.unconsumed_tail
                if not rest and inflated < _WINDOW_BYTES:
                    break
            if not self.missing or self._decompressor.eof:
                return


def _chunks(data: Buffer) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of the contents of each chunk before IEND."""
    position = 8
    while position < len(data):
        try:
            (length,) = unpack(">I", data, position)
        except Cut:
            return
        name = bytes(data[position + 4 : position + 8])
        if name == b"IEND":
            return
        yield name, position + 8, position + 8 + length
        position += 12 + length
