"""Open images with Pillow's decoders, within limits of pixels and memory.

A decoder is created from its class, not by ``Image.open``: only the signature of the file selects
it, further images of an MPO are ignored, and its error message for a damaged file is kept.
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
from wallpapers.images.headers import HEADER_BYTES, SIZE_READERS
from wallpapers.images.structure import Buffer, Cut, unpack

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

# Pillow warns about damaged metadata, which does not affect the pixels.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
# Pillow only warns between its limit and twice its limit; turn the warning into an error.
warnings.simplefilter("error", Image.DecompressionBombWarning)

# Measured peak memory of a decoder in bytes per pixel, for decoders that report a damaged image
# instead of raising MemoryError.
_WEBP_BYTES, _ANIMATED_WEBP_BYTES = 12, 16
_AVIF_BYTES = {"L": 4, "LA": 8, "RGB": 9, "RGBA": 12}  # by mode, of 8 bits
_DEEP_AVIF_FACTOR = 2  # for more than 8 bits, which Pillow does not report
_STRIP_PIXELS = 1_000_000
_EOI = b"\xff\xd9"

# The chunks that determine the pixels of a PNG. All others (profiles, texts), which may be large
# or damaged, are hidden from the decoder.
_PNG_CRITICAL = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
_PNG_OPTIONAL = {b"tRNS", b"acTL", b"fcTL", b"fdAT"}


@contextmanager
def open_image(data: Buffer, kind: str, max_pixels: int, memory: int) -> Iterator[ImageFile]:
    """Open an image of format *kind* and check its number of pixels before any is decoded.

    Raises PictureRefusedError with the reason ``broken`` or ``too_many_pixels``, and MemoryError
    if the decoder needs more than *memory* bytes to open it.
    """
    if opening_exceeds(data, kind, memory):
        check_pixels(*SIZE_READERS[kind](data[:HEADER_BYTES]) or (0, 0), max_pixels)
        raise MemoryError
    # Pillow's own limit is process-wide and guards decoders that allocate when they open.
    Image.MAX_IMAGE_PIXELS = max_pixels
    try:
        image = _decoder(kind)(_file_for_decoder(data, kind))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureRefusedError("too_many_pixels", f"more than {max_pixels}") from None
    except MemoryError:
        raise
    except Exception as error:  # decoders raise any exception on hostile bytes
        raise PictureRefusedError("broken", f"{kind}: {error}") from None
    with image:
        check_pixels(*image.size, max_pixels)
        yield image


def check_pixels(width: int, height: int, max_pixels: int) -> None:
    """Raise PictureRefusedError (``too_many_pixels``) above *max_pixels*."""
    if width * height > max_pixels:
        raise PictureRefusedError("too_many_pixels", f"{width}x{height}")


def opening_exceeds(data: Buffer, kind: str, memory: int) -> bool:
    """Return whether opening the image allocates more than *memory* bytes (WEBP canvases)."""
    size = SIZE_READERS[kind](data[:HEADER_BYTES]) if kind == "WEBP" else None
    return size is not None and size[0] * size[1] * _WEBP_BYTES > memory


@contextmanager
def guarded_decoding(image: ImageFile, kind: str, memory: int, frames: int = 1) -> Iterator[None]:
    """Convert decoder errors in the block to PictureRefusedError (``cut`` or ``broken``).

    Raises MemoryError if *memory* bytes do not suffice. Enter it before ``draft``, which changes
    the size that the estimate is based on.
    """
    needed = _memory_needed(image, kind, frames)
    if needed > memory:
        raise MemoryError
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        if kind == "AVIF" and needed * _DEEP_AVIF_FACTOR > memory:  # probably out of memory
            raise MemoryError from None
        reason = "cut" if "truncated" in str(error) else "broken"
        raise PictureRefusedError(reason, f"{kind}: {error}") from None


def count_frames(image: ImageFile, kind: str) -> int:
    """Return the number of frames. Raises PictureRefusedError (``broken``)."""
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception as error:
        raise PictureRefusedError("broken", f"{kind}: {error}") from None


def load_frames(image: ImageFile, frames: range) -> None:
    """Decode *frames*, one after the other. Raises any exception of the decoder."""
    for frame in frames:
        if frame:
            image.seek(frame)
        image.load()


def strips(image: Image.Image, step: int = 1) -> Iterator[tuple[int, Image.Image]]:
    """Yield the top row and the pixels of each horizontal strip; tops are multiples of *step*."""
    rows = max(1, _STRIP_PIXELS // image.width // step) * step
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(image.height, top + rows)))


def _memory_needed(image: ImageFile, kind: str, frames: int) -> int:
    """Estimate the bytes that a decoder needs; 0 for decoders that raise MemoryError reliably."""
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
    """Return the decoder class of a format, imported on first use."""
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

        # One process per core runs already, and thread stacks would count towards the limit.
        AvifImagePlugin.DEFAULT_MAX_THREADS = 1
        return AvifImagePlugin.AvifImageFile
    from PIL.BmpImagePlugin import BmpImageFile

    return BmpImageFile


def _jpeg() -> type[ImageFile]:
    from PIL.JpegImagePlugin import JpegImageFile

    class JpegWithEoi(JpegImageFile):
        """Supply a missing EOI; second_opinion.py decides whether the scans are complete."""

        def load_read(self, read_bytes: int) -> bytes:
            assert self.fp is not None
            return self.fp.read(read_bytes) or _EOI

    return JpegWithEoi


def _webp() -> type[ImageFile]:
    from PIL.WebPImagePlugin import WebPImageFile

    class LowMemoryWebP(WebPImageFile):
        """Free the decoder of a still image (two canvases) before the third is allocated."""

        def load_prepare(self) -> None:
            if self.n_frames == 1:
                self._decoder = None
            super().load_prepare()

    return LowMemoryWebP


def _file_for_decoder(data: Buffer, kind: str) -> IO[bytes]:
    """Return a file object for the decoder; a mapped file is not copied."""
    if kind == "PNG":
        return cast("IO[bytes]", _RangesFile(data, [(0, 8), *_png_ranges(data)]))
    if isinstance(data, bytes):
        return io.BytesIO(data)
    data.seek(0)
    return cast("IO[bytes]", data)


def _png_ranges(data: Buffer) -> Iterator[tuple[int, int]]:
    """Yield start and end of each chunk that the decoder needs."""
    position = 8
    while position < len(data):
        try:
            (length,) = unpack(">I", data, position)
        except Cut:
            yield position, len(data)
            return
        name = data[position + 4 : position + 8]
        end = position + 12 + length
        if name in _PNG_CRITICAL or (
            name in _PNG_OPTIONAL and _has_valid_crc(data, position, length)
        ):
            yield position, min(end, len(data))
        if name == b"IEND":
            return
        position = end


def _has_valid_crc(data: Buffer, position: int, length: int) -> bool:
    crc = data[position + 8 + length : position + 12 + length]
    return zlib.crc32(data[position + 4 : position + 8 + length]).to_bytes(4, "big") == crc


class _RangesFile:
    """A file made of ranges of a buffer, with the methods that Pillow calls."""

    def __init__(self, data: Buffer, ranges: list[tuple[int, int]]) -> None:
        self._data = data
        self._starts = [0]  # offset of each range in this file, and the total size
        self._ranges: list[tuple[int, int]] = []
        for start, end in ranges:
            if self._ranges and self._ranges[-1][1] == start:
                self._ranges[-1] = (self._ranges[-1][0], end)
                self._starts[-1] += end - start
            else:
                self._ranges.append((start, end))
                self._starts.append(self._starts[-1] + end - start)
        self._position = 0

    def tell(self) -> int:
        return self._position

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._starts[-1]}
        self._position = max(0, base[whence] + position)
        return self._position

    def read(self, size: int = -1) -> bytes:
        end = self._starts[-1]
        wanted = end if size < 0 else min(end, self._position + size)
        chunks = []
        while self._position < wanted:
            number = bisect_right(self._starts, self._position) - 1
            skipped = self._position - self._starts[number]
            start, stop = self._ranges[number]
            chunk = self._data[start + skipped : min(stop, start + wanted - self._starts[number])]
            chunks.append(chunk)
            self._position += len(chunk)
        return b"".join(chunks)

    def close(self) -> None:
        """Do nothing: the caller owns the buffer."""
