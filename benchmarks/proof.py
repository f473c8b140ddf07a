"""Prove that a program did its work: every picture is there, and whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from benchmarks.pictures import Kind, Picture


class NotDoneError(Exception):
    """A program did not do what its figures would claim."""


def stored(store: Path) -> list[Path]:
    """Return the pictures in a store; what a program keeps beside them is left aside."""
    return [path for path in _jpegs(store) if path.relative_to(store).parts[0] != "thumbs"]


def assert_same_bytes(store: Path, pictures: Sequence[Picture]) -> None:
    """Assert that the store has exactly the *pictures*, byte for byte."""
    found = [_sha256(path) for path in stored(store)]
    _assert_count(len(found), len(pictures), "files")
    if set(found) != {picture.sha256 for picture in pictures}:
        same = len(set(found) & {picture.sha256 for picture in pictures})
        raise NotDoneError(f"only {same} of {len(pictures)} files are what was served")


def assert_pictures(store: Path, kind: Kind, count: int) -> None:
    """Assert that the store has *count* whole pictures of a kind, where bytes are not kept."""
    found = stored(store)
    _assert_count(len(found), count, "files")
    for path in found:
        try:
            with Image.open(path) as picture:
                size = picture.size
                picture.draft("RGB", (kind.width // 8, kind.height // 8))
                picture.load()
        except OSError as error:
            raise NotDoneError(f"{path.name} is not a whole picture: {error}") from error
        if size != (kind.width, kind.height):
            raise NotDoneError(f"{path.name} is {size[0]}x{size[1]}")


def assert_thumbnails(store: Path, names: Sequence[str], count: int) -> None:
    """Assert that each picture has its thumbnail of every name."""
    for name in names:
        _assert_count(len(list(_jpegs(store / "thumbs" / name))), count, f"thumbnails {name!r}")


def _assert_count(found: int, wanted: int, what: str) -> None:
    if found != wanted:
        raise NotDoneError(f"{found} {what} instead of {wanted}")


def _jpegs(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*.jpg") if path.is_file())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
