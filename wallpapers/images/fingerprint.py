"""Compute a perceptual fingerprint: 256 bits that survive resizing and recompression.

It is the DCT hash of the library ImageHash (``phash`` with ``hash_size=16``), bit for bit, for
images of less than 5120 pixels. It does not find crops of more than a few per cent, or mirrored
and rotated copies.
"""

from __future__ import annotations

import numpy
from numpy.typing import NDArray
from PIL import Image

BITS = 256
BYTES = BITS // 8

_SIDE = 64  # pixels of the grey image that is transformed
_LOW = 16  # lowest frequencies of each direction
_PLAIN_DEVIATION = 4.0  # levels of grey
# A coefficient that differs less than this from the median gets its bit from compression noise.
_NOISE = 16.0
_MIN_STABLE_BITS = 128
# Beyond these digits, the transform of a symmetric image depends on the processor.
_DIGITS = 3

_COSINES = numpy.cos(
    numpy.pi / (2 * _SIDE) * numpy.outer(numpy.arange(_LOW), 2 * numpy.arange(_SIDE) + 1)
)


def fingerprint(grey: Image.Image) -> tuple[bytes, bool]:
    """Return the fingerprint of a grey image, and whether the image is too plain for it to count.

    Each bit states whether a low frequency is stronger than the median of them.
    """
    pixels = numpy.asarray(grey.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS), numpy.float64)
    strengths = (_COSINES @ pixels @ _COSINES.T).round(_DIGITS)
    above = strengths - numpy.median(strengths)
    stable = int((abs(above) > _NOISE).sum())
    plain = bool(pixels.std() < _PLAIN_DEVIATION or stable < _MIN_STABLE_BITS)
    return numpy.packbits(above > 0).tobytes(), plain


def distances(one: bytes, others: NDArray[numpy.uint8]) -> NDArray[numpy.intp]:
    """Return the number of bits in which *one* differs from each row of *others*."""
    differing = numpy.bitwise_xor(numpy.frombuffer(one, numpy.uint64), others.view(numpy.uint64))
    bits: NDArray[numpy.intp] = numpy.bitwise_count(differing).sum(axis=1, dtype=numpy.intp)
    return bits
