"""Every point at which a write can go wrong: the N-th open, write, fsync, link, rename or commit.

``python -m tests.crashpoints N FOLDER scrapy ...`` runs scrapy and kills it at that point, in the
midst of the write, if it is one.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy import Connection, Engine, event


class Points:
    """Counts the points that a run passes below *folder*, and does *harm* at number *number*."""

    def __init__(self, folder: Path, number: int, harm: Callable[[], None]) -> None:
        self._folder = folder
        self._number = number
        self._harm = harm
        self.passed = 0

    def watches(self, path: Path) -> bool:
        """Is *path* one that counts?"""
        return path.is_absolute() and path.is_relative_to(self._folder)

    def point(self) -> bool:
        """Pass a point; True = this is the one."""
        self.passed += 1
        return self.passed == self._number

    def harm_here(self) -> None:
        """Pass a point, and do the harm if this is the one."""
        if self.point():
            self._harm()

    def write(self, file: Any, data: Any) -> int:
        """Pass a write; the one that is harmed gets half of its data."""
        if self.point():
            file.write(bytes(data)[: len(data) // 2])
            self._harm()
        return int(file.write(data))


class WatchedFile:
    """A file whose writes are points."""

    def __init__(self, file: Any, points: Points) -> None:
        self._file = file
        self._points = points

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> WatchedFile:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def write(self, data: Any) -> int:
        return self._points.write(self._file, data)


@contextmanager
def watched(points: Points) -> Iterator[None]:
    """Have every open, write, fsync, link, rename and commit of the block pass *points*."""

    def committed(connection: Connection) -> None:
        points.harm_here()

    event.listen(Engine, "commit", committed)
    with (
        mock.patch.object(Path, "open", _opened_by_path(points)),
        mock.patch.object(os, "open", _opened_in_a_folder(points)),
        mock.patch.object(os, "fdopen", _file_of(points)),
        mock.patch.object(os, "fsync", _passing(points, os.fsync)),
        mock.patch.object(os, "replace", _passing(points, os.replace)),
        mock.patch.object(os, "link", _passing(points, os.link)),
    ):
        try:
            yield
        finally:
            event.remove(Engine, "commit", committed)


def _passing(points: Points, real: Callable[..., None]) -> Callable[..., None]:
    def call(*args: Any, **more: Any) -> None:
        points.harm_here()
        real(*args, **more)

    return call


def _opened_by_path(points: Points) -> Callable[..., Any]:
    real = Path.open

    def opened(path: Path, mode: str = "r", *args: Any, **more: Any) -> Any:
        if not points.watches(path) or mode.startswith("r"):
            return real(path, mode, *args, **more)
        points.harm_here()
        return WatchedFile(real(path, mode, *args, **more), points)

    return opened


def _opened_in_a_folder(points: Points) -> Callable[..., int]:
    real = os.open

    def opened(path: Any, flags: int, *args: Any, dir_fd: int | None = None) -> int:
        if flags & os.O_CREAT and dir_fd is not None:
            points.harm_here()
        return real(path, flags, *args, dir_fd=dir_fd)

    return opened


def _file_of(points: Points) -> Callable[..., Any]:
    real = os.fdopen

    def file_of(descriptor: int, mode: str = "r", *args: Any, **more: Any) -> Any:
        file = real(descriptor, mode, *args, **more)
        return WatchedFile(file, points) if mode.startswith("w") else file

    return file_of


def main(number: str, folder: str, *words: str) -> None:
    """Run scrapy with *words*, and kill this process at point *number*."""
    from scrapy.cmdline import execute

    points = Points(Path(folder), int(number), lambda: os.kill(os.getpid(), signal.SIGKILL))
    with watched(points):
        execute(["scrapy", *words])


if __name__ == "__main__":
    main(*sys.argv[1:])
