"""What a picture must be, and what was found when one was looked at. Pure: reads one file."""

from __future__ import annotations

import errno
import hashlib
import mmap
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from wallpapers.errors import PictureRefusedError, store_errors
from wallpapers.images import decoding, placeholders
from wallpapers.images.structure import Buffer
from wallpapers.options.filters import ImageFilters

Thumbs = dict[str, bytes]  # by name

_NO_MAPPING = {errno.ENODEV, errno.EINVAL, errno.EACCES, errno.EPERM, errno.ENOSYS}
_WINDOW_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Demands:
    """What a picture must be to be kept, and what is made of it."""

    check: str  # structure, decode or strict
    max_pixels: int
    wanted: ImageFilters = field(default_factory=ImageFilters)
    placeholders: frozenset[str] = frozenset()  # sha512 of pictures that stand for a missing one
    thumbs: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # largest width and height
    seconds: float = 10.0  # of processor time for one picture
    memory: int = decoding.DECODE_MEMORY  # bytes for the pixels of one picture


class Task(NamedTuple):
    """One file to be looked at; *claimed_pixels* are what the listing promises, 0 = nothing."""

    path: str
    claimed_pixels: int


class Findings(NamedTuple):
    """What a file is: its bytes, by sha256 (hex), their number, and the picture in them."""

    checksum: str
    size: int
    picture: decoding.Picture
    thumbs: Thumbs
    smaller_than_listed: bool = False  # far fewer pixels than the listing claims


def inspect(task: Task, demands: Demands, turn: decoding.Turn) -> Findings:
    """Return what is in a file, if it is a picture to be kept; *turn* is that of the decoder.

    Raises PictureRefusedError with its reason, and StoreError where the file cannot be read.
    """
    with _content(Path(task.path)) as data:
        try:
            return _inspect(data, task, demands, turn)
        except MemoryError:
            detail = f"needs more than {demands.memory // 2**20} MB to decode"
            raise PictureRefusedError("too_many_pixels", detail) from None


def _inspect(data: Buffer, task: Task, demands: Demands, turn: decoding.Turn) -> Findings:
    picture = decoding.examine(
        data,
        max_pixels=demands.max_pixels,
        check=demands.check,
        memory=demands.memory,
        turn=turn,
    )
    width, height, size = picture.width, picture.height, len(data)
    why = demands.wanted.find_mismatch(width, height, size_bytes=size, kind=picture.format)
    if why:
        raise PictureRefusedError(*why)
    claimed = task.claimed_pixels
    placeholders.check(data, width, height, claimed_pixels=claimed, known=demands.placeholders)
    smaller = placeholders.is_smaller_than_listed(width, height, claimed)
    thumbs = decoding.develop(
        data,
        picture.format,
        demands.thumbs,
        whole=demands.check == "decode",
        max_pixels=demands.max_pixels,
        memory=demands.memory,
        turn=turn,
    )
    return Findings(_sha256(data), size, picture, thumbs, smaller)


@contextmanager
def _content(path: Path) -> Iterator[Buffer]:
    """Lend a file as a buffer, whatever its size; what is not looked at costs no memory."""
    with store_errors(path), path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            yield b""
            return
        try:
            view = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        except OSError as error:
            if error.errno not in _NO_MAPPING:
                raise
            yield file.read()  # some FUSE file systems map no files
            return
    with view:
        yield view


def _sha256(data: Buffer) -> str:
    digest = hashlib.sha256()
    with memoryview(data) as view:
        for start in range(0, len(view), _WINDOW_BYTES):
            with view[start : start + _WINDOW_BYTES] as window:
                digest.update(window)
            if start and isinstance(data, mmap.mmap):
                data.madvise(mmap.MADV_DONTNEED, start - _WINDOW_BYTES, _WINDOW_BYTES)
    return digest.hexdigest()
