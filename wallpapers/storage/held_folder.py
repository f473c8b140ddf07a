"""Access the files of a folder that is kept open, even if a link replaces its path."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import IO

from wallpapers.storage.files import FOLDER_ITSELF


class HeldFolder:
    """An open folder. If a link takes the place of its path, files are not written through it.

    All methods raise OSError, also after the folder was closed.
    """

    def __init__(self, path: Path, parent: int) -> None:
        """Open the folder *path* by its name in *parent*; a link is not followed."""
        self.path = path
        self._descriptor: int | None = os.open(path.name, FOLDER_ITSELF, dir_fd=parent)

    @property
    def descriptor(self) -> int:
        """The descriptor of the open folder."""
        if self._descriptor is None:
            raise OSError(errno.EBADF, "folder was closed", str(self.path))
        return self._descriptor

    def create(self, name: str) -> IO[bytes]:
        """Create the file *name* for unbuffered writes. Raises FileExistsError."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        descriptor = os.open(name, flags, 0o666, dir_fd=self.descriptor)
        return os.fdopen(descriptor, "wb", buffering=0)

    def read(self, name: str) -> bytes:
        """Return the content of the file *name*."""
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=self.descriptor)
        with os.fdopen(descriptor, "rb") as file:
            return file.read()

    def unlink(self, name: str) -> None:
        """Remove the file *name*, if it exists."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.descriptor)

    def close(self) -> None:
        """Close the folder; calling it again has no effect."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)
