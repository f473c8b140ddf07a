"""Let only one command at a time write the gallery."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from wallpapers.errors import UserError, store_errors
from wallpapers.storage.files import OpenFolders, lock
from wallpapers.storage.names import GALLERY

if TYPE_CHECKING:
    from wallpapers.storage.local import LocalStorage

_LOCK = ".lock"


@contextmanager
def locked_gallery(store: LocalStorage) -> Iterator[None]:
    """Lock the gallery of *store* during the block; a killed process holds no lock.

    Raises UserError if another command has locked it, and StoreError.
    """
    with _locked(store):
        yield


def _locked(store: LocalStorage) -> IO[bytes]:
    folder = store.root / GALLERY
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW  # NFS locks only files opened for writing
    with store_errors(folder / _LOCK), OpenFolders(store.root) as folders:
        descriptor = os.open(_LOCK, flags, 0o666, dir_fd=folders.open(GALLERY))
        file = os.fdopen(descriptor, "wb")
        try:
            lock(file)
        except BlockingIOError:
            file.close()
            raise UserError(
                f"another gallery command is writing to {folder}; run again when it has ended"
            ) from None
    return file
