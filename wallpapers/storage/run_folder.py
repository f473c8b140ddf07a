"""Keep the part files of a run in a locked folder, and remove folders of killed runs."""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import re
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import IO

from wallpapers.errors import StoreError
from wallpapers.storage.files import FOLDER_ITSELF, lock, open_regular
from wallpapers.storage.held_folder import HeldFolder
from wallpapers.storage.parts import Part

PARTS = ".parts"
_LOCK = "lock"
_NEW_LOCK = "lock.new"
_RUN_FOLDER_NAME = re.compile(r"[0-9]+-[a-z0-9_]{8}")  # a process id, and what mkdtemp adds
_PART_NAME = re.compile(r"[0-9]+\.[0-9]+\.part(\.over)?")
_TRIES = 10


class RunFolder:
    """A folder of this run below *root*; creating it removes the folders of killed runs.

    Several runs may start in the same moment: a folder that another run removes before it is locked
    is created again. Nothing waits for a lock. All methods block on the disk and raise OSError.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._parts = root / PARTS
        for tries_left in reversed(range(_TRIES)):
            try:
                self._folder, self._lock = self._make()
                break
            except (FileNotFoundError, BlockingIOError):  # another run has just removed the folder
                if not tries_left:
                    raise
        self._numbers = itertools.count()
        self._obsolete: deque[str] = deque()

    def part(self, check_start: Callable[[bytes], None]) -> Part:
        """Return a new part; its file is created with the first write."""
        return Part(self._folder, next(self._numbers), check_start, self._obsolete)

    def scratch_file(self) -> Path:
        """Return a new path in the folder, which is removed with it."""
        held = Path(f"/proc/self/fd/{self._folder.descriptor}")  # even if its own path is a link
        folder = held if held.exists() else self._folder.path
        return folder / f"{next(self._numbers)}.0.part"

    @property
    def name(self) -> str:
        """The name of the folder, which no other run has."""
        return self._folder.path.name

    def is_running(self, name: str) -> bool:
        """Return whether the run with the folder *name* is still running; blocks on the disk.

        Returns False on a file system without locks.
        """
        return is_running(self.root, name)

    def exists(self) -> bool:
        """Return whether the folder is there; it is not if the disk of the store is unmounted."""
        return self._folder.path.is_dir()

    def remove_obsolete(self) -> None:
        """Remove the part names of stored files."""
        while self._obsolete:
            with suppress(OSError, IndexError):  # otherwise removed with the folder
                self._folder.unlink(self._obsolete.popleft())

    def close(self) -> None:
        """Remove the folder and the files of this run in it, unless links are in their place."""
        self._remove(self._folder)
        self._folder.close()
        self._lock.close()

    def _make(self) -> tuple[HeldFolder, IO[bytes]]:
        with suppress(FileExistsError):
            self._parts.mkdir()
        parts = _open_parts(self._parts)
        try:
            for name in os.listdir(parts):  # noqa: PTH208 (an open folder has no path)
                if _RUN_FOLDER_NAME.fullmatch(name):
                    with suppress(OSError):
                        _sweep(name, parts)
            path = self._parts / f"{os.getpid()}-{token_hex(4)}"
            os.mkdir(path.name, 0o700, dir_fd=parts)
            folder = HeldFolder(path, parts)
        finally:
            os.close(parts)
        try:
            return folder, _locked(folder)
        except BaseException:
            self._remove(folder)
            folder.close()
            raise

    def _remove(self, folder: HeldFolder) -> None:
        with suppress(OSError):
            _remove_files(folder.descriptor)
        with suppress(OSError, StoreError):  # already removed, or replaced
            parts = _open_parts(self._parts)
            try:
                os.rmdir(folder.path.name, dir_fd=parts)
            finally:
                os.close(parts)
        with suppress(OSError):  # already removed, or in use by another run
            self._parts.rmdir()


def is_running(root: Path, name: str) -> bool:
    """Return whether a run with the folder *name* below *root* is still running."""
    if not _RUN_FOLDER_NAME.fullmatch(name):
        return False
    try:
        with open_regular(root / PARTS / name / _LOCK) as file:
            if file is None:
                return False
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def has_running_run(root: Path) -> bool:
    """Return whether any run is storing images below *root*."""
    try:
        names = os.listdir(root / PARTS)  # noqa: PTH208 (names, not paths)
    except OSError:
        return False
    return any(is_running(root, name) for name in names)


def _locked(folder: HeldFolder) -> IO[bytes]:
    """Return the lock file of *folder*, which is renamed to its final name after it is locked."""
    file = folder.create(_NEW_LOCK)
    try:
        lock(file)
        held = folder.descriptor
        os.replace(_NEW_LOCK, _LOCK, src_dir_fd=held, dst_dir_fd=held)
    except BaseException:
        file.close()
        raise
    return file


def _open_parts(parts: Path) -> int:
    try:
        return os.open(parts, FOLDER_ITSELF)
    except OSError as error:
        if parts.is_symlink():
            raise StoreError(f"{parts}: a symbolic link is not followed; remove it") from None
        if error.errno == errno.ENOTDIR:
            raise StoreError(f"{parts}: not a folder; remove it") from None
        raise


def _sweep(name: str, parts: int) -> None:
    """Remove the folder of a killed run; keep it if the lock is held, or has other files."""
    folder = os.open(name, FOLDER_ITSELF, dir_fd=parts)
    try:
        for lock_name in (_LOCK, _NEW_LOCK):
            with open_regular(lock_name, folder) as file:
                if file is not None:
                    # On a file system without locks this raises: whether the run still exists is
                    # unknown.
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    _remove_files(folder)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=parts)


def _remove_files(folder: int) -> None:
    """Remove the files of a run. The lock comes last: without it, no run removes the folder."""
    names = os.listdir(folder)
    parts = filter(_PART_NAME.fullmatch, names)
    for name in (*parts, *{_LOCK, _NEW_LOCK}.intersection(names)):
        with suppress(FileNotFoundError):  # a thread has just removed it
            os.unlink(name, dir_fd=folder)
