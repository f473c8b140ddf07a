"""Write files durably and atomically, without following links, on network file systems too."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from secrets import token_hex
from typing import IO, Self

from wallpapers.errors import StoreError, store_errors

# Errors of file systems that lack an operation: CIFS and some FUSE file systems cannot sync a
# folder, others have no locks or no hard links. EIO is a real failure and not among them.
_UNSUPPORTED = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
_NO_FOLDER_SYNC = {*_UNSUPPORTED, errno.EBADF, errno.EISDIR}
_NO_LOCKS = {*_UNSUPPORTED, errno.ENOLCK}
_NO_LINKS = {*_UNSUPPORTED, errno.EPERM, errno.EACCES, errno.EMLINK}
# Errors of opening a name that does not exist or is not a regular file.
_NOT_A_FILE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.EISDIR}

FOLDER = os.O_RDONLY | os.O_DIRECTORY
FOLDER_ITSELF = FOLDER | os.O_NOFOLLOW


def check_path(path: str) -> None:
    """Raise StoreError if *path* leaves the store, or names no file."""
    parts = path.split("/")
    if parts[-1] in ("", ".") or path.startswith("/") or ".." in parts or "\0" in path:
        raise StoreError(f"file_path() must return a path below IMAGES_STORE, got {path!r}")


def split(path: str) -> tuple[str, str]:
    """Return the folder and the name of *path*. Raises StoreError as ``check_path``."""
    check_path(path)
    *folders, name = path.split("/")
    return "/".join(folder for folder in folders if folder not in ("", ".")), name


def check_free_space(folder: Path, min_bytes: int) -> None:
    """Raise StoreError if the disk of *folder* has less than *min_bytes* of free space."""
    with store_errors(folder):
        disk = os.statvfs(folder)
    free_bytes = disk.f_bavail * disk.f_frsize
    if free_bytes < min_bytes:
        from rich.filesize import decimal

        raise StoreError(
            f"WALLPAPERS_MIN_FREE_SPACE reached: the disk of {folder} has {decimal(free_bytes)} "
            f"left, less than {decimal(min_bytes)}; free disk space or lower it"
        )


def is_below(path: object) -> bool:
    """Return whether *path* is below the store; a path in a damaged catalogue may not be."""
    try:
        check_path(path if isinstance(path, str) else "")
    except StoreError:
        return False
    return True


def open_folder(root: Path, folder: str, *, make: bool) -> int:
    """Return a descriptor of *folder* below *root*, without following links below *root*.

    Created folders survive a power cut. Raises OSError, and StoreError for a link.
    """
    descriptor = os.open(root, FOLDER)
    path = root
    try:
        for name in filter(None, folder.split("/")):
            path /= name
            below = _open_below(descriptor, name, path, make=make)
            os.close(descriptor)
            descriptor = below
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _open_below(parent: int, name: str, path: Path, *, make: bool) -> int:
    try:
        return os.open(name, FOLDER_ITSELF, dir_fd=parent)
    except FileNotFoundError:
        if not make:
            raise
    except OSError:
        if is_link(name, parent):
            raise StoreError(
                f"{path}: a symbolic link below IMAGES_STORE is not followed; "
                "move its target here, or mount it here"
            ) from None
        raise
    with suppress(FileExistsError):  # created by another run in the meantime
        os.mkdir(name, dir_fd=parent)
        sync_folder(parent)
    return os.open(name, FOLDER_ITSELF, dir_fd=parent)


def is_link(name: str, folder: int) -> bool:
    """Return whether *name* in *folder* is a symbolic link."""
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


class OpenFolders:
    """Descriptors of the folders of one batch of writes; each folder is synced once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._descriptors: dict[str, int] = {}
        self._changed: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for descriptor in self._descriptors.values():
            os.close(descriptor)

    def open(self, folder: str) -> int:
        """Return a descriptor of *folder*, creating it if needed. Raises OSError."""
        if folder not in self._descriptors:
            self._descriptors[folder] = open_folder(self._root, folder, make=True)
        return self._descriptors[folder]

    def mark_changed(self, folder: str) -> None:
        """Mark *folder* to be synced."""
        self._changed.add(folder)

    def sync(self) -> dict[str, StoreError]:
        """Sync the changed folders; return the errors by folder."""
        errors: dict[str, StoreError] = {}
        for folder in self._changed:
            try:
                with store_errors(self._root / folder):
                    sync_folder(self._descriptors[folder])
            except StoreError as error:
                errors[folder] = error
        return errors


def sync_folder(descriptor: int) -> None:
    """Sync a folder, if the file system supports it. Raises OSError."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise


def lock(file: IO[bytes]) -> None:
    """Lock *file*, if the file system supports it. Raises BlockingIOError if it is locked."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise


def link(source: str, parts: int, name: str, folder: int) -> None:
    """Create a hard link *name* in *folder* to the file *source* in *parts*.

    Raises FileExistsError. Without hard links, the file is moved instead; then two programs that do
    so in the same moment may replace each other's file. From another file system, it is copied.
    """
    try:
        os.link(source, name, src_dir_fd=parts, dst_dir_fd=folder)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno == errno.EXDEV:
            _check_absent(name, folder)
            _copy(source, parts, name, folder)
        elif error.errno in _NO_LINKS:
            _check_absent(name, folder)
            os.replace(source, name, src_dir_fd=parts, dst_dir_fd=folder)
        else:
            raise


def link_replacing(source: str, parts: int, name: str, folder: int) -> None:
    """Create a hard link *name* in *folder* to the file *source* in *parts*, replacing a file.

    Raises IsADirectoryError if *name* is a folder.
    """
    temporary = f"{source}.over"
    try:
        os.link(source, temporary, src_dir_fd=parts, dst_dir_fd=parts)
    except FileExistsError:  # left by an earlier attempt
        pass
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        temporary = source
    try:
        os.replace(temporary, name, src_dir_fd=parts, dst_dir_fd=folder)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(source, parts, name, folder)
    finally:
        if temporary != source:
            with suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=parts)


def _copy(source: str, parts: int, name: str, folder: int) -> None:
    """Copy the file *source* in *parts* to *name* in *folder*, replacing a file."""
    with open_regular(source, parts) as original, new_file(name, folder) as copy:
        if original is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), source)
        while chunk := original.read(1024 * 1024):
            copy.write(chunk)


def _check_absent(name: str, folder: int) -> None:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)


@contextmanager
def new_file(name: str, folder: int) -> Iterator[IO[bytes]]:
    """Open a temporary file that is renamed to *name* if the block succeeds.

    The file is synced before it is renamed, and its folder afterwards. Raises OSError.
    """
    temporary = f".{token_hex(8)}.part"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(temporary, flags, 0o666, dir_fd=folder)  # the kernel applies the umask
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        sync_folder(folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise


def publish(file: IO[bytes], name: Path, target: Path) -> None:
    """Sync the open *file*, rename it from *name* to *target*, and sync the folder.

    Raises OSError.
    """
    file.flush()
    os.fsync(file.fileno())
    os.replace(name, target)
    folder = os.open(target.parent, FOLDER)
    try:
        sync_folder(folder)
    finally:
        os.close(folder)


@contextmanager
def open_regular(path: Path | str, folder: int | None = None) -> Iterator[BufferedReader | None]:
    """Open a regular file for reading; yield None if it is missing or of another kind.

    Links are not followed, and a FIFO does not block. Raises OSError.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags, dir_fd=folder)
    except OSError as error:
        if error.errno not in _NOT_A_FILE:
            raise
        yield None
        return
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        yield None
        return
    with os.fdopen(descriptor, "rb") as file:
        yield file
