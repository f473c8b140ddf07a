"""Write the files of a dataset to a folder or a bucket, each completely or not at all."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from wallpapers.errors import SettingError, StoreError, store_errors

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

_WORK = ".partial"
_LOCK = ".lock"


class Target(ABC):
    """A folder or bucket for a dataset; its file names may contain "/". Raises StoreError."""

    work: Path  # an empty folder on a local disk, while the target is open

    @contextmanager
    @abstractmethod
    def opened(self) -> Iterator[Self]:
        """Prepare to write. Raises SettingError if another export is writing there."""

    @abstractmethod
    def names(self, folder: str) -> list[str]:
        """Return the names in *folder*, sorted; [] if there is none."""

    @abstractmethod
    def read(self, name: str) -> bytes | None:
        """Return the content of a file, or None if there is none."""

    @abstractmethod
    def publish(self, path: Path, name: str) -> None:
        """Move the file or folder *path*, which is in ``work``, to *name*."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file or folder."""

    def write(self, name: str, content: bytes) -> None:
        """Write a small file, replacing an existing one."""
        path = self.work / "written"
        path.write_bytes(content)
        self.publish(path, name)


class FolderTarget(Target):
    """Write a dataset to a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.work = root / _WORK

    @contextmanager
    def opened(self) -> Iterator[Self]:
        with ExitStack() as stack:
            with store_errors(self._root):
                self._root.mkdir(parents=True, exist_ok=True)
                lock = stack.enter_context((self._root / _LOCK).open("w"))
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise SettingError(f"another export is writing to {self._root}") from None
            with store_errors(self._root):
                shutil.rmtree(self.work, ignore_errors=True)
                self.work.mkdir()
                yield self
                shutil.rmtree(self.work)

    def names(self, folder: str) -> list[str]:
        with store_errors(self._root):
            path = self._root / folder
            return sorted(one.name for one in path.iterdir()) if path.is_dir() else []

    def read(self, name: str) -> bytes | None:
        with store_errors(self._root):
            path = self._root / name
            return path.read_bytes() if path.is_file() else None

    def publish(self, path: Path, name: str) -> None:
        target = self._root / name
        with store_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            for file in path.rglob("*") if path.is_dir() else [path]:
                _sync(file)
            os.replace(path, target)
            _sync(target.parent)

    def remove(self, name: str) -> None:
        path = self._root / name
        with store_errors(path):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


class BucketTarget(Target):
    """Write a dataset below a prefix of an S3 bucket."""

    def __init__(self, uri: str, settings: BaseSettings) -> None:
        from pyarrow import fs

        parts = urlsplit(uri)
        self._root = f"{parts.netloc}{parts.path}".rstrip("/")
        options: dict[str, Any] = {
            "access_key": settings["AWS_ACCESS_KEY_ID"],
            "secret_key": settings["AWS_SECRET_ACCESS_KEY"],
            "session_token": settings["AWS_SESSION_TOKEN"],
            "endpoint_override": settings["AWS_ENDPOINT_URL"],
            "region": settings["AWS_REGION_NAME"],
        }
        try:
            self._files = fs.S3FileSystem(
                background_writes=False,  # or else a shard is in memory until it is uploaded
                **{key: value for key, value in options.items() if value},
            )
        except ValueError as error:
            raise SettingError(f"export to {uri}: {error}") from error

    @contextmanager
    def opened(self) -> Iterator[Self]:
        with tempfile.TemporaryDirectory() as folder:
            self.work = Path(folder)
            yield self

    def names(self, folder: str) -> list[str]:
        from pyarrow import fs

        selector = fs.FileSelector(f"{self._root}/{folder}", allow_not_found=True)
        with self._errors(folder):
            return sorted(info.base_name for info in self._files.get_file_info(selector))

    def read(self, name: str) -> bytes | None:
        try:
            with self._errors(name), self._files.open_input_stream(f"{self._root}/{name}") as file:
                return bytes(file.read())
        except StoreError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise

    def publish(self, path: Path, name: str) -> None:
        files = (
            sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        )
        for file in files:
            relative = f"/{file.relative_to(path).as_posix()}" if path.is_dir() else ""
            with (
                self._errors(name),
                file.open("rb") as source,
                self._files.open_output_stream(f"{self._root}/{name}{relative}") as target,
            ):
                shutil.copyfileobj(source, target, 1024 * 1024)
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    def remove(self, name: str) -> None:
        from pyarrow import fs

        path = f"{self._root}/{name}"
        with self._errors(name):
            (info,) = self._files.get_file_info([path])
            if info.type == fs.FileType.Directory:
                self._files.delete_dir(path)
            else:
                self._files.delete_file(path)

    @contextmanager
    def _errors(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = str(error).partition("\n")[0]
            raise StoreError(f"s3://{self._root}/{name}: {reason}") from error


def target_of(address: str, settings: BaseSettings) -> Target:
    """Return the target at *address*, a folder or ``s3://bucket/prefix``. Raises SettingError."""
    scheme, separator, _ = address.partition("://")
    if not separator:
        return FolderTarget(Path(address))
    if scheme != "s3" or not urlsplit(address).netloc:
        raise SettingError(f"export writes to a folder or to s3://bucket/prefix, got {address!r}")
    return BucketTarget(address, settings)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
