"""The folder of one run's part files: locked while the run lives, swept once it is dead."""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from wallpapers.downloads.parts import Part

PARTS = ".parts"
_LOCK = "lock"


class RunFolder:
    """A folder below *root* that belongs to this run alone; what killed runs left is removed.

    Doing it twice gives two folders, neither of which takes the other for dead. All methods block
    on the disk and raise OSError.
    """

    def __init__(self, root: Path) -> None:
        parts = root / PARTS
        with _alone(root):
            parts.mkdir(parents=True, exist_ok=True)
            for other in parts.iterdir():
                with suppress(OSError):
                    _sweep(other)
            self._path = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=parts))
            self._lock = (self._path / _LOCK).open("wb")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._root = root
        self._numbers = itertools.count()

    def part(self, look: Callable[[bytes], None]) -> Part:
        """Return a new part; nothing is written until bytes come."""
        return Part(f"{self._path}/{next(self._numbers)}", look)

    def close(self) -> None:
        """Remove the folder with all that is left in it."""
        with suppress(OSError), _alone(self._root):  # it may be gone, or hold another run's folder
            shutil.rmtree(self._path, ignore_errors=True)
            self._path.parent.rmdir()
        self._lock.close()


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Have no other run make, lock or sweep a folder below *root* for the time of the block."""
    root.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sweep(folder: Path) -> None:
    """Remove a run's folder, unless its run lives and holds the lock."""
    with (folder / _LOCK).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError: it lives
        shutil.rmtree(folder)
