"""Decode an image whose structure check failed, to find out whether its pixels are complete.

An image that every viewer shows completely is accepted: a GIF without its trailer, a JPEG without
EOI, a PNG text with a wrong checksum. If the decoder cannot decide, the failed check stands.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field

from wallpapers.errors import PictureRefusedError
from wallpapers.images import decoders
from wallpapers.images.structure import JPEG_NO_FRAMES, Buffer, Cut, next_marker, unpack

# Entropy-coded data of a JPEG, to be appended: no FF, and a first bit other than the one that
# libjpeg substitutes for missing data.
_TRIAL_ENDINGS = [
    bytes([first, *random.Random(first).choices(range(255), k=255)]) for first in (0xA5, 0xDB)
]
_RESTARTS = range(0xD0, 0xD8)
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_COEFFICIENTS = 64


def has_all_pixels(data: Buffer, kind: str, max_pixels: int, memory: int) -> bool:
    """Decode an image whose structure check failed; return whether all of its pixels exist."""
    try:
        if kind == "JPEG":
            return _jpeg_has_all_pixels(data, max_pixels, memory)
        with decoders.open_image(data, kind, max_pixels, memory) as image:
            frames = decoders.count_frames(image, kind)
            with decoders.guarded_decoding(image, kind, memory, frames):
                decoders.load_frames(image, range(frames))
    except (PictureRefusedError, MemoryError):
        return False
    return True


def _jpeg_has_all_pixels(data: Buffer, max_pixels: int, memory: int) -> bool:
    """Return whether a JPEG has all its scans, and the last scan all its bits.

    libjpeg substitutes missing bits without an error. So the image is decoded again with different
    bits appended: if the pixels differ, bits were missing.
    """
    try:
        scans = _Scans.of(data)
    except (Cut, KeyError):
        return False
    if not scans.has_all_coefficients or not scans.last_scan_has_all_restarts:
        return False
    content = bytes(data).rstrip(b"\xff")
    first = _pixels(content, max_pixels, memory)
    return all(first == _pixels(content + ending, max_pixels, memory) for ending in _TRIAL_ENDINGS)


def _pixels(content: bytes, max_pixels: int, memory: int) -> bytes:
    """Return a hash of the pixels of a JPEG. Raises PictureRefusedError and MemoryError."""
    digest = hashlib.sha256()
    with (
        decoders.open_image(content, "JPEG", max_pixels, memory) as image,
        decoders.guarded_decoding(image, "JPEG", memory),
    ):
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
    last_start: int = 0  # byte offset of the data of the last scan

    @classmethod
    def of(cls, data: Buffer) -> _Scans:
        """Read all headers. Raises Cut, and KeyError for a component that the frame lacks."""
        scans = cls()
        position = 2
        while found := next_marker(data, position):
            marker = data[found.start() + 1]
            position = found.end()
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
        tail = bytes(data[scans.last_start :])
        scans.restarts = sum(tail.count(bytes((0xFF, restart))) for restart in _RESTARTS)
        return scans

    def _read_frame(self, marker: int, segment: bytes) -> None:
        precision, self.height, self.width, number = unpack(">BHHB", segment, 0)
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
    def has_all_coefficients(self) -> bool:
        """Whether the scans contain every coefficient of every component, to its last bit."""
        complete = all(not any(component.precision) for component in self.components.values())
        return self.is_supported and bool(self.components) and complete

    @property
    def last_scan_has_all_restarts(self) -> bool:
        """Whether the last scan has the number of restart markers that its size requires."""
        if not self.restart_interval:
            return True
        across = max(component.across for component in self.components.values())
        down = max(component.down for component in self.components.values())
        if len(self.last_scan) > 1:
            columns, rows = _ceil(self.width, 8 * across), _ceil(self.height, 8 * down)
        else:  # the blocks of one component
            component = self.components[self.last_scan[0]]
            columns = _ceil(_ceil(self.width * component.across, across), 8)
            rows = _ceil(_ceil(self.height * component.down, down), 8)
        return self.restarts == _ceil(columns * rows, self.restart_interval) - 1


def _ceil(number: int, divisor: int) -> int:
    return -(-number // divisor)
