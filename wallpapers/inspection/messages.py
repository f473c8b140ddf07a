"""Define the messages between a crawl and its inspector processes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from wallpapers.options.filters import ImageFilters

if TYPE_CHECKING:
    from wallpapers.images.formats import Picture
    from wallpapers.images.look import Look

READY = "ready"  # the first message of an inspector


@dataclass(frozen=True)
class ImageRequirements:
    """The requirements for an image to be stored, and the thumbnails to make of it."""

    check: str  # structure, decode or strict
    max_pixels: int
    wanted: ImageFilters = field(default_factory=ImageFilters)
    placeholders: frozenset[str] = frozenset()  # sha512 (hex) of known placeholders
    thumbs: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # largest width and height
    seconds: float = 10.0  # of processor time for one image
    memory: int = 512 * 1024 * 1024  # bytes for the pixels of one image
    look: bool = False  # also describe what the image looks like, which needs numpy


class Task(NamedTuple):
    """A file to inspect; *claimed_pixels* are those of its listing, 0 = unknown."""

    path: str
    claimed_pixels: int


class Inspection(NamedTuple):
    """The result of inspecting a file."""

    checksum: str  # sha256, hex
    size: int  # bytes
    picture: Picture
    thumbs: dict[str, bytes]  # by name
    smaller_than_listed: bool = False  # far fewer pixels than the listing claims
    look: Look | None = None  # None: not requested, or not enough memory


class TaskCounter:
    """Count the started tasks in a shared file, which the crawl reads after a crash."""

    BYTES = 8

    def __init__(self, file: int, slot: int) -> None:
        self._file = file
        self._offset = slot * self.BYTES
        self._count = 0

    def increment(self) -> None:
        """Count a task that is about to start."""
        self._count += 1
        os.pwrite(self._file, self._count.to_bytes(self.BYTES, "little"), self._offset)

    @classmethod
    def read(cls, file: int, slot: int) -> int:
        """Return the count of the process that has *slot*."""
        return int.from_bytes(os.pread(file, cls.BYTES, slot * cls.BYTES), "little")
