"""Feeds that take their name only when the run deserves it, and that never lose an error."""

from __future__ import annotations

import errno
import fcntl
import io
import json
import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self, cast

from scrapy.exporters import CsvItemExporter
from scrapy.extensions.feedexport import StdoutFeedStorage
from w3lib.url import file_uri_to_path

from wallpapers.errors import UserError
from wallpapers.outcome import Outcome
from wallpapers.storage.files import publish

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer
    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.item import Field

logger = logging.getLogger(__name__)

# Formats of which one may be added to another; two JSON arrays or XML roots make none.
_APPENDABLE = ("jsonlines", "jsonl", "jl", "csv")


class FeedFile(io.BufferedIOBase):
    """A file that a feed is written to: its first OSError stops the run, and none is raised.

    Scrapy only logs what goes wrong inside an exporter, with a traceback for each item. What is
    written goes to the disk with ``flush``, an item at a time; an item that does not fit leaves no
    half of it behind.
    """

    def __init__(self, file: IO[bytes], name: str, outcome: Outcome) -> None:
        super().__init__()
        self.file = file
        self._name = name
        self._outcome = outcome
        self._waiting = bytearray()
        self._whole = self.tell()  # up to here the file holds whole items
        self.error: OSError | None = None

    def write(self, data: ReadableBuffer) -> int:
        view = memoryview(data)
        self._waiting += view
        return view.nbytes

    def flush(self) -> None:
        waiting, self._waiting = self._waiting, bytearray()
        if not waiting or self.error is not None or self.file.closed:
            return
        try:
            self._write(waiting)
        except OSError as error:
            self.failed(error)
            self._cut_to_whole()
        else:
            self._whole = self.tell()

    def end(self) -> None:
        """Write what ends the feed, even where it failed before: a partial feed is parseable."""
        waiting, self._waiting = self._waiting, bytearray()
        try:
            self._write(waiting)
        except (OSError, ValueError) as error:  # ValueError: the file is closed
            if isinstance(error, OSError):
                self.failed(error)

    def _write(self, data: bytearray) -> None:
        view = memoryview(data)
        while view:
            view = view[self.file.write(view) :]
        self.file.flush()

    def _cut_to_whole(self) -> None:
        try:
            self.file.truncate(self._whole)
        except OSError as error:  # a pipe, or a disk that is gone
            logger.debug("cutting %s: %s", self._name, error)

    def failed(self, error: OSError) -> None:
        """Remember the first error, and stop the run for it."""
        if self.error is None:
            self.error = error
            said = error.strerror or str(error)
            where = f": {error.filename}" if error.filename else ""
            self._outcome.store_failed(f"The feed {self._name} failed: {said}{where}")

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        try:
            return self.file.tell()
        except OSError:  # a pipe
            return 0

    def discard(self) -> None:
        """Close the file, however that goes: what it holds is not wanted."""
        try:
            self.file.close()
        except OSError as error:
            logger.debug("closing %s: %s", self._name, error)


