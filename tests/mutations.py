"""Accidents that can happen to a page on its way, or that its server makes: for hypothesis."""

from __future__ import annotations

import re
from collections.abc import Callable

from hypothesis import strategies as st

# What stands where a value is expected.
_VALUES = (
    *(b"null", b"true", b"0", b"-1", b"1e999", b"NaN", b"19.5", b"9" * 5000),
    *(b'""', b"[]", b"{}", b"[[[[]]]]", b'{"a":[{}]}', b'"\\ud800"', b'"\\u0000"', b"'it\\'s'"),
    *(b'"' + b"<a" * 3000 + b'"', b'"http://["', b'"//u:p@h/"', b'"ippr_z2C$q"', b"[null,5,{}]"),
    *('"国家"'.encode("gbk"), b'"\x01\t\n"', b"undefined", b"function(){}", b"[" * 500, b"{" * 500),
)
_JUNK = st.sampled_from([b"\0", b"\\", b'"', b"{", b"}", b"[", b"]", b"\xff", b"</script>", b"\\'"])
_VALUE = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d+|null|true|false|\[|\{', re.DOTALL)


@st.composite
def mutated(draw: Callable[..., object], body: bytes) -> bytes:
    """Return *body* after one to five accidents."""
    for _ in range(draw(st.integers(1, 5))):  # type: ignore[call-overload]
        body = draw(st.sampled_from(_ACCIDENTS))(draw, body)  # type: ignore[operator]
    return body


def _place(draw: Callable[..., int], body: bytes) -> int:
    return draw(st.integers(0, len(body)))


def _cut(draw: Callable[..., int], body: bytes) -> bytes:
    return body[: _place(draw, body)]


def _lost(draw: Callable[..., int], body: bytes) -> bytes:
    place = _place(draw, body)
    return body[:place] + body[place + draw(st.integers(1, 200)) :]


def _doubled(draw: Callable[..., int], body: bytes) -> bytes:
    place = _place(draw, body)
    return body[:place] + body[max(0, place - draw(st.integers(1, 200))) :]


def _strewn(draw: Callable[..., int], body: bytes) -> bytes:
    place = _place(draw, body)
    junk: bytes = draw(_JUNK | st.binary(max_size=4))  # type: ignore[assignment]
    return body[:place] + junk + body[place:]


def _exchanged(draw: Callable[..., int], body: bytes) -> bytes:
    """Put another value where one stands, or another name where a key does."""
    found = _VALUE.search(body, _place(draw, body)) or _VALUE.search(body)
    if found is None:
        return body
    value: bytes = draw(st.sampled_from(_VALUES))  # type: ignore[assignment]
    return body[: found.start()] + value + body[found.end() :]


_ACCIDENTS = (_cut, _lost, _doubled, _strewn, _exchanged, _exchanged, _exchanged)
