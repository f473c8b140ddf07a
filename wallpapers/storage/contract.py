"""Define the interface of a storage, implemented for folders and for remote stores.

A path is relative to IMAGES_STORE, with "/" between its parts; sizes are in bytes. Every method
raises StoreError, with the path and the system's message, if the storage fails.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from wallpapers.storage.files import check_free_space, check_path, split
from wallpapers.storage.parts import Part
from wallpapers.storage.run_folder import RunFolder

StartCheck = Callable[[bytes], None]  # checks the first bytes; may raise PictureRefusedError


@dataclass(frozen=True)
class NewFile:
    """A complete part file, and the path under which to store it.

    Raises StoreError for a path outside the storage.
    """

    part: Part
    path: str
    content_type: str
    metadata: Mapping[str, object] = field(default_factory=dict)  # used by remote stores only

    def __post_init__(self) -> None:
        check_path(self.path)

    @property
    def folder(self) -> str:
        """The folder of ``path``."""
        return split(self.path)[0]


class Storage(ABC):
    """Store complete files, and replace an existing file only in ``replace``.

    Only ``put`` is a coroutine. ``part`` does not block; the other methods block on the disk.
    """

    # True: files are uploaded and never read back; the catalogue is trusted instead.
    is_remote: ClassVar[bool]
    address: str  # of a remote store; "" = a folder, which may be moved
    _run: RunFolder | None = None  # made by ``open``
    min_free_bytes = 0  # on the disk of the part files

    @abstractmethod
    def open(self) -> None:
        """Prepare the storage, and check that a file can be written."""

    def part(self, check_start: StartCheck) -> Part:
        """Return a part file for a download, to be stored by ``put``.

        *check_start* is called once with the first bytes.
        """
        assert self._run is not None
        return self._run.part(check_start)

    def run_name(self) -> str:
        """Return the name of this run, to be passed to ``is_running`` by other runs."""
        assert self._run is not None
        return self._run.name

    def is_running(self, name: str) -> bool:
        """Return whether the run with this name is alive and has the same storage; blocks."""
        assert self._run is not None
        return self._run.is_running(name)

    def scratch_file(self) -> Path:
        """Return an unused path on a local disk, for temporary data of the run."""
        assert self._run is not None
        return self._run.scratch_file()

    def check_free_space(self) -> None:
        """Check that the disk of the part files has ``min_free_bytes`` left; blocks."""
        assert self._run is not None
        if self.min_free_bytes:
            check_free_space(self._run.root, self.min_free_bytes)

    @abstractmethod
    async def put(self, picture: NewFile, thumbs: Sequence[NewFile] = ()) -> bool:
        """Store *picture* and its thumbnails; return False if its path has other content.

        If it returns True, all files survive a power cut; if False, the existing file is unchanged.
        At any moment a file is either complete or absent. A remote store is not checked for
        existing files: there, ``put`` replaces the file at the same path.
        """

    @abstractmethod
    def replace(self, picture: NewFile, thumbs: Sequence[NewFile] = ()) -> bool:
        """Replace the file for which ``put`` returned False; return False if it is a folder.

        Calling it again has no effect.
        """

    @abstractmethod
    def find(self, path: str) -> bytes | None:
        """Return the content of *path*; None if it is not a regular file, or remote."""

    @abstractmethod
    def holds(self, path: str, size: int | None = None) -> bool:
        """Return whether *path* is a regular file of this size; None = any size.

        A remote store is assumed to hold every file whose size is in the catalogue.
        """

    @abstractmethod
    def is_missing(self, path: str) -> bool:
        """Return whether nothing has the name *path*.

        Returns False for a remote store, and for a folder that has disappeared since ``open``, as
        when its disk is unmounted.
        """

    @abstractmethod
    def images(self, other_store: str) -> Iterator[tuple[str, int]]:
        """Yield path and size of each stored image; none if remote.

        Thumbnails are left out, and so are subfolders with a file named *other_store*, which are
        other stores.
        """

    @abstractmethod
    def checksum(self, path: str) -> str | None:
        """Return the sha256 (hex) of *path*; None if it is not a regular file, or remote."""

    @abstractmethod
    def has_name(self, path: str) -> bool:
        """Return whether *path* is a regular file, and its name has the same case.

        Returns False for a remote store.
        """

    @abstractmethod
    def are_same(self, one: str, other: str) -> bool:
        """Return whether two paths are one file, on a file system that ignores case."""

    @abstractmethod
    def matches(self, file: NewFile) -> bool:
        """Return whether the content of *file* is stored at its path; False for a remote store."""

    @abstractmethod
    def remove(self, paths: Sequence[str]) -> None:
        """Remove *paths*; missing ones are ignored. Does nothing in a remote store."""

    @abstractmethod
    def close(self) -> None:
        """Remove all part files and end the threads. No other call may be running."""
