"""Where a picture grows while it comes in: a part file, hashed and counted as the bytes flow."""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from wallpapers.errors import store_errors
from wallpapers.frames import Buffer

_BUFFER_BYTES = 128 * 1024
# What the header of a picture needs at most, before it is looked at.
_START_BYTES = 32 * 1024


class Part:
    """One picture on its way: begun anew with every attempt, continued within one.

    ``look`` is called once with the first bytes and may raise PictureRefusedError: the transfer
    stops there. Memory is a buffer, whatever the picture's size. All methods but ``feed`` block on
    the disk.
    """

    def __init__(self, path: Path, look: Callable[[bytes], None]) -> None:
        self.path = path
        self._base = path
        self._attempts = 0
        self._look = look
        self._file: IO[bytes] | None = None
        self.begin()

    def begin(self) -> None:
        """Throw away what came so far, and begin another file.

        A worker that was left alone in the midst of a write may still be at the old one.
        """
        self.remove()
        self._attempts += 1
        self.path = self._base.with_suffix(f".{self._attempts}{self._base.suffix}")
        self.size = 0  # bytes that came
        self.start = b""  # the first of them
        self._hash = hashlib.sha256()
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._looked = False

    def feed(self, data: bytes) -> bool:
        """Take *data* in; True = there is enough to be written with ``spill``."""
        self.size += len(data)
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if not self._looked:
            self.start += data[: _START_BYTES - len(self.start)]
            if len(self.start) == _START_BYTES:
                self.look()
        return self._waiting_bytes >= _BUFFER_BYTES

    def look(self) -> None:
        """Look at the first bytes, unless that was done. Raises PictureRefusedError."""
        if not self._looked:
            self._looked = True
            self._look(self.start)

    def spill(self) -> None:
        """Hash and write what waits. Raises StoreError."""
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        digest = self._hash
        with store_errors(self.path):
            file = self._file = self._file or self.path.open("wb", buffering=0)
            for data in waiting:
                digest.update(data)
                view = memoryview(data)
                while view:
                    view = view[file.write(view) :]

    @contextmanager
    def content(self) -> Iterator[Buffer]:
        """Write what waits, and lend all that came as a buffer. Raises StoreError."""
        self.spill()
        if not self.size:
            yield b""
            return
        with store_errors(self.path), self.path.open("rb") as file:
            view = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        with view:
            yield view

    def sync(self) -> None:
        """Wait until what was written is on the disk, and let the file go. Raises StoreError."""
        assert self._file is not None
        with store_errors(self.path):
            os.fsync(self._file.fileno())
        self.close()

    @property
    def checksum(self) -> str:
        """sha256 of what was written, hex."""
        return self._hash.hexdigest()

    def close(self) -> None:
        """Let the file go."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def remove(self) -> None:
        """Let the file go and remove it, if it is still here."""
        self.close()
        self.path.unlink(missing_ok=True)
