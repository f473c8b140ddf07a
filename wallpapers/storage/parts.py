"""Write the bytes of a download to a part file."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import IO

from wallpapers.errors import store_errors
from wallpapers.storage.held_folder import HeldFolder

# Most wallpapers are smaller than the buffer, and written in one call.
_BUFFER_BYTES = 256 * 1024
# The first bytes that are collected to check the header of an image.
_HEADER_BYTES = 32 * 1024


class Part:
    """The file of one download, with a new file for every attempt.

    *check_start* is called once with the first bytes; it may raise PictureRefusedError to end the
    transfer. Memory is limited to a buffer, whatever the size of the image.
    """

    def __init__(
        self,
        folder: HeldFolder,
        number: int,
        check_start: Callable[[bytes], None],
        obsolete: deque[str],
    ) -> None:
        self.folder = folder
        self._number = number
        self._check_start = check_start
        self._obsolete = obsolete  # names
        self._attempts = 0
        self._file: _PartFile | None = None
        self.size = 0  # bytes received
        self.begin()

    def begin(self) -> None:
        """Discard the bytes received so far and begin another file; without any, do nothing."""
        if self._file is not None and not self.size:
            return
        self.remove()
        self._attempts += 1
        self._file = _PartFile(self.folder, f"{self._number}.{self._attempts}.part")
        self.size = 0
        self._start: bytes | None = b""  # the first bytes, until they are checked
        self._buffer: list[bytes] = []
        self._buffered_bytes = 0

    @property
    def path(self) -> str:
        """The file of this attempt, for other processes and for messages."""
        return self._current.path

    @property
    def name(self) -> str:
        """The name of this file in its folder."""
        return self._current.name

    def feed(self, data: bytes) -> Callable[[], None] | None:
        """Buffer *data*; if the buffer is full, return a function that writes it.

        The function is to be called in a thread; it raises StoreError. Raises PictureRefusedError
        if *check_start* does.
        """
        self.size += len(data)
        self._buffer.append(data)
        self._buffered_bytes += len(data)
        if self._start is not None:
            self._start += data[: _HEADER_BYTES - len(self._start)]
            if len(self._start) == _HEADER_BYTES:
                start, self._start = self._start, None
                self._check_start(start)
        return self._take_buffer() if self._buffered_bytes >= _BUFFER_BYTES else None

    def write(self) -> None:
        """Write the buffered bytes; blocks on the disk. Raises StoreError."""
        self._take_buffer()()

    def content(self) -> bytes:
        """Return all bytes received; blocks on the disk. Raises StoreError."""
        written = self._current.read() if self.size > self._buffered_bytes else b""
        return written + b"".join(self._buffer)

    def sync(self) -> None:
        """Write the buffered bytes, sync the file and close it. Raises StoreError.

        Calling it again has no effect.
        """
        if self._current.identity is None:
            if self._buffer:
                self.write()
            self._current.sync()

    @property
    def identity(self) -> tuple[int, int] | None:
        """Device and inode of the file, once it is synced."""
        return self._current.identity

    def mark_stored(self) -> None:
        """Mark the file as stored under its final name, so that its part name can be removed."""
        self._current.is_stored = True

    def remove(self) -> None:
        """Close and remove the file without blocking.

        If a thread is writing to the file, that thread removes it. The part name of a stored file
        is removed with the next batch of puts.
        """
        if self._file is None:
            return
        if self._file.is_stored:
            self._obsolete.append(self._file.name)
        else:
            self._file.abandon()
        self._file = None

    @property
    def _current(self) -> _PartFile:
        assert self._file is not None
        return self._file

    def _take_buffer(self) -> Callable[[], None]:
        """Empty the buffer and return a function that writes it to the file of this attempt."""
        chunks, self._buffer, self._buffered_bytes = self._buffer, [], 0
        return partial(self._current.write, chunks)


class _PartFile:
    """The file of one attempt, which a thread may still be writing when it is abandoned."""

    def __init__(self, folder: HeldFolder, name: str) -> None:
        self._folder = folder
        self.name = name
        self.path = f"{folder.path}/{name}"
        self._file: IO[bytes] | None = None
        self._in_use = threading.Lock()
        self._abandoned = False
        self.identity: tuple[int, int] | None = None  # device and inode, once it is synced
        self.is_stored = False

    def write(self, chunks: list[bytes]) -> None:
        """Write *chunks*, unless the file is abandoned. Raises StoreError."""
        try:
            with self._in_use, store_errors(self.path):
                if not self._abandoned:
                    self._write(chunks)
        finally:
            if self._abandoned:
                self._clear()

    def _write(self, chunks: list[bytes]) -> None:
        if self._file is None:
            self._file = self._folder.create(self.name)
        view = memoryview(b"".join(chunks))  # few calls: each waits for the interpreter lock
        while view:
            view = view[self._file.write(view) :]

    def read(self) -> bytes:
        """Return the written bytes. Raises StoreError."""
        with self._in_use, store_errors(self.path):
            return self._folder.read(self.name)

    def sync(self) -> None:
        """Sync and close the file. Raises StoreError."""
        try:
            with self._in_use, store_errors(self.path):
                if self._file is not None and not self._abandoned:
                    os.fsync(self._file.fileno())
                    status = os.fstat(self._file.fileno())
                    self._file.close()
                    self.identity = status.st_dev, status.st_ino
        finally:
            if self._abandoned:
                self._clear()

    def abandon(self) -> None:
        """Remove the file, now or when the thread that uses it has finished."""
        self._abandoned = True
        self._clear()

    def _clear(self) -> None:
        if self._in_use.acquire(blocking=False):
            with suppress(OSError):  # otherwise removed with the run folder
                if self._file is not None:
                    self._file.close()
                    self._folder.unlink(self.name)
            self._in_use.release()
