"""The contract of a storage, which a folder and a bucket fulfil.

A path is relative to IMAGES_STORE, with "/" between its parts; sizes are bytes. Every method raises
StoreError, with the path and the system's message, where the storage fails.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from wallpapers.storage.files import split
from wallpapers.storage.parts import Part

Look = Callable[[bytes], None]  # reads the first bytes, may raise PictureRefusedError


@dataclass(frozen=True)
class NewFile:
    """A part with all its bytes, and the path under which it is to be stored.

    Raises StoreError for a path that is not below the storage.
    """

    part: Part
    path: str
    content_type: str
    metadata: Mapping[str, object] = field(default_factory=dict)  # for a remote store

    def __post_init__(self) -> None:
        split(self.path)

    @property
    def folder(self) -> str:
        """The folder of its path."""
        return split(self.path)[0]


class Storage(ABC):
    """Stores whole files, and never replaces one unless ``replace`` is called.

    Only ``put`` is a coroutine. ``part`` returns immediately; the other methods block on the disk.
    """

    # True: a put is an upload, and nothing is read back. The catalogue is believed instead.
    is_remote: ClassVar[bool]
    address: str  # of a remote store; "" = a folder, which may be moved

    @abstractmethod
    def open(self) -> None:
        """Prepare for puts, and check that a file can be written."""

    @abstractmethod
    def part(self, look: Look) -> Part:
        """Return a file for the bytes of a download, which nobody sees until it is put.

        *look* is called with its first bytes.
        """

    @abstractmethod
    def run_name(self) -> str:
        """Return a name of this run; ``is_running`` answers for it in other runs."""

    @abstractmethod
    def is_running(self, name: str) -> bool:
        """Return whether the run with this name is alive and has the same storage; blocks."""

    @abstractmethod
    def scratch_file(self) -> Path:
        """Return a path on a local disk that nobody has, for what the run needs itself."""

    @abstractmethod
    async def put(self, picture: NewFile, thumbs: Sequence[NewFile] = ()) -> bool:
        """Store *picture* and its thumbnails. Return False where its path has another content.

        After True all of it survives a power cut; after False the file that was there is as it
        was. Before it returns, a file is either whole or absent. A remote store cannot look: there,
        a put replaces what has the same path.
        """

    @abstractmethod
    def replace(self, picture: NewFile, thumbs: Sequence[NewFile] = ()) -> bool:
        """Store what ``put`` did not, in place of the present file. Return False for a folder.

        Calling it again has no effect.
        """

    @abstractmethod
    def find(self, path: str) -> bytes | None:
        """Return the content of *path*; None: there is no such regular file, or it is remote."""

    @abstractmethod
    def holds(self, path: str, size: int | None = None) -> bool:
        """Return whether *path* is a regular file of this size; None = of any size.

        A remote store holds what the catalogue has a size of.
        """

    @abstractmethod
    def matches(self, file: NewFile) -> bool:
        """Return whether the path of *file* has its content; a remote store cannot tell: False."""

    @abstractmethod
    def remove(self, paths: Sequence[str]) -> None:
        """Remove files, where they exist. Scrapy's remote stores cannot."""

    @abstractmethod
    def close(self) -> None:
        """Remove all parts and end the threads. No call may be running."""
