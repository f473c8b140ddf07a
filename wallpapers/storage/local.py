"""Store images in a folder; a file under its final name is complete and synced."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any

from wallpapers.errors import store_errors
from wallpapers.storage.address import folder_of
from wallpapers.storage.batching import BatchExecutor
from wallpapers.storage.contract import NewFile, Storage
from wallpapers.storage.files import (
    OpenFolders,
    check_path,
    link,
    link_replacing,
    new_file,
    open_folder,
    open_regular,
    split,
)
from wallpapers.storage.parts import Part
from wallpapers.storage.run_folder import RunFolder
from wallpapers.storage.walk import image_files

if TYPE_CHECKING:
    from scrapy.pipelines.files import StatInfo
    from scrapy.pipelines.media import MediaPipeline

_DISK_THREADS = 2
_WINDOW_BYTES = 1024 * 1024


class LocalStorage(Storage):
    """Store files in a folder: sync the part, hard-link it, and sync the folder once per batch.

    IMAGES_STORE may be a symbolic link; links below it are not followed.
    """

    is_remote = False
    address = ""

    def __init__(self, basedir: str, min_free_bytes: int = 0) -> None:
        folder = folder_of(basedir)
        assert folder is not None
        self.root = folder
        self.min_free_bytes = min_free_bytes
        self._names_version: tuple[str, int] | None = None
        self._names: set[str] = set()  # of one folder
        self._placing_thumbs = threading.Lock()
        self._executor: BatchExecutor[Sequence[NewFile], bool] | None = None

    def open(self) -> None:
        with store_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self.root).close()
            self._run = RunFolder(self.root)
        self._executor = BatchExecutor(_DISK_THREADS, "wallpapers-put", self._put_all)

    async def put(self, picture: NewFile, thumbs: Sequence[NewFile] = ()) -> bool:
        assert self._executor is not None
        return await self._executor.do((*thumbs, picture))

    def replace(self, picture: NewFile, thumbs: Sequence[NewFile] = ()) -> bool:
        with OpenFolders(self.root) as folders:
            for file in (picture, *thumbs):
                file.part.sync()
            done = self._place(picture, folders, replacing=True)
            if done:
                for thumb in thumbs:
                    self._place(thumb, folders, replacing=True)
            for error in folders.sync().values():
                raise error
        return done

    def find(self, path: str) -> bytes | None:
        check_path(path)
        with suppress(OSError, ValueError), open_regular(self.root / path) as file:
            return file.read() if file else None
        return None

    def holds(self, path: str, size: int | None = None) -> bool:
        check_path(path)
        try:
            status = os.lstat(f"{self.root}/{path}")
        except (OSError, ValueError):
            return False
        return stat.S_ISREG(status.st_mode) and size in (None, status.st_size)

    def is_missing(self, path: str) -> bool:
        check_path(path)
        try:
            os.lstat(self.root / path)
        except (FileNotFoundError, NotADirectoryError):
            return self._run is None or self._run.exists()
        except (OSError, ValueError):
            pass  # unknown, for example without permission
        return False

    def images(self, other_store: str) -> Iterator[tuple[str, int]]:
        return image_files(self.root, other_store)

    def checksum(self, path: str) -> str | None:
        with store_errors(self.root / path), open_regular(self.root / path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest() if file else None

    def has_name(self, path: str) -> bool:
        if not self.holds(path):
            return False
        folder, name = split(path)
        other = f"{folder}/{name.swapcase()}"
        return not self.are_same(path, other) or name in self._names_in(folder)

    def are_same(self, one: str, other: str) -> bool:
        try:
            return os.path.samestat(os.lstat(self.root / one), os.lstat(self.root / other))
        except (OSError, ValueError):
            return False

    def matches(self, file: NewFile) -> bool:
        folder, name = split(file.path)
        try:
            descriptor = open_folder(self.root, folder, make=False)
        except (OSError, ValueError):
            return False
        try:
            return _has_content_of(file.part, name, descriptor)
        finally:
            os.close(descriptor)

    def remove(self, paths: Sequence[str]) -> None:
        for path in paths:
            folder, name = split(path)
            with store_errors(self.root / path):
                try:
                    descriptor = open_folder(self.root, folder, make=False)
                except FileNotFoundError:
                    continue
                try:
                    with suppress(FileNotFoundError):
                        os.unlink(name, dir_fd=descriptor)
                finally:
                    os.close(descriptor)

    def _names_in(self, folder: str) -> set[str]:
        """Return the names in *folder*, which are read again only if it has changed."""
        path = self.root / folder
        version = folder, path.stat().st_mtime_ns
        if version != self._names_version:
            self._names_version, self._names = version, set(os.listdir(path))  # noqa: PTH208
        return self._names

    def close(self) -> None:
        if self._executor is not None:
            self._executor.close()
        if self._run is not None:
            self._run.close()

    # Interface of Scrapy's stores, for files that a subclass of the pipeline stores in addition

    def persist_file(
        self,
        path: str,
        buf: BytesIO,
        info: MediaPipeline.SpiderInfo | None = None,
        meta: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Write *buf* to *path*, replacing an existing file; blocks on the disk."""
        folder, name = split(path)
        with store_errors(self.root / path):
            self.root.mkdir(parents=True, exist_ok=True)
            with OpenFolders(self.root) as folders, new_file(name, folders.open(folder)) as file:
                file.write(buf.getbuffer())

    def stat_file(self, path: str, info: MediaPipeline.SpiderInfo | None = None) -> StatInfo:
        """Return Scrapy's StatInfo without the checksum; {} if there is no file."""
        try:
            return {"last_modified": (self.root / path).stat().st_mtime}
        except (OSError, ValueError):
            return {}

    # Called in the threads of the executor

    def _put_all(self, groups: list[Sequence[NewFile]]) -> list[bool | Exception]:
        """Put each group of files, and sync each folder once."""
        results: list[bool | Exception] = []
        with OpenFolders(self.root) as folders:
            for group in groups:
                try:
                    results.append(self._put(group, folders))
                except Exception as error:  # affects this group only
                    results.append(error)
            errors = folders.sync()
        if errors:
            for number, group in enumerate(groups):
                failed = [errors[folder] for file in group if (folder := file.folder) in errors]
                if failed and results[number] is True:
                    results[number] = failed[0]
        assert self._run is not None
        self._run.remove_obsolete()
        return results

    def _put(self, files: Sequence[NewFile], folders: OpenFolders) -> bool:
        *thumbs, picture = files
        for file in files:
            file.part.sync()
        if not thumbs:
            return self._place(picture, folders)
        # Thumbnails come first, so that an image under its final name has them. They are placed
        # only if the path of the image is free, or else those of another image would be replaced.
        with self._placing_thumbs:
            if self._is_taken(picture, folders):
                return False
            for thumb in thumbs:
                self._place(thumb, folders, replacing=True)
            return self._place(picture, folders)

    def _is_taken(self, file: NewFile, folders: OpenFolders) -> bool:
        folder, name = split(file.path)
        with store_errors(f"{self.root}/{file.path}"):
            descriptor = folders.open(folder)
            try:
                os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            except FileNotFoundError:
                return False
        return not _has_content_of(file.part, name, descriptor)

    def _place(self, file: NewFile, folders: OpenFolders, *, replacing: bool = False) -> bool:
        """Give a synced part its final name; return False if other content has it."""
        folder, name = split(file.path)
        source = file.part.name
        parts = file.part.folder.descriptor
        with store_errors(f"{self.root}/{file.path}"):
            descriptor = folders.open(folder)
            try:
                link(source, parts, name, descriptor)
            except FileExistsError:
                if not _has_content_of(file.part, name, descriptor):
                    if not replacing:
                        return False
                    try:
                        link_replacing(source, parts, name, descriptor)
                    except IsADirectoryError:
                        return False
        folders.mark_changed(folder)
        file.part.mark_stored()
        return True


def _has_content_of(part: Part, name: str, folder: int) -> bool:
    """Return whether the regular file *name* in *folder* has the same bytes as *part*."""
    try:
        with open_regular(name, folder) as existing:
            if existing is None:
                return False
            status = os.fstat(existing.fileno())
            if (status.st_dev, status.st_ino) == part.identity:
                return True
            if status.st_size != part.size:
                return False
            with open_regular(part.name, part.folder.descriptor) as file:
                return file is not None and _have_same_content(file, existing)
    except (OSError, ValueError):  # an unreadable file counts as different
        return False


def _have_same_content(one: IO[bytes], other: IO[bytes]) -> bool:
    while chunk := one.read(_WINDOW_BYTES):
        if chunk != other.read(len(chunk)):
            return False
    return not other.read(1)
