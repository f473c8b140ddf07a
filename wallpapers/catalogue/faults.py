"""Explain in one line why a catalogue cannot be used, and what to do about it."""

# ruff: noqa: PTH110, PTH113, PTH114 - the methods of Path raise PermissionError
from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import URL

from wallpapers.catalogue.read_only import is_mounted_read_only

_ELSEWHERE = "choose another path with -s WALLPAPERS_CATALOGUE=sqlite:///<path>"
_LOCKED = (
    "another program holds it, or it is on a network drive, where SQLite does not work: "
    f"end that program, or {_ELSEWHERE}"
)
DAMAGE = ("malformed", "not a database", "corrupt", "could not decode")
_OTHER_TABLES = ("no such table", "no such column", "has no column", "constraint failed")

# Prefixes of PostgreSQL's error codes; the longest match counts.
_POSTGRESQL = {
    "08": "check that the server runs",
    "25006": "the user or the server may only read: use one that may write",
    "28": "correct the user or the password in WALLPAPERS_CATALOGUE",
    "3D000": "create the database with createdb, or correct WALLPAPERS_CATALOGUE",
    "42501": (
        "the user needs GRANT USAGE, CREATE ON SCHEMA and GRANT SELECT, INSERT, UPDATE, DELETE "
        "ON ALL TABLES IN SCHEMA"
    ),
    "42P01": "its tables were changed by hand: restore a backup, or name an empty database",
    "42703": "its tables were changed by hand: restore a backup, or name an empty database",
    "3F000": "the user needs a schema: GRANT USAGE, CREATE ON SCHEMA, or set its search_path",
    "53": "the server has no disk space or no connection left: free some, and run again",
    "57P": "the server was shut down: start it, and run again",
}
# Words in the messages of the server or its client library if there is no code.
_POSTGRESQL_MESSAGES = {
    "does not exist": "create it with createdb or createuser, or correct WALLPAPERS_CATALOGUE",
    "password": "correct the user or the password in WALLPAPERS_CATALOGUE",
    "authentication": "correct the user or the password in WALLPAPERS_CATALOGUE",
    "permission denied": "correct the user in WALLPAPERS_CATALOGUE, or its rights",
}


def remedy(url: URL, message: str, sqlstate: str = "") -> str:
    """Return the remedy for *message*, the first line of an error of the database."""
    if url.get_backend_name() == "sqlite":
        return _of_sqlite(Path(str(url.database)), message.lower())
    for length in (5, 3, 2):
        if found := _POSTGRESQL.get(sqlstate[:length]):
            return found
    for words, found in _POSTGRESQL_MESSAGES.items():
        if words in message:
            return found
    return "check that the server runs, and check WALLPAPERS_CATALOGUE"


def how_to_move_aside(path: Path) -> str:
    """Return the commands that move a catalogue aside, so that the next crawl creates a new one."""
    aside = shlex.quote(str(path.with_name("catalogue-aside")))
    files = " ".join(shlex.quote(f"{path}{end}") for end in ("", "-wal", "-shm"))
    return (
        "the images are not affected: move it aside and crawl again, which finds them: "
        f'mkdir -p {aside} && for f in {files}; do [ ! -e "$f" ] || mv "$f" {aside}; done'
    )


def _of_sqlite(path: Path, message: str) -> str:
    if "locked" in message or "locking" in message:
        return _LOCKED
    if any(word in message for word in DAMAGE):
        return how_to_move_aside(path)
    if any(word in message for word in _OTHER_TABLES):
        return f"its tables were changed by another program; {how_to_move_aside(path)}"
    if "full" in message:
        return "make room on the disk, and run again"
    return _of_files(path)


def _of_files(path: Path) -> str:
    """Return why SQLite cannot open, read or write the files at *path*, and the remedy."""
    folder = path.parent
    for is_well, problem, command in _checks(path):
        if not is_well:
            remedy = f"{_ELSEWHERE}, or run: {shlex.join(command)}" if command else _ELSEWHERE
            return f"{problem}; {remedy}"
    return f"check the disk of {folder}, or {_ELSEWHERE}"


def _checks(path: Path) -> Iterator[tuple[bool, str, list[str]]]:
    """Yield for each check whether it holds, the problem if not, and the command that helps."""
    folder = path.parent
    allow = ["chmod", "u+rwx", str(folder)]
    yield os.path.exists(folder), "its folder does not exist", ["mkdir", "-p", str(folder)]
    yield os.access(folder, os.R_OK | os.X_OK), "its folder is not readable", allow
    is_dangling = os.path.islink(path) and not os.path.exists(path)
    yield not is_dangling, "it is a symbolic link to nothing", ["rm", str(path)]
    for file in (f"{path}", f"{path}-wal", f"{path}-shm"):
        if os.path.lexists(file):
            yield os.path.isfile(file), f"{file} is not a file: remove it", []
            yield not is_mounted_read_only(file), f"{file} is on a read-only file system", []
            may = os.access(file, os.R_OK | os.W_OK)
            yield may, f"{file} is not readable and writable", ["chmod", "u+rw", file]
    yield not is_mounted_read_only(folder), "its folder is on a read-only file system", []
    yield os.access(folder, os.W_OK), "its folder is not writable", allow