class WholeFileFeedStorage:
    """A feed in a file: written as NAME.partial.EXT, renamed to NAME.EXT when the run is complete.

    A run that ends with another status than 0 or 3 leaves the partial file as it is, whole and
    parseable, and NAME.EXT untouched. What is no regular file (a pipe, /dev/stdout) is written as
    it comes. Without ``overwrite``, new items are added to a JSON Lines or CSV file; any other
    existing file raises UserError before the first request.
    """

    def __init__(
        self, uri: str, outcome: Outcome, *, feed_options: dict[str, Any] | None = None
    ) -> None:
        options = feed_options or {}
        path = file_uri_to_path(uri) if uri.startswith("file:") else uri
        self._target = Path(os.path.realpath(path))
        self._outcome = outcome
        self._adds = not options.get("overwrite", False)
        self.is_open = False  # and so the partial file is ours
        self._in_place = self._target.exists() and not self._target.is_file()
        feed_format = options.get("format", "")
        if self._adds and self._target.is_file() and feed_format not in _APPENDABLE:
            raise UserError(
                f"{path} exists, and nothing can be added to a {feed_format} feed: "
                f"overwrite it with -O {path}, or add to a .jsonl file with -o"
            )

    @classmethod
    def from_crawler(
        cls, crawler: Crawler, uri: str, *, feed_options: dict[str, Any] | None = None
    ) -> Self:
        return cls(uri, Outcome.of(crawler), feed_options=feed_options)

    @property
    def partial(self) -> Path:
        """Where the feed is written until it is complete."""
        return self._target.with_name(f"{self._target.stem}.partial{self._target.suffix}")

    def open(self, spider: Spider) -> IO[bytes]:
        """Open the partial file; what is to be added to is copied into it first."""
        file: IO[bytes]
        error: OSError | None = None
        try:
            if self._in_place:
                file = self._target.open("wb", buffering=0)
            else:
                self._target.parent.mkdir(parents=True, exist_ok=True)
                file = _locked(self.partial)
                if self._adds and self._target.is_file():
                    self._copy_into(file)
        except OSError as caught:
            file, error = io.BytesIO(), caught
        self.is_open = error is None
        feed = FeedFile(file, str(self._target), self._outcome)
        if error:
            feed.failed(error)
        return cast("IO[bytes]", feed)

    def store(self, file: IO[bytes]) -> None:
        """Give the feed its name, if the run deserves it."""
        assert isinstance(file, FeedFile)
        file.end()
        if file.error or not self._outcome.feeds_are_complete:
            file.discard()
            return
        try:
            with file.file:
                if not self._in_place:
                    publish(file.file, self.partial, self._target)
        except OSError as error:
            file.failed(error)

    def _copy_into(self, file: IO[bytes]) -> None:
        with self._target.open("rb") as existing:
            shutil.copyfileobj(existing, file)
            if existing.tell():
                existing.seek(-1, os.SEEK_END)
                if existing.read() != b"\n":
                    file.write(b"\n")


def _locked(path: Path) -> IO[bytes]:
    """Open *path* to be written from its beginning, by one run at a time. Raises OSError."""
    file = path.open("ab", buffering=0)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file.fileno()).st_ino != path.stat().st_ino:
            raise BlockingIOError  # another run has just given it its name
        file.truncate(0)
    except (BlockingIOError, FileNotFoundError):
        file.close()
        raise OSError(errno.EBUSY, "another run is writing it", str(path)) from None
    return file


class WatchedStdoutFeedStorage(StdoutFeedStorage):
    """Scrapy's feed to stdout; a reader that goes away (``| head``) stops the run."""

    def __init__(self, uri: str, outcome: Outcome, *, feed_options: Any = None) -> None:
        super().__init__(uri, feed_options=feed_options)
        self._outcome = outcome

    @classmethod
    def from_crawler(cls, crawler: Crawler, uri: str, *, feed_options: Any = None) -> Self:
        return cls(uri, Outcome.of(crawler), feed_options=feed_options)

    def open(self, spider: Spider) -> IO[bytes]:
        feed = FeedFile(super().open(spider), "on stdout", self._outcome)
        return cast("IO[bytes]", feed)

    def store(self, file: IO[bytes]) -> None:
        assert isinstance(file, FeedFile)
        file.end()


class JsonCellsCsvItemExporter(CsvItemExporter):
    """CSV whose lists and results are JSON in their cell, and that adds no second header."""

    def __init__(self, file: Any, include_headers_line: bool = True, **options: Any) -> None:
        begun = bool(file.tell())
        super().__init__(file, include_headers_line=include_headers_line and not begun, **options)

    def serialize_field(self, field: Mapping[str, Any] | Field, name: str, value: Any) -> Any:
        if isinstance(value, (list, tuple, dict)):
            return json.dumps(value, ensure_ascii=False)
        return super().serialize_field(field, name, value)
