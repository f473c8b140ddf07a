"""Read an SQLite catalogue on a file system that is mounted read-only, such as a snapshot."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from wallpapers.errors import CatalogueError

if TYPE_CHECKING:
    from sqlalchemy import URL


def is_on_read_only_file_system(url: URL) -> bool:
    """Return whether the catalogue is a file on a file system that is mounted read-only."""
    return url.get_backend_name() == "sqlite" and is_mounted_read_only(str(url.database))


def is_mounted_read_only(path: Path | str) -> bool:
    """Return whether the file system of *path* is mounted read-only."""
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def connect(path: str) -> sqlite3.Connection:
    """Connect to the catalogue *path*. Raises CatalogueError.

    SQLite needs the file ``-shm``, which it cannot create there. A program that writes through
    another mount has created it. Without such a program, SQLite may read the catalogue without
    locks.
    """
    wal, shared = Path(f"{path}-wal"), Path(f"{path}-shm")
    has_rows = wal.exists() and wal.stat().st_size > 0
    if has_rows and not shared.exists():
        raise CatalogueError(
            f"its latest rows are in {wal}, which SQLite cannot read on a read-only file system; "
            "copy both files to a folder that is writable, and name the copy with "
            "-s WALLPAPERS_CATALOGUE=sqlite:///<path>"
        )
    mode = "mode=ro" if has_rows else "mode=ro&immutable=1"
    address = f"file:{quote(str(Path(path).absolute()))}?{mode}"
    return sqlite3.connect(address, uri=True, check_same_thread=False)
