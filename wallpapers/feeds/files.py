"""The file that an exporter writes to."""

from __future__ import annotations

import codecs
import io
import logging
from collections import deque
from typing import IO, TYPE_CHECKING, Any

from wallpapers.errors import in_words
from wallpapers.feeds.compression import Ends, Mark, stream_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import ReadableBuffer

    from wallpapers.run.state import RunState

logger = logging.getLogger(__name__)

# How many items a full disk may cost to make room for what ends the feed.
_MARKS = 64


class FeedFile(io.BufferedIOBase):
    """A feed that is whole after each item, and can be ended whatever went wrong.

    What an exporter writes is collected until ``commit``, which writes it to the disk, or
    ``drop``. The first error stops the run; after it, only what ends the feed is written.
    No method raises OSError: Scrapy would log a traceback for each item.
    """

    def __init__(
        self, file: IO[bytes], name: str, state: RunState, options: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self.file = file
        self.items = 0
        self.error: str | None = None
        self.head = b""  # of the rows that are added to
        self._name = name
        self._state = state
        self._options = options
        self._stream = stream_to(file, options)
        self._waiting = bytearray()
        self._position = 0
        self._write_failed = False
        self._ended = False
        mark = self._stream.mark()
        self._marks = deque([mark] if mark else [], maxlen=_MARKS)

    def continue_after(self, ends: Ends | None, line_end: bytes) -> None:
        """Add to a feed with these *ends*; a last line without *line_end* gets it first."""
        if ends is None:
            self._position = 1
        elif ends.tail:
            self._position = len(ends.head)
            self.head = ends.head
            if not ends.tail.endswith(line_end):
                self._waiting += line_end

    def write(self, data: ReadableBuffer) -> int:
        view = memoryview(data)
        self._waiting += view
        self._position += view.nbytes
        return view.nbytes

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True  # so a TextIOWrapper asks for the position, and writes no second BOM

    def tell(self) -> int:
        """Return the position in the content, uncompressed; 0 is the beginning of a new feed."""
        return self._position

    def flush(self) -> None:
        """Do nothing: an exporter may flush in the middle of an item."""

    @property
    def takes_items(self) -> bool:
        """Whether nothing has failed and the feed has not ended."""
        return self.error is None and not self._ended

    def commit(self, *, end_member: bool = False) -> None:
        """Write what was collected, whole items, to the disk."""
        data = self._collected()
        if not data or not self.takes_items:
            return
        try:
            self._stream.write(data)
            mark = self._stream.mark(end_member=end_member)
        except OSError as error:
            self._failed_to_write(error)
        else:
            if mark:
                self._marks.append(mark)

    def drop(self) -> None:
        """Forget what was collected."""
        self._collected()

    def end(self) -> None:
        """Write what was collected as the end of the feed, once; its file stays open."""
        data = self._collected()
        if self._ended or self.file.closed:
            return
        self._ended = True
        if not self._write_failed:
            try:
                self._end_with(data)
            except OSError as error:
                self._failed_to_write(error)
        if self._write_failed:
            self._end_earlier(data)
        self._stream.abandon()

    def failed(self, message: str) -> None:
        """Note the first error, and stop the run for it."""
        if self.error is None:
            self.error = message
            self._state.store_failed(f"The feed {self._name} failed: {message}")

    def discard(self) -> None:
        """Close the file, however that goes: what it holds is not complete."""
        self._stream.abandon()
        try:
            self.file.close()
        except OSError as error:
            logger.debug("closing %s: %s", self._name, error)

    def _collected(self) -> bytes:
        data = bytes(self._waiting)
        self._waiting.clear()
        return data

    def _failed_to_write(self, error: OSError) -> None:
        self._write_failed = True
        self._stream.abandon()
        self.failed(in_words(error))

    def _end_with(self, data: bytes) -> None:
        if data:
            self._stream.write(data)
        self._stream.close()

    def _end_earlier(self, data: bytes) -> None:
        """Cut the feed behind its last item, or before, so that what ends it fits on the disk."""
        while self._marks:
            try:
                self._cut(self._marks.pop(), data)
            except OSError as error:  # a pipe, too, or a disk that is gone
                logger.debug("cutting %s: %s", self._name, error)
            else:
                return

    def _cut(self, mark: Mark, data: bytes) -> None:
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
    """Return *text* in *encoding* as it stands in the middle of a file."""
    encoder = codecs.getincrementalencoder(encoding)()
    encoder.setstate(0)
    return encoder.encode(text)
