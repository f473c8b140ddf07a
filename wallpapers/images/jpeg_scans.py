"""Find out whether the scans of a JPEG contain all of its pixels.

libjpeg substitutes missing bits without an error. So the image is decoded again with different bits
after its scans, where a decoder ignores them: if the pixels differ, bits were missing.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from PIL import Image

from wallpapers.images import decoders
from wallpapers.images.structure import JPEG_NO_FRAMES, Buffer, Cut, next_marker, unpack

# Entropy-coded data of a JPEG, to be appended: no FF, and a first bit other than the one that
# libjpeg substitutes for missing data.
_TRIAL_ENDINGS = [
    bytes([first, *random.Random(first).choices(range(255), k=255)]) for first in (0xA5, 0xDB)
]
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_COEFFICIENTS = 64
_SUBSTITUTES = range(126, 131)  # libjpeg fills blocks without data with 128; CMYK is inverted
# The smallest scales that show missing data: in a progressive image, only details may be missing.
_SCALE, _PROGRESSIVE_SCALE = 8, 2


def are_complete_without_eoi(data: Buffer, max_pixels: int, memory: int) -> bool:
    """Return whether a JPEG without EOI has all scans, and all bits of the last one."""
    try:
        scans = _Scans.of(data)
    except (Cut, KeyError):
        return False
    if not scans.has_all_coefficients or scans.missing_restarts:
        return False
    content = bytes(data).rstrip(b"\xff")
    trials = (content + ending for ending in _TRIAL_ENDINGS)
    return _have_the_same_pixels([content, *trials], 1, max_pixels, memory)


def look_incomplete(data: Buffer) -> bool:
    """Return whether the headers of a JPEG suggest that its scans lack data; nothing is decoded.

    If the data ends early, restart markers or later scans of a progressive image are missing. An
    image that has neither by design is not read beyond the header of its first scan.
    """
    try:
        if not _Scans.of(data, first_only=True).are_countable:
            return False
        scans = _Scans.of(data)
    except (Cut, KeyError):
        return False
    return not scans.has_all_coefficients or scans.missing_restarts > 0


def are_doubtful(image: Image.Image, *, whole: bool) -> bool:
    """Return whether the scans of a decoded JPEG should be checked by ``lack_data``.

    The last blocks of a truncated image are grey. Only details may be missing in a progressive
    image, so it is doubtful in any case if it is to be checked as a *whole*.
    """
    if whole and image.info.get("progressive"):
        return True
    corner = image.getpixel((image.width - 1, image.height - 1))
    levels = corner if isinstance(corner, tuple) else (corner,)
    return all(level in _SUBSTITUTES for level in levels)


def lack_data(data: Buffer, max_pixels: int, memory: int) -> bool:
    """Return whether the scans of a JPEG end before their last block.

    False if this cannot be determined, as for arithmetic coding.
    """
    try:
        scans = _Scans.of(data)
    except (Cut, KeyError):
        return False
    if not scans.is_supported:
        return False
    if scans.missing_restarts > 0:
        return True
    content = bytes(data)
    trial = _TRIAL_ENDINGS[0].join(
        content[start:end] for start, end in pairwise([0, *scans.ends, len(content)])
    )
    scale = _PROGRESSIVE_SCALE if scans.is_progressive else _SCALE
    return not _have_the_same_pixels([content, trial], scale, max_pixels, memory)


def _have_the_same_pixels(
    contents: Iterable[bytes], scale: int, max_pixels: int, memory: int
) -> bool:
    """Decode JPEGs until the pixels of one differ. Raises PictureRefusedError and MemoryError."""
    digests = (_pixels(content, scale, max_pixels, memory) for content in contents)
    first = next(digests)
    return all(digest == first for digest in digests)


def _pixels(content: bytes, scale: int, max_pixels: int, memory: int) -> bytes:
    """Return a hash of the pixels of a JPEG, decoded at one *scale*-th of its size."""
    digest = hashlib.sha256()
    with (
        decoders.open_image(content, "JPEG", max_pixels, memory) as image,
        decoders.guarded_decoding(image, "JPEG", memory),
    ):
        image.draft(None, (image.width // scale, image.height // scale))
        image.load()
        for _, strip in decoders.strips(image):
            digest.update(strip.tobytes())
    return digest.digest()


@dataclass
class _Component:
    across: int  # sampling factors
    down: int
    precision: list[int] = field(default_factory=lambda: [99] * _COEFFICIENTS)  # lowest bit read


@dataclass
class _Scans:
    """The frame and scan headers of a JPEG (ITU-T T.81, annexes A, B and G)."""

    width: int = 0
    height: int = 0
    components: dict[int, _Component] = field(default_factory=dict)
    restart_interval: int = 0  # units between two restart markers, 0 = none
    last_scan: list[int] = field(default_factory=list)  # components of the last scan
    restarts: int = 0  # in the last scan
    is_supported: bool = False  # Huffman coded, of 8 bits
    is_progressive: bool = False
    last_start: int = 0  # byte offset of the data of the last scan
    ends: list[int] = field(default_factory=list)  # byte offset behind the data of each scan

    @classmethod
    def of(cls, data: Buffer, *, first_only: bool = False) -> _Scans:
        """Read all headers up to EOI or the end of the file, or those of the first scan only.

        Raises Cut, and KeyError for a component that the frame lacks.
        """
        scans = cls()
        position, in_scan = 2, False
        while found := next_marker(data, position):
            if in_scan:
                scans.ends.append(_without_fill(data, found.start()))
            marker = data[found.start() + 1]
            position, in_scan = found.end(), marker == 0xDA
            if marker == 0xD9:
                break
            if marker == 0x01:
                continue
            (length,) = unpack(">H", data, position)
            segment = bytes(data[position + 2 : position + length])
            position += length
            if 0xC0 <= marker <= 0xCF and marker not in JPEG_NO_FRAMES:
                scans._read_frame(marker, segment)
            elif marker == 0xDD:
                (scans.restart_interval,) = unpack(">H", segment, 0)
            elif marker == 0xDA:
                scans._read_scan(segment)
                scans.last_start = position
                if first_only:
                    return scans
        if scans.restart_interval:
            end = scans.ends[-1] if not in_scan and scans.ends else len(data)
            scans.restarts = sum(1 for _ in _RESTART.finditer(data, scans.last_start, end))
        return scans

    def _read_frame(self, marker: int, segment: bytes) -> None:
        precision, self.height, self.width, number = unpack(">BHHB", segment, 0)
        self.is_progressive = marker == _PROGRESSIVE
        self.is_supported = marker in (_BASELINE, _EXTENDED, _PROGRESSIVE) and precision == 8
        for index in range(number):
            name, sampling = unpack(">BB", segment, 6 + 3 * index)
            self.components[name] = _Component(sampling >> 4 or 1, sampling & 15 or 1)

    def _read_scan(self, segment: bytes) -> None:
        (number,) = unpack(">B", segment, 0)
        self.last_scan = [unpack(">B", segment, 1 + 2 * index)[0] for index in range(number)]
        first, last, bits = unpack(">BBB", segment, 1 + 2 * number)
        for name in self.last_scan:
            precision = self.components[name].precision
            precision[first : last + 1] = [bits & 15] * len(precision[first : last + 1])

    @property
    def are_countable(self) -> bool:
        """Whether a part that is missing can be noticed without decoding."""
        return self.is_supported and (self.is_progressive or self.restart_interval > 0)

    @property
    def has_all_coefficients(self) -> bool:
        """Whether the scans contain every coefficient of every component, to its last bit."""
        complete = all(not any(component.precision) for component in self.components.values())
        return self.is_supported and bool(self.components) and complete

    @property
    def missing_restarts(self) -> int:
        """How many restart markers the last scan lacks; negative if it has too many."""
        if not self.restart_interval:
            return 0
        across = max(component.across for component in self.components.values())
        down = max(component.down for component in self.components.values())
        if len(self.last_scan) > 1:
            columns, rows = _ceil(self.width, 8 * across), _ceil(self.height, 8 * down)
        else:  # the blocks of one component
            component = self.components[self.last_scan[0]]
            columns = _ceil(_ceil(self.width * component.across, across), 8)
            rows = _ceil(_ceil(self.height * component.down, down), 8)
        return _ceil(columns * rows, self.restart_interval) - 1 - self.restarts


def _without_fill(data: Buffer, position: int) -> int:
    """Return the start of the fill bytes before the marker at *position*."""
    while data[position - 1] == 0xFF:
        position -= 1
    return position


def _ceil(number: int, divisor: int) -> int:
    return -(-number // divisor)
