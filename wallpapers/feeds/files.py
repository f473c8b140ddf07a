"""Provide the file that an exporter writes to, with commit and rollback for each item."""

from __future__ import annotations

import codecs
import io
import logging
from collections import deque
from typing import IO, TYPE_CHECKING, Any

from wallpapers.errors import message_of
from wallpapers.feeds.compression import Ends, Mark, stream_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import ReadableBuffer

    from wallpapers.run.state import RunState

logger = logging.getLogger(__name__)

# Items that may be removed on a full disk, to make room for the end of the feed.
_MAX_MARKS = 64


class FeedFile(io.BufferedIOBase):
    """A feed file that contains complete items only, and can be ended after any error.

    The output of an exporter is buffered until ``commit`` writes it to the disk, or ``drop``
    discards it. The first error stops the run; after it, only the end of the feed is written.
    No method raises OSError, because Scrapy would log a traceback for each item.
    """

    def __init__(
        self, file: IO[bytes], name: str, state: RunState, options: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self.file = file
        self.items = 0
        self.error: str | None = None
        self.head = b""  # first bytes of the feed that is appended to
        self._name = name
        self._state = state
        self._options = options
        self._stream = stream_to(file, options)
        self._uncommitted = bytearray()
        self._position = 0
        self._write_failed = False
        self._ended = False
        mark = self._stream.mark()
        self._marks = deque([mark] if mark else [], maxlen=_MAX_MARKS)

    def append_to(self, ends: Ends | None, line_end: bytes) -> None:
        """Append to a feed with these *ends*; add *line_end* if its last line lacks it."""
        if ends is None:
            self._position = 1
        elif ends.tail:
            self._position = len(ends.head)
            self.head = ends.head
            if not ends.tail.endswith(line_end):
                self._uncommitted += line_end

    def write(self, data: ReadableBuffer) -> int:
        view = memoryview(data)
        self._uncommitted += view
        self._position += view.nbytes
        return view.nbytes

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True  # so that TextIOWrapper checks the position and writes no second BOM

    def tell(self) -> int:
        """Return the position in the uncompressed content; 0 = start of a new feed."""
        return self._position

    def flush(self) -> None:
        """Do nothing: an exporter may flush in the middle of an item."""

    @property
    def takes_items(self) -> bool:
        """Whether nothing has failed and the feed has not ended."""
        return self.error is None and not self._ended

    def commit(self, *, end_member: bool = False) -> None:
        """Write the buffered items to the disk."""
        data = self._take_uncommitted()
        if not data or not self.takes_items:
            return
        try:
            self._stream.write(data)
            mark = self._stream.mark(end_member=end_member)
        except OSError as error:
            self._write_error(error)
        else:
            if mark:
                self._marks.append(mark)

    def drop(self) -> None:
        """Discard the buffered output."""
        self._take_uncommitted()

    def end(self) -> None:
        """Write the buffered output as the end of the feed, once; the file stays open."""
        data = self._take_uncommitted()
        if self._ended or self.file.closed:
            return
        self._ended = True
        if not self._write_failed:
            try:
                self._end_with(data)
            except OSError as error:
                self._write_error(error)
        if self._write_failed:
            self._truncate_and_end(data)
        self._stream.abandon()

    def fail(self, message: str) -> None:
        """Record the first error, and stop the run."""
        if self.error is None:
            self.error = message
            self._state.store_failed(f"Feed failed: {self._name}: {message}")

    def discard(self) -> None:
        """Close an incomplete file, ignoring errors."""
        self._stream.abandon()
        try:
            self.file.close()
        except OSError as error:
            logger.debug("closing %s: %s", self._name, error)

    def _take_uncommitted(self) -> bytes:
        data = bytes(self._uncommitted)
        self._uncommitted.clear()
        return data

    def _write_error(self, error: OSError) -> None:
        self._write_failed = True
        self._stream.abandon()
        self.fail(message_of(error))

    def _end_with(self, data: bytes) -> None:
        if data:
            self._stream.write(data)
        self._stream.close()

    def _truncate_and_end(self, data: bytes) -> None:
        """Truncate the feed after one of its last items, so that its end fits on the disk."""
        while self._marks:
            try:
                self._truncate(self._marks.pop(), data)
            except OSError as error:  # a pipe, or a disk that failed
                logger.debug("truncating %s: %s", self._name, error)
            else:
                return

    def _truncate(self, mark: Mark, data: bytes) -> None:
        self._stream.abandon()
        self.file.truncate(mark.offset)
        self.file.seek(mark.offset)
        closing = memoryview(mark.closing)
        while closing:
            closing = closing[self.file.write(closing) :]
        self._stream = stream_to(self.file, self._options)
        if data or not self.file.tell():
            self._end_with(data)


def without_bom(text: str, encoding: str) -> bytes:
    """Encode *text* without the byte order mark that starts a file."""
    encoder = codecs.getincrementalencoder(encoding)()
    encoder.setstate(0)
    return encoder.encode(text)
