"""Decode Content-Encoding as the bytes come in: one coding or several, within a bound."""

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

_PIECE_BYTES = 256 * 1024  # that are inflated at a time
_MOST_CODINGS = 5  # on top of each other, as in curl
_MOST_MEMBERS = 10_000  # of one gzip stream; each costs a copy of what is behind it
_GZIP = b"\x1f\x8b"


class Decompressor(Protocol):
    """Undoes one coding; each call returns *max_length* bytes at most."""

    def decompress_sync(self, data: bytes, max_length: int) -> bytes: ...

    @property
    def data_available(self) -> bool:
        """Return whether another call, with no bytes, may return more."""


class ContentDecoder:
    """Undo the codings of a body, the last one first; ``kept`` are the names of unknown ones.

    What each coding inflates to is bounded by *most* bytes, 0 = unlimited.
    """

    def __init__(self, content_encodings: Iterable[str], most: int) -> None:
        names = re.split(r"[\s,]+", ",".join(content_encodings).lower())
        self.kept = [name for name in names if name and name != "identity"]
        self._codings: list[_Coding] = []
        while self.kept and (make := _DECOMPRESSORS.get(self.kept[-1])) is not None:
            name = self.kept.pop()
            if len(self._codings) == _MOST_CODINGS:
                raise _undecodable(f"more than {_MOST_CODINGS} codings")
            self._codings.append(_Coding(name, make(), most))

    @property
    def is_idle(self) -> bool:
        """Return whether the body is what was sent."""
        return not self._codings

    def decoded(self, data: bytes) -> Iterator[bytes]:
        """Yield what *data* decodes to, piece by piece.

        Raises ClientPayloadError for bytes of another coding, DownloadCancelledError for too many.
        """
        pieces: Iterator[bytes] = iter((data,))
        for coding in self._codings:
            pieces = coding.decoded(pieces)
        return pieces


class _Coding:
    """One coding that is undone, and what it gave so far."""

    def __init__(self, name: str, decompressor: Decompressor, most: int) -> None:
        self._name = name
        self._decompressor = decompressor
        self._most = most
        self._size = 0

    def decoded(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            yield self._inflated(piece)
            while self._decompressor.data_available:
                yield self._inflated(b"")

    def _inflated(self, data: bytes) -> bytes:
        inflated: bytes | None
        try:
            inflated = self._decompressor.decompress_sync(data, _PIECE_BYTES)
        except Exception:  # each library has its own
            inflated = None
        if inflated is None:
            raise _undecodable(self._name)
        self._size += len(inflated)
        if self._most and self._size > self._most:
            raise DownloadCancelledError(f"{self._size} bytes or more, {self._most} are allowed")
        return inflated


class _Zlib:
    """Gzip or deflate. What is behind the last member of gzip is ignored, as by curl."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._members = 0
        self._object: zlib._Decompress | None = None
        self._rest = b""
        self._is_full = False  # so that zlib may hold some output back
        self._ended = False

    @property
    def data_available(self) -> bool:
        waits = self._object is None and len(self._rest) < len(_GZIP)
        return not self._ended and (self._is_full or (bool(self._rest) and not waits))

    def decompress_sync(self, data: bytes, max_length: int) -> bytes:
        data = self._rest + data
        if self._ended or not (data or self._is_full):
            return b""
        if self._object is None and not self._begin_member(data):
            return b""
        assert self._object is not None
        inflated = self._object.decompress(data, max_length)
        self._rest = self._object.unconsumed_tail
        self._is_full = len(inflated) == max_length
        if self._object.eof:
            self._rest, self._is_full = self._object.unused_data, False
            self._object = None
            self._members += 1
            self._ended = self._coding == "deflate" or self._members == _MOST_MEMBERS
        return inflated

    def _begin_member(self, data: bytes) -> bool:
        """Return whether *data* begins a member; what follows one may be too short to tell."""
        if self._members and not data.startswith(_GZIP):
            self._rest = data
            self._ended = len(data) >= len(_GZIP)
            return False
        self._object = zlib.decompressobj(self._window_bits(data))
        return True

    def _window_bits(self, data: bytes) -> int:
        if self._coding == "gzip":
            return 16 + zlib.MAX_WBITS
        # Deflate is zlib's format (RFC 9110, 8.4.1.2), but many servers send it without a frame.
        return zlib.MAX_WBITS if data[0] & 0x0F == 8 else -zlib.MAX_WBITS


def _undecodable(what: str) -> ClientPayloadError:
    """Return an error that retries take for a lost body, and reasons.py for a broken one."""
    message = f"Content-Encoding cannot be decoded: {what}"
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
