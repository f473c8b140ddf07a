"""A folder that ignores the case of names, as those of macOS and Windows do."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest


def ignore_case(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Have the system's calls find files below *folder* whatever the case of their names.

    As on such file systems, a new file keeps the case with which it was created.
    """
    real = _Resolver(folder)
    for name in ("open", "stat", "lstat", "mkdir", "unlink"):
        patch.setattr(os, name, real.with_one_path(getattr(os, name)))
    patch.setattr(io, "open", real.with_one_path(io.open))
    for name in ("link", "replace"):
        patch.setattr(os, name, real.with_two_paths(getattr(os, name)))


class _Resolver:
    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._listdir = os.listdir

    def with_one_path(self, call: Any) -> Any:
        def resolved(path: Any, *words: Any, dir_fd: int | None = None, **more: Any) -> Any:
            path = self.existing(path, dir_fd)
            more |= {} if dir_fd is None else {"dir_fd": dir_fd}
            return call(path, *words, **more)

        return resolved

    def with_two_paths(self, call: Any) -> Any:
        def resolved(source: Any, target: Any, **more: Any) -> Any:
            target = self.existing(target, more.get("dst_dir_fd"))
            return call(source, target, **more)

        return resolved

    def existing(self, path: Any, dir_fd: int | None) -> Any:
        """Return *path* with the names that exist."""
        text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
        if not isinstance(text, str):  # a descriptor
            return path
        if dir_fd is not None:
            return self._name_in(dir_fd, text)
        if not text.startswith(f"{self._folder}/"):
            return path
        found = self._folder
        for name in text.removeprefix(f"{self._folder}/").split("/"):
            found = f"{found}/{self._name_in(found, name)}"
        return found

    def _name_in(self, folder: Any, name: str) -> str:
        try:
            names = self._listdir(folder)
        except OSError:
            return name
        return next((one for one in names if one.casefold() == name.casefold()), name)
