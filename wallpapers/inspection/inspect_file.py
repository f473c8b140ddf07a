"""Inspect one file: check that it is an acceptable image, hash it and make its thumbnails."""

from __future__ import annotations

import errno
import hashlib
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from wallpapers.errors import PictureRefusedError, store_errors
from wallpapers.images import decoding, placeholders
from wallpapers.images.structure import Buffer
from wallpapers.inspection.messages import ImageRequirements, Inspection, Task

_NO_MAPPING = {errno.ENODEV, errno.EINVAL, errno.EACCES, errno.EPERM, errno.ENOSYS}
_WINDOW_BYTES = 1024 * 1024


def inspect_file(task: Task, requirements: ImageRequirements, gate: decoding.Gate) -> Inspection:
    """Inspect a file; *gate* is held while pixels are in memory.

    Raises PictureRefusedError with a reason, and StoreError if the file cannot be read.
    """
    with _content(Path(task.path)) as data:
        try:
            return _inspect(data, task, requirements, gate)
        except MemoryError:
            raise decoding.needs_more_than(requirements.memory) from None


def _inspect(
    data: Buffer, task: Task, requirements: ImageRequirements, gate: decoding.Gate
) -> Inspection:
    picture = decoding.examine(
        data,
        max_pixels=requirements.max_pixels,
        check=requirements.check,
        memory=requirements.memory,
        gate=gate,
    )
    width, height, size = picture.width, picture.height, len(data)
    why = requirements.wanted.find_mismatch(width, height, size_bytes=size, kind=picture.format)
    if why:
        raise PictureRefusedError(*why)
    claimed = task.claimed_pixels
    placeholders.check(data, width, height, claimed_pixels=claimed, known=requirements.placeholders)
    smaller = placeholders.is_smaller_than_listed(width, height, claimed)
    decoded = _decode(data, picture.format, requirements, gate)
    return Inspection(_sha256(data), size, picture, decoded.thumbs, smaller, decoded.look)


def _decode(
    data: Buffer, kind: str, requirements: ImageRequirements, gate: decoding.Gate
) -> decoding.Decoded:
    """Decode an image as required; without its look if the memory does not suffice for it."""
    decode = partial(
        decoding.decode,
        data,
        kind,
        requirements.thumbs,
        whole=requirements.check in ("decode", "strict"),
        max_pixels=requirements.max_pixels,
        memory=requirements.memory,
        gate=gate,
    )
    if requirements.look:
        with suppress(MemoryError):
            return decode(with_look=True)
    return decode()


@contextmanager
def _content(path: Path) -> Iterator[Buffer]:
    """Map a file into memory; only the parts that are read occupy memory."""
    with store_errors(path), path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            yield b""
            return
        try:
            view = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        except OSError as error:
            if error.errno not in _NO_MAPPING:
                raise
            yield file.read()  # some FUSE file systems cannot map files
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
