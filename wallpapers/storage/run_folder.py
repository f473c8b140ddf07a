"""Keep the parts of one run in a folder that is locked while the run lives, and swept after it."""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import re
import shutil
import tempfile
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from wallpapers.errors import StoreError
from wallpapers.storage.files import FOLDER_ITSELF, lock, opened
from wallpapers.storage.parts import Part

PARTS = ".parts"
_LOCK = "lock"
_NEW_LOCK = "lock.new"
_OURS = re.compile(r"[0-9]+-[a-z0-9_]{8}")  # a process id, and what mkdtemp adds
_FILES = re.compile(r"[0-9]+\.[0-9]+\.part(\.over)?")
_TRIES = 10


class RunFolder:
    """A folder below *root* that belongs to this run alone; what killed runs left is removed.

    Several runs may do so in the same moment: a folder that another run sweeps before it is locked
    is made again. Nothing waits for a lock. All methods block on the disk and raise OSError.
    """

    def __init__(self, root: Path) -> None:
        self._parts = root / PARTS
        for tries_left in reversed(range(_TRIES)):
            try:
                self._path, self._lock = self._make()
                break
            except (FileNotFoundError, BlockingIOError):  # another run has just swept the folder
                if not tries_left:
                    raise
        self._numbers = itertools.count()
        self._spent: deque[Path] = deque()

    def part(self, look: Callable[[bytes], None]) -> Part:
        """Return a new part; nothing is written until bytes come."""
        return Part(f"{self._path}/{next(self._numbers)}", look, self._spent)

    def scratch_file(self) -> Path:
        """Return a new path in the folder, which is removed with it."""
        return Path(f"{self._path}/{next(self._numbers)}.0.part")

    @property
    def name(self) -> str:
        """The name of the folder, which no other run has."""
        return self._path.name

    def is_running(self, name: str) -> bool:
        """Return whether the run whose folder has this *name* is alive; blocks on the disk.

        False on a file system without locks.
        """
        if not _OURS.fullmatch(name):
            return False
        try:
            with opened(self._parts / name / _LOCK) as file:
                if file is None:
                    return False
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def remove_spent(self) -> None:
        """Remove the files of parts that were stored."""
        while self._spent:
            with suppress(OSError, IndexError):  # it would be removed with its folder
                os.unlink(self._spent.popleft())

    def close(self) -> None:
        """Remove the folder with all that is left in it."""
        self._remove(self._path)
        self._lock.close()

    def _make(self) -> tuple[Path, IO[bytes]]:
        self._parts.mkdir(exist_ok=True)
        descriptor = _open_itself(self._parts)
        try:
            for name in os.listdir(descriptor):  # noqa: PTH208 (an open folder has no path)
                if _OURS.fullmatch(name):
                    with suppress(OSError):
                        _sweep(name, descriptor)
        finally:
            os.close(descriptor)
        path = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=self._parts))
        try:
            return path, _locked(path)
        except BaseException:
            self._remove(path)
            raise

    def _remove(self, path: Path) -> None:
        shutil.rmtree(path, ignore_errors=True)
        with suppress(OSError):  # it is gone, or has another run's folder
            self._parts.rmdir()


def _locked(folder: Path) -> IO[bytes]:
    """Return the lock file of *folder*, which gets its name when it is locked."""
    file = (folder / _NEW_LOCK).open("xb")
    try:
        lock(file)
        os.replace(folder / _NEW_LOCK, folder / _LOCK)
    except BaseException:
        file.close()
        raise
    return file


def _open_itself(parts: Path) -> int:
    try:
        return os.open(parts, FOLDER_ITSELF)
    except OSError as error:
        if parts.is_symlink():
            raise StoreError(f"{parts}: a symbolic link is not followed; remove it") from None
        if error.errno == errno.ENOTDIR:
            raise StoreError(f"{parts}: not a folder; remove it") from None
        raise


def _sweep(name: str, parts: int) -> None:
    """Remove a run's folder, unless its run holds the lock; files of other names stay."""
    folder = os.open(name, FOLDER_ITSELF, dir_fd=parts)
    try:
        for lock_name in (_LOCK, _NEW_LOCK):
            with opened(lock_name, folder) as file:
                if file is not None:
                    _remove_files(file, lock_name, folder)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=parts)


def _remove_files(file: IO[bytes], lock_name: str, folder: int) -> None:
    # Without locks nobody can tell whether its run lives, so it stays.
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    for name in os.listdir(folder):
        if _FILES.fullmatch(name):
            os.unlink(name, dir_fd=folder)
    os.unlink(lock_name, dir_fd=folder)
