"""Parse HTTP/1 responses as leniently as curl and browsers do, where that is harmless.

aiohttp rejects a whole response for bytes behind its body, a header line without a colon, or two
equal Content-Length headers. A connection with such a defect is not reused.
"""

from __future__ import annotations

import re
from typing import Any, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader

_MAX_HEAD_BYTES = 256 * 1024  # buffered until the head is complete
_END_OF_HEAD = re.compile(rb"\n\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/(\d)(?:\.(\d))?[ \t]+(\d{3})(?!\d)[ \t]*(.*)", re.DOTALL)
_LENGTH = re.compile(rb"\ncontent-length:([^\r\n]*)", re.IGNORECASE)
_CODING = re.compile(rb"\ntransfer-encoding:", re.IGNORECASE)
_NAME_CHARACTERS = rb"[0-9A-Za-z!#$%&'*+.^_`|~-]"
_SOUND_HEAD = re.compile(
    rb"HTTP/1\.[01] \d{3} [^\s\0][^\r\n\0]*\r\n(?:%b+:[^\r\n\0]*\r\n)+\r\n" % _NAME_CHARACTERS
)
_NAME = re.compile(_NAME_CHARACTERS + rb"+")
_QUOTED_BYTES = re.compile(r":?\s+b?['\"].*|\s*\^\s*$", re.DOTALL)


class MalformedResponseError(aiohttp.ClientError):
    """The server sent something that is not an HTTP response."""

    def __init__(self, message: str) -> None:
        super().__init__(f"malformed HTTP response: {without_bytes(message)}")


def without_bytes(message: str) -> str:
    """Return a *message* of aiohttp's parser without the bytes that it quotes."""
    return " ".join(_QUOTED_BYTES.sub("", message).split()).rstrip(":")


