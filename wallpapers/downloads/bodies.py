"""What a download flows into, and what tells whether a broken one can be continued."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp

_BEGINNING_BYTES = 1024


class NotTheRestError(Exception):
    """The response to a Range request is not the rest of what is here."""


@dataclass(frozen=True)
class Beginning:
    """What tells that a rest belongs to the beginning that is here."""

    validator: str  # a strong ETag, or Last-Modified
    length: int  # bytes of the whole

    @classmethod
    def of(cls, answer: aiohttp.ClientResponse) -> Beginning | None:
        """Return what a whole answer says of itself, or None where it cannot be continued."""
        etag = answer.headers.get("ETag", "")
        validator = etag if etag.startswith('"') else answer.headers.get("Last-Modified", "")
        length = answer.content_length
        if answer.status != 200 or "Content-Encoding" in answer.headers:
            return None
        sendable = validator.isascii() and validator.isprintable()
        return cls(validator, length) if length and validator and sendable else None

    def is_continued_by(self, answer: aiohttp.ClientResponse, size: int) -> bool:
        """Is *answer* what follows the first *size* bytes? A server may not know If-Range."""
        if "Content-Encoding" in answer.headers:
            return False
        span, _, length = answer.headers.get("Content-Range", "").partition("/")
        same = {answer.headers.get(name, self.validator) for name in self._names}
        starts = span.startswith(f"bytes {size}-")
        return starts and length == str(self.length) and same == {self.validator}

    @property
    def _names(self) -> tuple[str]:
        return ("ETag",) if self.validator.startswith('"') else ("Last-Modified",)


class MemoryBody:
    """The body of a page, which is small."""

    def begin(self) -> None:
        self._data = bytearray()

    @property
    def size(self) -> int:
        return len(self._data)

    def feed(self, data: bytes) -> None:
        self._data += data

    def content(self) -> bytes:
        return bytes(self._data)

    def beginning(self) -> bytes:
        return bytes(self._data[:_BEGINNING_BYTES])
