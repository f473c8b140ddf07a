"""The decoders, one for each format: what they are given to read, and what they may take.

A decoder is made by its class, not by ``Image.open``: nothing but the bytes chooses it, further
images of an MPO are left alone, and what it says of a damaged file is not lost.
"""

from __future__ import annotations

import io
import warnings
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import IO, TYPE_CHECKING, cast

from PIL import Image

from wallpapers.errors import PictureRefusedError
from wallpapers.images.headers import HEADER_BYTES, SIZES
from wallpapers.images.structure import Buffer, Cut, unpack

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

# What Pillow thinks of damaged metadata says nothing of the picture.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
# Pillow only warns between its limit and twice its limit: make that a refusal too.
warnings.simplefilter("error", Image.DecompressionBombWarning)

# Bytes that a decoder holds at its peak for each pixel, as measured, where it does not raise
# MemoryError itself but calls the picture damaged.
_WEBP_BYTES, _ANIMATED_WEBP_BYTES = 12, 16
_AVIF_BYTES = {"L": 4, "LA": 8, "RGB": 9, "RGBA": 12}  # by mode, of 8 bits
_DEEP = 2  # times as much has an AVIF of more bits, which its header does not tell
_STRIP_PIXELS = 1_000_000
_EOI = b"\xff\xd9"

# The chunks that make the pixels of a PNG. Profiles and texts, which may be large or damaged, do
# not.
_PNG_CRITICAL = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
_PNG_SHOWN = {b"tRNS", b"acTL", b"fcTL", b"fdAT"}


@contextmanager
def opened(data: Buffer, kind: str, max_pixels: int, memory: int) -> Iterator[ImageFile]:
    """Read the header of a picture of format *kind*; cap its pixels before any is decoded.

    Raises PictureRefusedError with the reason ``broken`` or ``too_many_pixels``, and MemoryError
    where the decoder takes more than *memory* bytes to open it.
    """
    if needs_too_much_to_open(data, kind, memory):
        check_pixels(*SIZES[kind](data[:HEADER_BYTES]) or (0, 0), max_pixels)
        raise MemoryError
    # Pillow's own limit is process-wide and guards decoders that allocate when they open.
    Image.MAX_IMAGE_PIXELS = max_pixels
    try:
        image = _decoder(kind)(_file(data, kind))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureRefusedError("too_many_pixels", f"more than {max_pixels}") from None
    except MemoryError:
        raise
    except Exception as error:  # decoders raise what they like on hostile bytes
        raise PictureRefusedError("broken", f"{kind}: {error}") from None
    with image:
        check_pixels(*image.size, max_pixels)
        yield image


def check_pixels(width: int, height: int, max_pixels: int) -> None:
    """Raise PictureRefusedError (``too_many_pixels``) above *max_pixels*."""
    if width * height > max_pixels:
        raise PictureRefusedError("too_many_pixels", f"{width}x{height}")


def needs_too_much_to_open(data: Buffer, kind: str, memory: int) -> bool:
    """Does a decoder make its canvases when it is opened, and are they over *memory* bytes?"""
    size = SIZES[kind](data[:HEADER_BYTES]) if kind == "WEBP" else None
    return size is not None and size[0] * size[1] * _WEBP_BYTES > memory


@contextmanager
def decoding(image: ImageFile, kind: str, memory: int, frames: int = 1) -> Iterator[None]:
    """Name what a decoder refuses: to be entered before any draft.

    Raises PictureRefusedError (``broken``), and MemoryError where *memory* bytes do not suffice.
    """
    needed = _memory_needed(image, kind, frames)
    if needed > memory:
        raise MemoryError
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        if kind == "AVIF" and needed * _DEEP > memory:  # its decoder may have lacked memory
            raise MemoryError from None
        raise PictureRefusedError("broken", f"{kind}: {error}") from None


def frames_of(image: ImageFile, kind: str) -> int:
    """Return the number of frames. Raises PictureRefusedError (``broken``)."""
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception as error:
        raise PictureRefusedError("broken", f"{kind}: {error}") from None


def load_frames(image: ImageFile, frames: range) -> None:
    """Decode *frames*, one after the other. Raises whatever its decoder does."""
    for frame in frames:
        if frame:
            image.seek(frame)
        image.load()


def strips(image: Image.Image, step: int = 1) -> Iterator[tuple[int, Image.Image]]:
    """Yield a decoded picture strip by strip, each with its top row, a multiple of *step*."""
    rows = max(1, _STRIP_PIXELS // image.width // step) * step
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(image.height, top + rows)))


