"""Write a feed to its file, plain or through Scrapy's post-processing plugins.

A stream records the offsets at which the feed can be truncated and remains readable.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from scrapy.extensions.postprocessing import Bz2Plugin, GzipPlugin, LZMAPlugin
from scrapy.utils.misc import load_object

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PLUGINS = "wallpapers_postprocessing"  # the feed option that lists the plugins of a Stream

# A member of gzip is readable up to each flush. One of bz2 or xz is readable only as a whole, so a
# new member starts after this many bytes of the feed.
_MEMBER_BYTES = 1024 * 1024
_HEAD_BYTES = 64 * 1024
_TAIL_BYTES = 16

_READERS: dict[type, Callable[[IO[bytes]], Any]] = {
    GzipPlugin: gzip.open,
    Bz2Plugin: bz2.open,
    LZMAPlugin: lzma.open,
}


class Mark(NamedTuple):
    """An offset at which to truncate a feed; with *closing* appended, the rest is readable."""

    offset: int
    closing: bytes = b""


class Ends(NamedTuple):
    """The first and the last bytes of a feed, decompressed."""

    head: bytes = b""
    tail: bytes = b""


class Stream(Protocol):
    """Write a feed to its file. Every method may raise OSError."""

    def write(self, data: bytes) -> None:
        """Write whole items to the file."""

    def mark(self, *, end_member: bool = False) -> Mark | None:
        """Return the offset after the written items, or None if the feed cannot end there."""

    def close(self) -> None:
        """Write the end of the stream; its file stays open."""

    def abandon(self) -> None:
        """Discard all later writes, including those of garbage collected plugins."""


def stream_to(file: IO[bytes], options: Mapping[str, Any]) -> Stream:
    """Return a new stream to *file* for a feed with *options*."""
    return _Processed(file, options) if options.get(PLUGINS) else _Plain(file)


def can_be_appended_to(options: Mapping[str, Any]) -> bool:
    """Return whether readers accept concatenated outputs of the plugins."""
    plugins = _classes(options)
    return not any(issubclass(plugin, LZMAPlugin) for plugin in plugins) or _is_xz(options)


def read_ends(path: Path, options: Mapping[str, Any]) -> Ends | None:
    """Return the ends of the feed *path*, or None if it was written by plugins of other projects.

    Raises OSError if it is incomplete.
    """
    readers = [_READERS.get(plugin) for plugin in reversed(_classes(options))]
    with path.open("rb") as raw:
        file: IO[bytes] = raw
        for reader in readers:
            if reader is None:
                return None
            file = reader(file)
        try:
            head = file.read(_HEAD_BYTES)
            tail = head
            if not readers:
                raw.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            while block := file.read(1024 * 1024):
                tail = (tail + block)[-_TAIL_BYTES:]
        except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
            raise OSError(
                f"cannot append to {path}, which is damaged ({error}); "
                "overwrite it with -O, or move it"
            ) from error
    return Ends(head, tail)


class _Sink(io.BufferedIOBase):
    """Write all bytes to an unbuffered file, which it never closes."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self.connected = True

    def write(self, data: ReadableBuffer) -> int:
        view = memoryview(data).cast("B")
        left = view if self.connected else view[:0]
        while left:
            left = left[self._file.write(left) :]
        if self.connected:
            self._file.flush()
        return view.nbytes

    def writable(self) -> bool:
        return True

    def offset(self) -> int:
        """Return the position in the file, 0 for a pipe."""
        try:
            return self._file.tell()
        except OSError:
            return 0


class _Plain:
    def __init__(self, file: IO[bytes]) -> None:
        self._sink = _Sink(file)

    def write(self, data: bytes) -> None:
        self._sink.write(data)

    def mark(self, *, end_member: bool = False) -> Mark | None:
        return Mark(self._sink.offset())

    def close(self) -> None:
        pass

    def abandon(self) -> None:
        self._sink.connected = False


class _Processed:
    def __init__(self, file: IO[bytes], options: Mapping[str, Any]) -> None:
        self._file = file
        self._options = options
        self._classes = _classes(options)
        known = all(plugin in _READERS for plugin in self._classes)
        self._is_gzip = self._classes == [GzipPlugin]
        self._has_members = known and not self._is_gzip and can_be_appended_to(options)
        self._sink = _Sink(file)
        self._plugins: list[Any] = []  # of the current member
        self._crc = self._size = 0  # of its content

    def write(self, data: bytes) -> None:
        if not self._plugins:
            self._open_member()
        self._plugins[0].write(data)
        if self._is_gzip:
            self._plugins[0].gzipfile.flush()
        self._crc = zlib.crc32(data, self._crc)
        self._size += len(data)

    def mark(self, *, end_member: bool = False) -> Mark | None:
        if self._is_gzip and self._plugins:
            # An empty last block after the flush, and the checksum, end the member.
            closing = b"\x03\x00" + struct.pack("<LL", self._crc, self._size & 0xFFFFFFFF)
            return Mark(self._sink.offset(), closing)
        if self._has_members and self._plugins:
            if self._size < _MEMBER_BYTES and not end_member:
                return None
            self._close_member()
        return Mark(self._sink.offset())

    def close(self) -> None:
        if not self._plugins and not self._sink.offset():
            self._open_member()  # an empty feed is an empty member, not an empty file
        self._close_member()

    def abandon(self) -> None:
        self._sink.connected = False

    def _open_member(self) -> None:
        self._sink = _Sink(self._file)
        self._crc = self._size = 0
        file: Any = self._sink
        plugins: list[Any] = []
        for plugin in reversed(self._classes):
            file = plugin(file, self._options)
            plugins.insert(0, file)
        self._plugins = plugins

    def _close_member(self) -> None:
        # Scrapy closes only the first plugin, which loses the buffers of the others.
        plugins, self._plugins = self._plugins, []
        for plugin in plugins:
            plugin.close()


def _classes(options: Mapping[str, Any]) -> list[type]:
    return [cast("type", load_object(plugin)) for plugin in options.get(PLUGINS) or ()]


def _is_xz(options: Mapping[str, Any]) -> bool:
    return options.get("lzma_format") in (None, lzma.FORMAT_XZ)
