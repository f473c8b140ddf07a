"""Decode Content-Encoding while the bytes arrive: one coding or several, up to a size limit."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Protocol

from aiohttp import ClientPayloadError
from aiohttp.compression_utils import BrotliDecompressor, ZSTDDecompressor
from aiohttp.http_exceptions import ContentEncodingError
from scrapy.exceptions import DownloadCancelledError

_PIECE_BYTES = 256 * 1024  # decompressed at a time
_MAX_CODINGS = 5  # in one response, as in curl
_MAX_MEMBERS = 10_000  # of one gzip stream; each costs a copy of the bytes behind it
_GZIP = b"\x1f\x8b"


class Decompressor(Protocol):
    """Decompress one coding; each call returns at most *max_length* bytes."""

    def decompress_sync(self, data: bytes, max_length: int) -> bytes: ...

    @property
    def data_available(self) -> bool:
        """Whether another call without input may return more bytes."""


class ContentDecoder:
    """Decode the codings of a body, the last one first, until one is unknown.

    ``unknown`` has the names of the codings that remain. The output of each coding is limited to
    *max_bytes*, 0 = unlimited.
    """

    def __init__(self, content_encodings: Iterable[str], max_bytes: int) -> None:
        names = re.split(r"[\s,]+", ",".join(content_encodings).lower())
        self.unknown = [name for name in names if name and name != "identity"]
        self._codings: list[_Coding] = []
        while self.unknown and (make := _DECOMPRESSORS.get(self.unknown[-1])) is not None:
            name = self.unknown.pop()
            if len(self._codings) == _MAX_CODINGS:
                raise _undecodable(f"more than {_MAX_CODINGS} codings")
            self._codings.append(_Coding(name, make(), max_bytes))

    @property
    def is_identity(self) -> bool:
        """Whether there is nothing to decode."""
        return not self._codings

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield the decoded bytes of *data*, piece by piece.

        Raises ClientPayloadError for bytes that are not in this coding, and DownloadCancelledError
        above the limit.
        """
        pieces: Iterator[bytes] = iter((data,))
        for coding in self._codings:
            pieces = coding.decode(pieces)
        return pieces


class _Coding:
    """One coding of a body, and the size of its output so far."""

    def __init__(self, name: str, decompressor: Decompressor, max_bytes: int) -> None:
        self._name = name
        self._decompressor = decompressor
        self._max_bytes = max_bytes
        self._size = 0

    def decode(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            yield self._decompress(piece)
            while self._decompressor.data_available:
                yield self._decompress(b"")

    def _decompress(self, data: bytes) -> bytes:
        output: bytes | None
        try:
            output = self._decompressor.decompress_sync(data, _PIECE_BYTES)
        except Exception:  # each library has its own exceptions
            output = None
        if output is None:
            raise _undecodable(self._name)
        self._size += len(output)
        if self._max_bytes and self._size > self._max_bytes:
            raise DownloadCancelledError(f"at least {self._size} bytes, limit {self._max_bytes}")
        return output


class _Zlib:
    """Decompress gzip or deflate, and ignore bytes behind the last gzip member, as curl does."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._members = 0
        self._zlib: zlib._Decompress | None = None
        self._unread = b""
        self._is_full = False  # the last output was, so zlib may have more
        self._ended = False

    @property
    def data_available(self) -> bool:
        waits = self._zlib is None and len(self._unread) < len(_GZIP)
        return not self._ended and (self._is_full or (bool(self._unread) and not waits))

    def decompress_sync(self, data: bytes, max_length: int) -> bytes:
        data = self._unread + data
        if self._ended or not (data or self._is_full):
            return b""
        if self._zlib is None and not self._start_member(data):
            return b""
        assert self._zlib is not None
        output = self._zlib.decompress(data, max_length)
        self._unread = self._zlib.unconsumed_tail
        self._is_full = len(output) == max_length
        if self._zlib.eof:
            self._unread, self._is_full = self._zlib.unused_data, False
            self._zlib = None
            self._members += 1
            self._ended = self._coding == "deflate" or self._members == _MAX_MEMBERS
        return output

    def _start_member(self, data: bytes) -> bool:
        """Return whether *data* starts a member; keep it for later if it is too short to decide."""
        if self._members and not data.startswith(_GZIP):
            self._unread = data
            self._ended = len(data) >= len(_GZIP)
            return False
        self._zlib = zlib.decompressobj(self._window_bits(data))
        return True

    def _window_bits(self, data: bytes) -> int:
        if self._coding == "gzip":
            return 16 + zlib.MAX_WBITS
        # Deflate is zlib's format (RFC 9110, 8.4.1.2), but many servers omit its header.
        return zlib.MAX_WBITS if data[0] & 0x0F == 8 else -zlib.MAX_WBITS


def _undecodable(detail: str) -> ClientPayloadError:
    """Return an error that is retried like a lost body, and reported as ``broken``."""
    message = f"Content-Encoding cannot be decoded: {detail}"
    error = ClientPayloadError(message)
    error.__cause__ = ContentEncodingError(message)
    return error


_DECOMPRESSORS: dict[str, Callable[[], Decompressor]] = {
    "gzip": partial(_Zlib, "gzip"),
    "x-gzip": partial(_Zlib, "gzip"),
    "deflate": partial(_Zlib, "deflate"),
    "br": BrotliDecompressor,
    "zstd": ZSTDDecompressor,
}