def _memory_needed(image: ImageFile, kind: str, frames: int) -> int:
    """Return about how many bytes a decoder needs, where it would not say that it lacks them."""
    pixels = image.width * image.height
    if kind == "WEBP":
        return pixels * (_WEBP_BYTES if frames == 1 else _ANIMATED_WEBP_BYTES)
    if kind == "AVIF":
        return pixels * _AVIF_BYTES.get(image.mode, 0)
    if image.info.get("progressive"):
        sampling = [(across, down) for _, across, down, _ in getattr(image, "layer", ())]
        blocks = sum(across * down for across, down in sampling)
        all_blocks = max(across for across, _ in sampling) * max(down for _, down in sampling)
        return int(2 * pixels * blocks // max(1, all_blocks))
    return 0


@cache
def _decoder(kind: str) -> type[ImageFile]:
    """Import a decoder when the first picture asks for it."""
    if kind == "JPEG":
        return _jpeg()
    if kind == "PNG":
        from PIL.PngImagePlugin import PngImageFile

        return PngImageFile
    if kind == "WEBP":
        return _webp()
    if kind == "GIF":
        from PIL.GifImagePlugin import GifImageFile

        return GifImageFile
    if kind == "AVIF":
        from PIL import AvifImagePlugin

        # There is a process for each core; the stacks of threads would count as memory, too.
        AvifImagePlugin.DEFAULT_MAX_THREADS = 1
        return AvifImagePlugin.AvifImageFile
    from PIL.BmpImagePlugin import BmpImageFile

    return BmpImageFile


def _jpeg() -> type[ImageFile]:
    from PIL.JpegImagePlugin import JpegImageFile

    class ClosedJpeg(JpegImageFile):
        """Ends every JPEG with EOI. Whether its scans are whole is decided elsewhere."""

        def load_read(self, read_bytes: int) -> bytes:
            assert self.fp is not None
            return self.fp.read(read_bytes) or _EOI

    return ClosedJpeg


def _webp() -> type[ImageFile]:
    from PIL.WebPImagePlugin import WebPImageFile

    class LightWebP(WebPImageFile):
        """Lets go of the decoder of a still picture, two canvases, before it makes a third."""

        def load_prepare(self) -> None:
            if self.n_frames == 1:
                self._decoder = None
            super().load_prepare()

    return LightWebP


def _file(data: Buffer, kind: str) -> IO[bytes]:
    """Return what a decoder is given to read; a mapped file is read without a copy."""
    if kind == "PNG":
        return cast("IO[bytes]", _Ranges(data, [(0, 8), *_png_ranges(data)]))
    if isinstance(data, bytes):
        return io.BytesIO(data)
    data.seek(0)
    return cast("IO[bytes]", data)


def _png_ranges(data: Buffer) -> Iterator[tuple[int, int]]:
    """Yield where the chunks are that make the pixels."""
    position = 8
    while position < len(data):
        try:
            (length,) = unpack(">I", data, position)
        except Cut:
            yield position, len(data)
            return
        name = data[position + 4 : position + 8]
        end = position + 12 + length
        if name in _PNG_CRITICAL or (name in _PNG_SHOWN and _has_its_crc(data, position, length)):
            yield position, min(end, len(data))
        if name == b"IEND":
            return
        position = end


def _has_its_crc(data: Buffer, position: int, length: int) -> bool:
    crc = data[position + 8 + length : position + 12 + length]
    return zlib.crc32(data[position + 4 : position + 8 + length]).to_bytes(4, "big") == crc


class _Ranges:
    """A file made of ranges of a buffer, as far as Pillow reads one."""

    def __init__(self, data: Buffer, ranges: list[tuple[int, int]]) -> None:
        self._data = data
        self._begins = [0]  # of each range in this file
        self._ranges: list[tuple[int, int]] = []
        for start, end in ranges:
            if self._ranges and self._ranges[-1][1] == start:
                self._ranges[-1] = (self._ranges[-1][0], end)
                self._begins[-1] += end - start
            else:
                self._ranges.append((start, end))
                self._begins.append(self._begins[-1] + end - start)
        self._position = 0

    def tell(self) -> int:
        return self._position

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._begins[-1]}
        self._position = max(0, base[whence] + position)
        return self._position

    def read(self, size: int = -1) -> bytes:
        end = self._begins[-1]
        wanted = end if size < 0 else min(end, self._position + size)
        pieces = []
        while self._position < wanted:
            number = bisect_right(self._begins, self._position) - 1
            skipped = self._position - self._begins[number]
            start, stop = self._ranges[number]
            piece = self._data[start + skipped : min(stop, start + wanted - self._begins[number])]
            pieces.append(piece)
            self._position += len(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Leave the buffer to its owner."""
