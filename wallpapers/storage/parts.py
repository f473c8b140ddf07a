"""Where a picture grows while it comes in: a part file, counted as the bytes flow."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO

from wallpapers.errors import store_errors

# Most wallpapers are smaller than that, and written at once.
_BUFFER_BYTES = 256 * 1024
# What the header of a picture needs at most, before it is looked at.
_START_BYTES = 32 * 1024


class Part:
    """One picture on its way: begun anew with every attempt, continued within one.

    ``look`` is called once with the first bytes and may raise PictureRefusedError: the transfer
    stops there. Memory is a buffer, whatever the picture's size.
    """

    def __init__(
        self, base: str, look: Callable[[bytes], None], spent: deque[Path] | None = None
    ) -> None:
        self._base = base
        self._look = look
        self._spent = deque() if spent is None else spent
        self._attempts = 0
        self._file: _PartFile | None = None
        self.begin()

    def begin(self) -> None:
        """Throw away what came so far, and begin another file."""
        self.remove()
        self._attempts += 1
        self._file = _PartFile(Path(f"{self._base}.{self._attempts}.part"))
        self.size = 0  # bytes that came
        self._start: bytes | None = b""  # the first of them, until they were looked at
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0

    @property
    def path(self) -> Path:
        """Where the bytes of this attempt are."""
        return self._current.path

    def feed(self, data: bytes) -> Callable[[], None] | None:
        """Take *data* in, and return what is to be done for it in a worker, if it is enough.

        Raises PictureRefusedError, as ``look`` does. What is returned raises StoreError.
        """
        self.size += len(data)
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if self._start is not None:
            self._start += data[: _START_BYTES - len(self._start)]
            if len(self._start) == _START_BYTES:
                start, self._start = self._start, None
                self._look(start)
        return self._spill() if self._waiting_bytes >= _BUFFER_BYTES else None

    def write(self) -> None:
        """Write what waits; blocks on the disk. Raises StoreError."""
        self._spill()()

    def content(self) -> bytes:
        """Return all bytes that came; blocks on the disk. Raises StoreError."""
        written = self._current.read() if self.size > self._waiting_bytes else b""
        return written + b"".join(self._waiting)

    def sync(self) -> None:
        """Write what waits, and close the file when it is on the disk. Raises StoreError.

        Calling it again has no effect.
        """
        if self._current.identity is None:
            self.write()
            self._current.sync()

    @property
    def identity(self) -> tuple[int, int] | None:
        """Device and inode of the file, once it is synced."""
        return self._current.identity

    def placed(self) -> None:
        """Mark the file as stored: it has another name, under which it stays."""
        self._current.is_placed = True

    def remove(self) -> None:
        """Close the file and remove it, or leave that to a worker; does not block.

        The name of a file that is stored is removed with the next batch of puts.
        """
        if self._file is None:
            return
        if self._file.is_placed:
            self._spent.append(self._file.path)
        else:
            self._file.abandon()
        self._file = None

    @property
    def _current(self) -> _PartFile:
        assert self._file is not None
        return self._file

    def _spill(self) -> Callable[[], None]:
        """Return the work of writing what waits to the file of this attempt, and of no other."""
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        return partial(self._current.write, waiting)


class _PartFile:
    """The file of one attempt. A worker may still be at it when the attempt is given up."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None
        self._at_work = threading.Lock()
        self._abandoned = False
        self.identity: tuple[int, int] | None = None  # device and inode, once it is synced
        self.is_placed = False

    def write(self, chunks: list[bytes]) -> None:
        """Write *chunks*, unless nobody wants them any more. Raises StoreError."""
        try:
            with self._at_work, store_errors(self.path):
                if not self._abandoned:
                    self._write(chunks)
        finally:
            if self._abandoned:
                self._clear()

    def _write(self, chunks: list[bytes]) -> None:
        if self._file is None:
            self._file = self.path.open("xb", buffering=0)
        view = memoryview(b"".join(chunks))  # each call costs a wait for the interpreter lock
        while view:
            view = view[self._file.write(view) :]

    def read(self) -> bytes:
        """Return what was written. Raises StoreError."""
        with self._at_work, store_errors(self.path):
            return self.path.read_bytes()

    def sync(self) -> None:
        """Sync and close the file. Raises StoreError."""
        try:
            with self._at_work, store_errors(self.path):
                if self._file is not None and not self._abandoned:
                    os.fsync(self._file.fileno())
                    status = os.fstat(self._file.fileno())
                    self._file.close()
                    self.identity = status.st_dev, status.st_ino
        finally:
            if self._abandoned:
                self._clear()

    def abandon(self) -> None:
        """Remove the file, now or as soon as the worker that is at it lets go of it."""
        self._abandoned = True
        self._clear()

    def _clear(self) -> None:
        if self._at_work.acquire(blocking=False):
            with suppress(OSError):  # nothing depends on it: it would be swept with its folder
                if self._file is not None:
                    self._file.close()
                    self.path.unlink(missing_ok=True)
            self._at_work.release()
