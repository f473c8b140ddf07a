"""Everything this project raises on purpose, so that a caller can tell whose fault it was.

WallpapersError
├── UserError (ValueError)      the run cannot start: exit status 1, one line
│   ├── ArgumentError           a spider argument (-a)
│   ├── SettingError            a setting (-s)
│   └── MissingLibraryError     an optional library that what was asked for needs
├── ListingError                the answer is not a page of the listing: status 4
│   ├── ListingCutError         ... but may be when it is asked for again
│   └── ListingRefusedError     ... because the source does not want us
├── PictureRefusedError         one candidate could not be had, with its reason
│   └── SmallerThanListedError  ... yet, because it has far fewer pixels than listed
├── InspectionStoppedError      the run ends before a picture was inspected
└── StoreError                  the place where wallpapers rest failed: status 5
    └── CatalogueError          ... or what we know of them
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class WallpapersError(Exception):
    """The root of all errors of this project."""


class UserError(WallpapersError, ValueError):
    """The run cannot start as it was asked for; the message names what, the value, the remedy."""


class ArgumentError(UserError):
    """A spider argument is unknown or has a value that is not allowed."""


class SettingError(UserError):
    """A setting has a value that is not allowed."""


class MissingLibraryError(UserError):
    """A library is not installed; the message has the pip command."""


class ListingError(WallpapersError):
    """An answer of the source is not a page of its listing; the message says what it is."""


class ListingCutError(ListingError):
    """The answer looks like a page that did not come whole: asking again may help."""


class ListingRefusedError(ListingError):
    """The source answered, and its answer is that it does not serve us.

    ``how`` is a word for it: ``antiFlag``, ``captcha`` or ``redirect``.
    """

    def __init__(self, message: str, how: str = "refusal") -> None:
        super().__init__(message)
        self.how = how


class PictureRefusedError(WallpapersError):
    """One candidate gave no picture to keep.

    ``reason`` is one of the closed list in docs/stats.md; the message says it with its figures.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason} ({detail})" if detail else reason)
        self.reason = reason
        self._detail = detail

    def __reduce__(self) -> tuple[type[PictureRefusedError], tuple[str, str]]:
        """Have it go from one process to another."""
        return type(self), (self.reason, self._detail)


class SmallerThanListedError(PictureRefusedError):
    """A picture has less than a quarter of the pixels that its listing claims.

    ``pixels`` is what it has.
    """

    def __init__(self, width: int, height: int, claimed_pixels: int) -> None:
        super().__init__("placeholder", f"{width}x{height}, listed with {claimed_pixels:,} pixels")
        self.pixels = width * height


class InspectionStoppedError(WallpapersError):
    """The run ends before a picture was inspected; the next run fetches it again."""


class StoreError(WallpapersError):
    """The store did not take a file: disk full, read-only, gone, refused."""


class CatalogueError(StoreError):
    """The catalogue cannot be read or written; the message says what it is and what to do."""


def in_words(error: Exception) -> str:
    """Return what *error* says, without the number that the system has for it."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    return f"{error.strerror}: {error.filename}" if error.filename else error.strerror


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn an OSError of the block into a StoreError with *path* and the system's message."""
    try:
        yield
    except UnicodeEncodeError as error:
        encoding = sys.getfilesystemencoding()
        raise StoreError(
            f"{path}: file names are {encoding} here, which lacks some of these characters; "
            "set LC_ALL=C.UTF-8 or PYTHONUTF8=1"
        ) from error
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from error
