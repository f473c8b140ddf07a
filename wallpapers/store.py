"""A folder of whole files: what stands under its final name is complete and on the disk."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from wallpapers.errors import SettingError, StoreError, store_errors
from wallpapers.libraries import require_for_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import BytesIO

    from scrapy.pipelines.files import StatInfo
    from scrapy.pipelines.media import MediaPipeline

    from wallpapers.downloads.parts import Part

# mkstemp makes files that only their owner reads; a wallpaper has the rights of any other file.
# The umask can be read only by setting it, which is safe while a single thread imports.
_UMASK = os.umask(0o022)
os.umask(_UMASK)

# Nothing there, or something that is no file.
_NO_FILE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO}


class FolderStore:
    """Scrapy's store of files in a folder, except that a write is temp file, fsync, rename.

    Every failure of the disk is a StoreError that names the path and what the system said.
    """

    def __init__(self, basedir: str) -> None:
        self.root = _folder(basedir)

    def open(self) -> None:
        """Make the folder and prove that it takes a file, before anything is downloaded for it."""
        with store_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self.root).close()

    def adopt_all(self, groups: Sequence[Sequence[tuple[Part, str]]]) -> list[StoreError | None]:
        """Make each part, all bytes of which are here, the file under its path, group by group.

        Return for each group what went wrong, or None: then its files survive a power cut. Before
        that, a file is whole or not under its name. A folder is synced once for all that came.
        """
        errors: list[StoreError | None] = [None] * len(groups)
        arrivals: dict[str, list[int]] = {}  # folder -> groups
        for number, group in enumerate(groups):
            try:
                for part, path in group:
                    folder = path.rpartition("/")[0]
                    if folder not in arrivals:
                        with store_errors(self.root / folder):
                            _make_folders(self.root / folder)
                    self._adopt(part, path)
                    arrivals.setdefault(folder, []).append(number)
            except StoreError as error:
                errors[number] = error
        for folder, numbers in arrivals.items():
            try:
                with store_errors(self.root / folder):
                    _sync_folder(self.root / folder)
            except StoreError as error:
                for number in numbers:
                    errors[number] = errors[number] or error
        return errors

    def _adopt(self, part: Part, path: str) -> None:
        target = self.root / path
        with store_errors(target):
            part.write()
            part.sync()
            os.replace(part.path, target)
            part.adopted()

    def persist_file(
        self,
        path: str,
        buf: BytesIO,
        info: MediaPipeline.SpiderInfo | None = None,
        meta: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Write *buf* as *path*; blocks on the disk, so call it in a worker.

        After it returned, the file survives a power cut; before, nothing is under its name.
        Raises StoreError.
        """
        target = self.root / path
        with store_errors(target):
            _make_folders(target.parent)
            with new_file(target) as file:
                file.write(buf.getbuffer())

    def stat_file(self, path: str, info: MediaPipeline.SpiderInfo | None = None) -> StatInfo:
        """Return Scrapy's StatInfo without the checksum, which no caller needs; {} = no file."""
        try:
            return {"last_modified": (self.root / path).stat().st_mtime}
        except OSError:
            return {}

    def holds(self, path: str, size_bytes: int) -> bool:
        """Is the regular file *path* there, with as many bytes?"""
        try:
            status = os.lstat(f"{self.root}/{path}")
        except (OSError, ValueError):
            return False
        return stat.S_ISREG(status.st_mode) and status.st_size == size_bytes

    def has(self, path: str) -> bool:
        """Is there anything under *path*?"""
        return os.path.lexists(f"{self.root}/{path}")

    def checksum(self, path: str) -> str | None:
        """Return the sha256 of *path*, hex, or None where there is no such regular file.

        Raises StoreError where it cannot be read.
        """
        target = self.root / path
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a FIFO would wait for a writer
        with store_errors(target):
            try:
                descriptor = os.open(target, flags)
            except OSError as error:
                if error.errno in _NO_FILE:
                    return None
                raise
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    return None
                return hashlib.file_digest(file, "sha256").hexdigest()

    def read(self, path: str) -> bytes | None:
        """Return the bytes of *path*, or None where there is no such regular file."""
        target = self.root / path
        try:
            return target.read_bytes() if target.is_file() else None
        except OSError:
            return None

    def remove(self, path: str) -> None:
        """Remove *path*, if it is there."""
        with store_errors(self.root / path):
            (self.root / path).unlink(missing_ok=True)


def folder_of(store_uri: str) -> Path | None:
    """Return the folder that IMAGES_STORE names, or None where it is a remote store."""
    scheme, found, _ = store_uri.partition("://")
    return _folder(store_uri) if not found or scheme == "file" else None


def store_address(uri: str) -> str:
    """Return what IMAGES_STORE means: a folder, or a prefix with its slash. Raises UserError."""
    scheme, found, _ = uri.partition("://")
    scheme = scheme if found else ""
    if not uri.strip() or scheme not in ("", "file", "s3", "gs"):
        raise SettingError(f"IMAGES_STORE must be a folder, s3:// or gs://, got {uri!r}")
    require_for_store(scheme)
    if scheme in ("s3", "gs") and not uri.endswith("/"):
        uri += "/"  # without it the prefix would grow into names
    return uri


def _folder(store_uri: str) -> Path:
    return Path(store_uri.removeprefix("file://")).expanduser()


@contextmanager
def new_file(target: Path) -> Iterator[IO[bytes]]:
    """Open a file that becomes *target* when the block ends well, and leaves no trace otherwise.

    The file is synced before it is renamed and its folder after. Raises OSError.
    """
    with tempfile.NamedTemporaryFile(
        dir=target.parent, prefix=".", suffix=".part", delete=False
    ) as file:
        try:
            yield file
            os.fchmod(file.fileno(), 0o666 & ~_UMASK)
            publish(file, Path(file.name), target)
        except BaseException:
            with suppress(OSError):
                os.unlink(file.name)
            raise


def publish(file: IO[bytes], name: Path, target: Path) -> None:
    """Sync *file*, which is open under *name*, and give it the name *target* for good."""
    file.flush()
    os.fsync(file.fileno())
    os.replace(name, target)
    _sync_folder(target.parent)


def _make_folders(folder: Path) -> None:
    """Make *folder* and those above it, so that they survive a power cut too."""
    if folder.is_dir():
        return
    _make_folders(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
