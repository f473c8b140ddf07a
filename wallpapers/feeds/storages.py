"""Store feeds so that the previous feed is kept until the new one is complete."""

from __future__ import annotations

import errno
import fcntl
import io
import logging
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self, cast

from scrapy.extensions.feedexport import StdoutFeedStorage
from scrapy.utils.misc import build_from_crawler
from w3lib.url import file_uri_to_path

from wallpapers.errors import UserError, message_of
from wallpapers.feeds.compression import Ends, can_be_appended_to, read_ends
from wallpapers.feeds.files import FeedFile, without_bom
from wallpapers.storage.files import publish

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.extensions.feedexport import FeedStorageProtocol

    from wallpapers.run.state import RunState

logger = logging.getLogger(__name__)

# Formats that can be appended to: sequences of lines or records. Two JSON arrays or XML roots in
# one file are invalid.
_LINES = ("jsonlines", "jsonl", "jl", "csv")
_RECORDS = ("pickle", "marshal")


class CheckedStorage:
    """A wrapper that stores a feed only if it was written without errors by a successful run.

    ``wrapped`` is the storage itself, ``file`` the FeedFile once it is open.
    """

    def __init__(
        self, wrapped: FeedStorageProtocol, uri: str, state: RunState, options: Mapping[str, Any]
    ) -> None:
        self.wrapped = wrapped
        self.file: FeedFile | None = None
        self.stored = False
        self._uri = uri
        self._state = state
        self._options = options

    @classmethod
    def around(cls, storage_class: type[FeedStorageProtocol], state: RunState) -> Any:
        """Return a class that wraps *storage_class*."""

        class Checked(cls):  # type: ignore[misc,valid-type]
            @classmethod
            def from_crawler(cls, crawler: Crawler, uri: str, **options: Any) -> Self:
                storage = build_from_crawler(storage_class, crawler, uri, **options)
                return cls(storage, uri, state, options.get("feed_options") or {})

        return Checked

    @property
    def is_local(self) -> bool:
        """Whether the feed is a file that is renamed into place."""
        return isinstance(self.wrapped, WholeFileFeedStorage)

    def open(self, spider: Spider) -> IO[bytes]:
        """Open the file of the feed; an error stops the run."""
        try:
            file = self.wrapped.open(spider)
            self.file = FeedFile(file, self._uri, self._state, self._options)
            self._prepare_append(file)
        except (OSError, UserError) as error:
            if self.file is None:
                self.file = FeedFile(io.BytesIO(), self._uri, self._state, self._options)
            self.file.fail(message_of(error))
        return cast("IO[bytes]", self.file)

    def sync(self, *, close: bool) -> None:
        """Sync the file of a finished feed, and *close* it until the feed is stored."""
        if not isinstance(self.wrapped, WholeFileFeedStorage) or self.file is None:
            return
        try:
            self.wrapped.sync(self.file.file)
            if close:
                self.file.file.close()
        except OSError as error:
            self.file.fail(message_of(error))

    def store(self) -> Any:
        """Store a complete feed; close the file of an incomplete one."""
        assert self.file is not None
        if self._state.feeds_are_complete and self.file.error is None:
            self.stored = True
            return self.wrapped.store(self.file.file)
        if not isinstance(self.wrapped, StdoutFeedStorage):
            self.file.discard()
        return None

    def _prepare_append(self, file: IO[bytes]) -> None:
        assert self.file is not None
        if isinstance(self.wrapped, WholeFileFeedStorage):
            if self.wrapped.appends:
                self.file.append_to(self.wrapped.ends, self._line_end())
        elif not isinstance(self.wrapped, StdoutFeedStorage) and file.tell():
            self.file.append_to(None, b"")

    def _line_end(self) -> bytes:
        if self._options.get("format") not in _LINES:
            return b""
        return without_bom("\n", self._options.get("encoding") or "utf-8")


class WholeFileFeedStorage:
    """A feed in a file: written as NAME.partial.EXT, renamed to NAME.EXT when it is stored.

    A feed that is not stored stays in the partial file, and NAME.EXT is unchanged. A path that is
    not a regular file (a pipe, /dev/stdout) is written directly. Without ``overwrite``, new items
    are appended to an existing feed of lines (JSON Lines, CSV) or records (pickle, marshal); any
    other existing file raises UserError before the first request.

    ``appends`` states whether a feed is appended to; ``ends`` is set when it is open.
    """

    def __init__(self, uri: str, *, feed_options: dict[str, Any] | None = None) -> None:
        self._options = feed_options or {}
        path = file_uri_to_path(uri) if uri.startswith("file:") else uri
        self._path = path
        self._target = Path(os.path.realpath(path))
        self.is_open = False  # True = this run has locked the partial file
        self.appends = self._must_append()
        self.ends: Ends | None = None
        self._in_place = self._target.exists() and not self._target.is_file()

    @property
    def partial(self) -> Path:
        """The file that contains the feed until it is complete."""
        return self._target.with_name(f"{self._target.stem}.partial{self._target.suffix}")

    def open(self, spider: Spider) -> IO[bytes]:
        """Open the partial file; an existing feed is copied into it first.

        Raises OSError, and UserError if another run has just stored a feed that cannot be appended
        to.
        """
        if self._in_place:
            return self._target.open("wb", buffering=0)
        self._target.parent.mkdir(parents=True, exist_ok=True)
        file = _locked(self.partial)
        self.is_open = True
        try:
            self.appends = self._must_append()  # another run may have stored its feed meanwhile
            if self.appends:
                self._copy_into(file)
        except (OSError, UserError):
            file.close()
            raise
        return file

    def sync(self, file: IO[bytes]) -> None:
        """Write the partial file to the disk. Raises OSError."""
        if not self._in_place and not file.closed:
            os.fsync(file.fileno())

    def store(self, file: IO[bytes]) -> None:
        """Sync the partial file and rename it. Raises OSError."""
        if self._in_place:
            file.close()
            return
        with self.partial.open("ab") if file.closed else file as whole:
            publish(whole, self.partial, self._target)

    def _must_append(self) -> bool:
        """Return whether there is a feed to append to. Raises UserError if this is impossible."""
        if self._options.get("overwrite", False) or not self._target.is_file():
            return False
        path, feed_format = self._path, self._options.get("format", "")
        if feed_format not in (*_LINES, *_RECORDS):
            raise UserError(
                f"cannot append to the {feed_format} feed {path}; "
                f"overwrite it with -O {path}, or append to a .jsonl file with -o"
            )
        if not can_be_appended_to(self._options):
            raise UserError(
                f"cannot append to {path} with this lzma_format; "
                f"overwrite it with -O {path}, or use lzma.FORMAT_XZ"
            )
        return True

    def _copy_into(self, file: IO[bytes]) -> None:
        self.ends = read_ends(self._target, self._options)
        with self._target.open("rb") as existing:
            shutil.copyfileobj(existing, file)


def _locked(path: Path) -> IO[bytes]:
    """Open, lock and truncate *path*. Raises OSError if another run has locked it."""
    _remove_link(path)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    file = os.fdopen(os.open(path, flags, 0o666), "ab", buffering=0)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file.fileno()).st_ino != path.stat().st_ino:
            raise BlockingIOError  # another run has just renamed it
        file.truncate(0)
        file.seek(0)  # append mode starts at the old end
    except (BlockingIOError, FileNotFoundError):
        file.close()
        raise OSError(errno.EBUSY, "in use by another run", str(path)) from None
    return file


def _remove_link(path: Path) -> None:
    """Remove a link or special file: writing to it would change another file, or block."""
    with suppress(FileNotFoundError):
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            path.unlink()
