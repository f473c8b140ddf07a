"""Keep bodies in memory, and check whether an interrupted body can be resumed."""

from __future__ import annotations

from typing import NamedTuple

import aiohttp

_START_BYTES = 1024


class RangeMismatchError(Exception):
    """The response to a Range request does not continue the bytes received so far."""


class ResumePoint(NamedTuple):
    """Identify the version of a file whose first bytes have been received."""

    validator: str  # a strong ETag, or Last-Modified
    length: int  # of the whole file, in bytes

    @classmethod
    def of(cls, response: aiohttp.ClientResponse) -> ResumePoint | None:
        """Return the resume point of a complete response, or None if it cannot be resumed."""
        etag = response.headers.get("ETag", "")
        validator = etag if etag.startswith('"') else response.headers.get("Last-Modified", "")
        length = response.content_length
        if response.status != 200 or "Content-Encoding" in response.headers:
            return None
        sendable = validator.isascii() and validator.isprintable()
        return cls(validator, length) if length and validator and sendable else None

    def is_continued_by(self, response: aiohttp.ClientResponse, size: int) -> bool:
        """Return whether *response* has the bytes that follow the first *size* bytes.

        The status 206 is not sufficient: some servers support Range without If-Range.
        """
        if "Content-Encoding" in response.headers:
            return False
        span, _, length = response.headers.get("Content-Range", "").partition("/")
        header = "ETag" if self.validator.startswith('"') else "Last-Modified"
        is_same_version = response.headers.get(header, self.validator) == self.validator
        starts_there = span.startswith(f"bytes {size}-")
        return starts_there and length == str(self.length) and is_same_version


class MemoryBody:
    """A body that is kept in memory, such as a page."""

    def begin(self) -> None:
        self._data = bytearray()

    @property
    def size(self) -> int:
        return len(self._data)

    def feed(self, data: bytes) -> None:
        self._data += data

    def content(self) -> bytes:
        return bytes(self._data)

    def start(self) -> bytes:
        return bytes(self._data[:_START_BYTES])
