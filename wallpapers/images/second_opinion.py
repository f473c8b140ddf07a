"""The decoder decides where the frame walker accuses: are all pixels there all the same?

What every viewer shows whole is whole: a GIF without its trailer, a JPEG without EOI, a wrong
checksum of a text. Where the decoder cannot tell, the walker stays right.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field

from wallpapers.errors import PictureRefusedError
from wallpapers.images import decoders
from wallpapers.images.structure import JPEG_NO_FRAMES, Buffer, Cut, next_marker, unpack

# Entropy-coded data of a JPEG: no FF, and the first bit is not the one that libjpeg makes up.
_MADE_UP = [
    bytes([first, *random.Random(first).choices(range(255), k=255)]) for first in (0xA5, 0xDB)
]
_RESTARTS = range(0xD0, 0xD8)
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_COEFFICIENTS = 64


def has_all_pixels(data: Buffer, kind: str, max_pixels: int, memory: int) -> bool:
    """Decode a picture whose frame is at fault; are its pixels all there?"""
    try:
        if kind == "JPEG":
            return _lacks_only_its_end(data, max_pixels, memory)
        with decoders.opened(data, kind, max_pixels, memory) as image:
            frames = decoders.frames_of(image, kind)
            with decoders.decoding(image, kind, memory, frames):
                decoders.load_frames(image, range(frames))
    except (PictureRefusedError, MemoryError):
        return False
    return True


def _lacks_only_its_end(data: Buffer, max_pixels: int, memory: int) -> bool:
    """Has a JPEG all its scans, and the last of them all its bits?

    libjpeg makes up the bits that are missing, and does not tell. So the picture is decoded
    again with other bits behind its end: where the pixels differ, they were needed.
    """
    try:
        scans = _Scans.of(data)
    except (Cut, KeyError):
        return False
    if not scans.all_sent or not scans.last_has_its_restarts:
        return False
    content = bytes(data).rstrip(b"\xff")
    first = _pixels(content, max_pixels, memory)
    return all(first == _pixels(content + more, max_pixels, memory) for more in _MADE_UP)


def _pixels(content: bytes, max_pixels: int, memory: int) -> bytes:
    """Return a hash of the pixels of a JPEG. Raises PictureRefusedError and MemoryError."""
    digest = hashlib.sha256()
    with (
        decoders.opened(content, "JPEG", max_pixels, memory) as image,
        decoders.decoding(image, "JPEG", memory),
    ):
        image.load()
        for _, strip in decoders.strips(image):
            digest.update(strip.tobytes())
    return digest.digest()


@dataclass
class _Component:
    across: int  # sampling factors
    down: int
    precision: list[int] = field(default_factory=lambda: [99] * _COEFFICIENTS)  # lowest bit sent


@dataclass
class _Scans:
    """What the scans of a JPEG bring (ITU-T T.81, annexes A, B and G)."""

    width: int = 0
    height: int = 0
    components: dict[int, _Component] = field(default_factory=dict)
    interval: int = 0  # units between two restart markers, 0 = none
    last: list[int] = field(default_factory=list)  # components of the last scan
    restarts: int = 0  # in the last scan
    can_be_told: bool = False  # Huffman coded, of 8 bits
    last_begins: int = 0

    @classmethod
    def of(cls, data: Buffer) -> _Scans:
        """Read all headers. Raises Cut, and KeyError for a component that there is not."""
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
                scans._frame(marker, segment)
            elif marker == 0xDD:
                (scans.interval,) = unpack(">H", segment, 0)
            elif marker == 0xDA:
                scans._scan(segment)
                scans.last_begins = position
        tail = bytes(data[scans.last_begins :])
        scans.restarts = sum(tail.count(bytes((0xFF, restart))) for restart in _RESTARTS)
        return scans

    def _frame(self, marker: int, segment: bytes) -> None:
        precision, self.height, self.width, number = unpack(">BHHB", segment, 0)
        self.can_be_told = marker in (_BASELINE, _EXTENDED, _PROGRESSIVE) and precision == 8
        for index in range(number):
            name, sampling = unpack(">BB", segment, 6 + 3 * index)
            self.components[name] = _Component(sampling >> 4 or 1, sampling & 15 or 1)

    def _scan(self, segment: bytes) -> None:
        (number,) = unpack(">B", segment, 0)
        self.last = [unpack(">B", segment, 1 + 2 * index)[0] for index in range(number)]
        first, last, bits = unpack(">BBB", segment, 1 + 2 * number)
        for name in self.last:
            precision = self.components[name].precision
            precision[first : last + 1] = [bits & 15] * len(precision[first : last + 1])

    @property
    def all_sent(self) -> bool:
        """Has every coefficient of every component come, to its last bit?"""
        sent = all(not any(component.precision) for component in self.components.values())
        return self.can_be_told and bool(self.components) and sent

    @property
    def last_has_its_restarts(self) -> bool:
        """Has the last scan as many restart markers as its size and interval ask for?"""
        if not self.interval:
            return True
        across = max(component.across for component in self.components.values())
        down = max(component.down for component in self.components.values())
        if len(self.last) > 1:
            columns, rows = _ceil(self.width, 8 * across), _ceil(self.height, 8 * down)
        else:  # the blocks of one component
            component = self.components[self.last[0]]
            columns = _ceil(_ceil(self.width * component.across, across), 8)
            rows = _ceil(_ceil(self.height * component.down, down), 8)
        return self.restarts == _ceil(columns * rows, self.interval) - 1


def _ceil(number: int, by: int) -> int:
    return -(-number // by)
