"""Define the exceptions of this project, by cause and exit status.

WallpapersError
├── UserError (ValueError)      the run cannot start: exit status 1, one line
│   ├── ArgumentError           a spider argument (-a)
│   ├── SettingError            a setting (-s)
│   └── MissingLibraryError     a required optional library is not installed
├── ListingError                the response is not a page of the listing: status 4
│   ├── ListingCutError         ... because it is incomplete; a retry may help
│   └── ListingRefusedError     ... because the source refuses robots
├── PictureRefusedError         a candidate failed or is filtered, with its reason
│   └── SmallerThanListedError  ... unless no other candidate is better
├── InspectionStoppedError      the run ended before an image was inspected
└── StoreError                  the store failed: status 5
    └── CatalogueError          ... or the catalogue
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class WallpapersError(Exception):
    """The root of all errors of this project."""


class UserError(WallpapersError, ValueError):
    """The run cannot start; the message states the problem, the value and the remedy."""


class ArgumentError(UserError):
    """A spider argument is unknown or has an invalid value."""


class SettingError(UserError):
    """A setting has an invalid value."""


class MissingLibraryError(UserError):
    """A library is not installed; the message contains the pip command."""


class ListingError(WallpapersError):
    """A response of the source is not a page of its listing; the message describes it."""


class ListingCutError(ListingError):
    """The response looks like an incomplete page; a retry may help."""


class ListingRefusedError(ListingError):
    """The source refuses the request.

    ``how`` is the form of the refusal: ``antiFlag``, ``captcha`` or ``redirect``.
    """

    def __init__(self, message: str, how: str = "refusal") -> None:
        super().__init__(message)
        self.how = how


class PictureRefusedError(WallpapersError):
    """A candidate yielded no acceptable image.

    ``reason`` is one of the list in docs/stats.md; the message contains it with details.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason} ({detail})" if detail else reason)
        self.reason = reason
        self._detail = detail

    def __reduce__(self) -> tuple[type[PictureRefusedError], tuple[str, str]]:
        """Support pickling, to send the error from an inspector to the crawl."""
        return type(self), (self.reason, self._detail)


class SmallerThanListedError(PictureRefusedError):
    """An image has less than a quarter of the listed pixels; ``pixels`` is its actual number."""

    def __init__(self, width: int, height: int, claimed_pixels: int) -> None:
        super().__init__("placeholder", f"{width}x{height}, listed with {claimed_pixels:,} pixels")
        self.pixels = width * height


class InspectionStoppedError(WallpapersError):
    """The run ended before an image was inspected; the next run downloads it again."""


class StoreError(WallpapersError):
    """The store failed: disk full, read-only, unavailable, or access denied."""


class CatalogueError(StoreError):
    """The catalogue cannot be read or written; the message states cause and remedy."""


def message_of(error: Exception) -> str:
    """Return the message of *error*, without the errno of an OSError."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    return f"{error.strerror}: {error.filename}" if error.filename else error.strerror


@contextmanager
def store_errors(path: Path | str) -> Iterator[None]:
    """Turn an OSError of the block into a StoreError with *path* and the system's message."""
    try:
        yield
    except UnicodeEncodeError as error:
        encoding = sys.getfilesystemencoding()
        raise StoreError(
            f"{path}: the encoding of file names, {encoding}, lacks some of these characters; "
            "set LC_ALL=C.UTF-8 or PYTHONUTF8=1"
        ) from error
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from error
