"""Feed storages that keep the previous feed until a new one is complete."""

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
from scrapy.extensions.postprocessing import PostProcessingManager
from scrapy.utils.misc import build_from_crawler
from w3lib.url import file_uri_to_path

from wallpapers.errors import UserError, in_words
from wallpapers.storage.files import publish

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer
    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.extensions.feedexport import FeedStorageProtocol
    from scrapy.item import Field

    from wallpapers.run.state import RunState

logger = logging.getLogger(__name__)

# Formats of which one may be added to another; two JSON arrays or XML roots make none.
_APPENDABLE = ("jsonlines", "jsonl", "jl", "csv")


class FeedFile(io.BufferedIOBase):
    """A file that a feed is written to: its first OSError stops the run, and no other is raised.

    Scrapy only logs what goes wrong inside an exporter, with a traceback for each item. What is
    written goes to the disk with ``flush``, an item at a time; an item that does not fit leaves no
    half of it behind.
    """

    def __init__(self, file: IO[bytes], name: str, state: RunState) -> None:
        super().__init__()
        self.file = file
        self._name = name
        self._state = state
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
            self._state.store_failed(f"The feed {self._name} failed: {in_words(error)}")

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


class CheckedStorage:
    """A feed storage of any kind, which stores only what a run that succeeded wrote without error.

    ``wrapped`` is the storage itself. Its file is a FeedFile.
    """

    def __init__(self, wrapped: FeedStorageProtocol, uri: str, state: RunState) -> None:
        self.wrapped = wrapped
        self._uri = uri
        self._state = state
        self._file: FeedFile | None = None

    @classmethod
    def around(cls, storage_class: type[FeedStorageProtocol], state: RunState) -> Any:
        """Return a class of checked storages in the place of *storage_class*."""

        class Checked(cls):  # type: ignore[misc,valid-type]
            @classmethod
            def from_crawler(cls, crawler: Crawler, uri: str, **options: Any) -> Self:
                storage = build_from_crawler(storage_class, crawler, uri, **options)
                return cls(storage, uri, state)

        return Checked

    def open(self, spider: Spider) -> IO[bytes]:
        """Open the file that the feed is written to. Raises OSError."""
        self._file = FeedFile(self.wrapped.open(spider), self._uri, self._state)
        return cast("IO[bytes]", self._file)

    def flush(self) -> None:
        """Write out what the exporter has written so far."""
        if self._file is not None:
            self._file.flush()

    def finish(self, file: object) -> IO[bytes]:
        """Write what ends the feed; *file* is ours, or Scrapy's compressor on top of it."""
        assert self._file is not None
        if isinstance(file, PostProcessingManager):
            file.close()
        self._file.end()
        return cast("IO[bytes]", self._file)

    def store(self, file: IO[bytes]) -> Any:
        """Store the finished feed, or close its file where it is not complete."""
        assert isinstance(file, FeedFile)
        if self._state.feeds_are_complete and file.error is None:
            return self.wrapped.store(file.file)
        if not isinstance(self.wrapped, StdoutFeedStorage):
            file.discard()
        return None


class WholeFileFeedStorage:
    """A feed in a file: written as NAME.partial.EXT, renamed to NAME.EXT when it is stored.

    A feed that is not stored stays in the partial file, and NAME.EXT is not touched. What is no
    regular file (a pipe, /dev/stdout) is written directly. Without ``overwrite``, new items are
    added to a JSON Lines or CSV file; any other existing file raises UserError before the first
    request.
    """

    def __init__(self, uri: str, *, feed_options: dict[str, Any] | None = None) -> None:
        options = feed_options or {}
        path = file_uri_to_path(uri) if uri.startswith("file:") else uri
        self._target = Path(os.path.realpath(path))
        self._adds = not options.get("overwrite", False)
        self.is_open = False  # and so the partial file is ours
        self._in_place = self._target.exists() and not self._target.is_file()
        feed_format = options.get("format", "")
        if self._adds and self._target.is_file() and feed_format not in _APPENDABLE:
            raise UserError(
                f"{path} exists, and nothing can be added to a {feed_format} feed: "
                f"overwrite it with -O {path}, or add to a .jsonl file with -o"
            )

    @property
    def partial(self) -> Path:
        """Where the feed is written until it is complete."""
        return self._target.with_name(f"{self._target.stem}.partial{self._target.suffix}")

    def open(self, spider: Spider) -> IO[bytes]:
        """Open the partial file; an existing feed is copied into it first. Raises OSError."""
        if self._in_place:
            return self._target.open("wb", buffering=0)
        self._target.parent.mkdir(parents=True, exist_ok=True)
        file = _locked(self.partial)
        self.is_open = True
        if self._adds and self._target.is_file():
            self._copy_into(file)
        return file

    def store(self, file: IO[bytes]) -> None:
        """Sync the partial file and rename it. Raises OSError."""
        with file:
            if not self._in_place:
                publish(file, self.partial, self._target)

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


class JsonCellsCsvItemExporter(CsvItemExporter):
    """CSV whose lists and results are JSON in their cell, and that adds no second header."""

    def __init__(self, file: Any, include_headers_line: bool = True, **options: Any) -> None:
        begun = bool(file.tell())
        super().__init__(file, include_headers_line=include_headers_line and not begun, **options)

    def serialize_field(self, field: Mapping[str, Any] | Field, name: str, value: Any) -> Any:
        if isinstance(value, (list, tuple, dict)):
            return json.dumps(value, ensure_ascii=False)
        return super().serialize_field(field, name, value)
