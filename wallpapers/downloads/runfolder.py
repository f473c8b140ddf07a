"""The folder of one run's part files: locked while the run lives, swept once it is dead."""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
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
        parts.mkdir(parents=True, exist_ok=True)
        # A folder without a lock may be one that is just being made: only locks are judged.
        for other in parts.iterdir():
            with suppress(OSError):
                _sweep(other)
        self._path = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=parts))
        self._lock = (self._path / _LOCK).open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._numbers = itertools.count()

    def part(self, look: Callable[[bytes], None]) -> Part:
        """Return a new part; nothing is written until bytes come."""
        return Part(self._path / f"{next(self._numbers)}.part", look)

    def close(self) -> None:
        """Remove the folder with all that is left in it."""
        shutil.rmtree(self._path, ignore_errors=True)
        self._lock.close()
        with suppress(OSError):  # another run has its folder there
            self._path.parent.rmdir()


def _sweep(folder: Path) -> None:
    """Remove a run's folder, unless its run lives and holds the lock."""
    with (folder / _LOCK).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError: it lives
        shutil.rmtree(folder)