class LenientConnector(aiohttp.TCPConnector):
    """aiohttp's connector, with connections that parse responses leniently."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # aiohttp has no option for this. test_framing.py fails if the private name is gone.
        self._factory = cast("Any", lambda: LenientResponseHandler(self._loop))


class LenientResponseHandler(ResponseHandler):
    """aiohttp's protocol of a connection; it gets repaired heads and no bytes behind the body."""

    _head: bytearray | None = None  # of the next response, as far as it has arrived
    _body: StreamReader | None = None  # of the response whose head has arrived
    _left: int | None = None  # missing bytes of the body; None = not known in advance

    def set_response_params(self, **params: Any) -> None:
        self._head, self._body, self._left = bytearray(), None, None
        super().set_response_params(**params)

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Accept a response whose head was parsed; after a status of 1xx, another one follows."""
        message, body = data
        if message.code < 200 and message.code != 101:
            self._head = bytearray()
        else:
            length = message.headers.get("Content-Length", "")
            self._body = body
            self._left = int(length) if length.isdecimal() and not message.chunked else None
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        rest: bytes | memoryview = data
        while self._head is not None and rest:
            rest = self._head_received(self._head, rest)
        if self._body is None or not rest:
            super().data_received(bytes(rest))
        elif self._body.is_eof():
            self._ignore(rest)
        else:
            self._body_received(self._body, rest)

    def _head_received(self, head: bytearray, data: bytes | memoryview) -> memoryview:
        """Parse the head if *data* completes it, and return the bytes behind it."""
        buffered = len(head)
        if buffered:
            head += data
        received = head or data
        found = _END_OF_HEAD.search(received, max(0, buffered - 2))
        if found is None and len(received) < _MAX_HEAD_BYTES and _may_be_head(received):
            self._head = bytearray(received)
            return memoryview(b"")
        end = found.end() if found else len(received)
        unread = memoryview(data)[end - buffered :]  # mostly the body: a slice would copy it
        original = bytes(received[:end])
        if found and not original.strip():  # blank lines before the status line
            self._head = bytearray()
            return unread
        self._head = None
        repaired = repaired_head(original)
        if repaired != original:
            self.force_close()
        super().data_received(repaired)
        return unread

    def _body_received(self, body: StreamReader, data: bytes | memoryview) -> None:
        if self._left is not None:
            data, trailing = data[: self._left], data[self._left :]
            self._left -= len(data)
            super().data_received(data)  # type: ignore[arg-type]  # reads any buffer
            self._ignore(trailing)
            return
        data = bytes(data)  # which aiohttp quotes in messages about chunks
        super().data_received(data)
        if body.is_eof():
            self._ignore(b"" if data.endswith(b"\n") else data)  # the end of the last chunk
        elif (error := self.exception()) is not None and body.exception() is None:
            message = getattr(error, "message", "") or str(error)
            body.set_exception(MalformedResponseError(message))

    def _ignore(self, trailing: bytes | memoryview) -> None:
        if bytes(trailing).strip():
            self.force_close()


def _may_be_head(received: bytes | bytearray | memoryview) -> bool:
    """Return whether *received* is the beginning of a response of HTTP/1."""
    return b"HTTP/".startswith(bytes(received[:64]).lstrip(b"\r\n")[:5])


def repaired_head(head: bytes) -> bytes:
    """Return *head* in the form that aiohttp accepts; without defects, it is unchanged."""
    if _is_sound(head):
        return head
    lines = [line.removesuffix(b"\r") for line in head.strip(b"\r\n").split(b"\n")]
    kept: list[bytes] = [_repaired_status_line(lines[0])]
    for line in lines[1:]:
        if line[:1] in (b" ", b"\t"):
            if len(kept) > 1:  # obsolete folding
                kept[-1] += b" " + line.strip()
            continue
        name, colon, value = line.partition(b":")
        if not colon or b"\0" in line or b"\r" in line or not _NAME.fullmatch(name.rstrip()):
            continue
        kept.append(line if name == name.rstrip() else name.rstrip() + b":" + value)
    return b"\r\n".join([kept[0], *_with_one_length(kept[1:])]) + b"\r\n\r\n"


def _is_sound(head: bytes) -> bool:
    """Return whether *head* has no defect, as most have none; False if it must be parsed."""
    if not _SOUND_HEAD.fullmatch(head) or _CODING.search(head):
        return False
    lengths = _LENGTH.findall(head)
    return not lengths or (len(lengths) == 1 and lengths[0].strip().isdigit())


def _repaired_status_line(line: bytes) -> bytes:
    found = _STATUS_LINE.fullmatch(line)
    if found is None:
        return line
    minor = found[2] if (found[1], found[2]) in ((b"1", b"0"), (b"1", b"1")) else b"1"
    return b"HTTP/1.%b %b %b" % (minor, found[3], found[4].strip())


def _with_one_length(headers: list[bytes]) -> list[bytes]:
    """Return *headers* with one Content-Length, or with none for a chunked body.

    Contradictory lengths are not changed, so aiohttp rejects them.
    """
    lengths = _values(headers, b"content-length")
    codings = _values(headers, b"transfer-encoding")
    drops = set()
    if codings == {b"identity"}:
        drops.add(b"transfer-encoding")
    if b"chunked" in codings:
        drops.add(b"content-length")
    kept = [line for line in headers if _name_of(line) not in drops]
    length_headers = [line for line in kept if _name_of(line) == b"content-length"]
    if (
        len(lengths) == 1
        and length_headers
        and length_headers != [b"Content-Length: " + min(lengths)]
    ):
        kept = [line for line in kept if line not in length_headers]
        kept.append(b"Content-Length: " + min(lengths))
    return kept


def _values(headers: list[bytes], name: bytes) -> set[bytes]:
    lists = (line.partition(b":")[2] for line in headers if _name_of(line) == name)
    return {value.strip().lower() for values in lists for value in values.split(b",")}


def _name_of(line: bytes) -> bytes:
    return line.partition(b":")[0].lower()
