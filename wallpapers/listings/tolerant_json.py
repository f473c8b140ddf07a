r"""Read JSON as listings send it: bad escapes, stray commas, GBK, and bodies that lie.

A body that would take a hundred times its size in memory, or the stack with it, is refused before
it is parsed.
"""

from __future__ import annotations

import json
import re
from typing import Any

from wallpapers.errors import ListingCutError, ListingError

# A real page has some hundred objects; a body made of nothing but braces has millions.
_MAX_OBJECTS = 20_000
_MAX_DIGITS = 4_000
_MOST_BAD = 10  # elements of a page; to look for each costs a pass over the text
_BLANK = " \t\r\n\0\ufeff"
# Possessive, so that each character is looked at once, whatever a hostile body holds. Where a piece
# can fail in its middle, the number of pieces is bounded instead: before Python 3.11.5, a
# possessive group keeps the first half of such a piece.
_STRING = r'"(?:[^"\\]++|\\.)*+"?'
_TOKEN = re.compile(
    r'(?P<plain>(?:"[^"\\]*+"|[^",u]++|u(?!ndefined\b)){1,500})'
    rf"|(?P<string>{_STRING})"
    r"|(?P<commas>,(?:\s*+,)*+)(?P<end>\s*+(?=[\]}]))?"
    r"|(?P<undefined>undefined)",
    re.DOTALL,
)
_BRACKET = re.compile(rf'[\[\]{{}}]|(?:{_STRING}|[^"\[\]{{}}]++)++', re.DOTALL)
_ESCAPE = re.compile(
    r'(?P<good>(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})){1,500})|\\(?:x(?P<hex>[0-9a-fA-F]{2})|.?)',
    re.DOTALL,
)
_NEXT_ELEMENT = re.compile(r"\}(?=\s*+(?:,\s*+\{|\]))")


def load(body: bytes) -> Any:
    """Parse *body* as JSON, at the second try with the known defects mended.

    Raises ListingCutError for a body that ends too early or is empty, ListingError for whatever
    else is no JSON.
    """
    if not body.strip():
        raise ListingCutError("an empty body")
    return loads(decode(body))


def loads(text: str) -> Any:
    """Parse *text* as ``load`` does."""
    if text.count("{") + text.count("[,") + text.count("],") > _MAX_OBJECTS:
        raise ListingError(f"JSON of more than {_MAX_OBJECTS} objects")
    text = text.lstrip(_BLANK)
    try:
        try:
            return _DECODER.raw_decode(text)[0]
        except json.JSONDecodeError:
            return _without_bad_elements(_TOKEN.sub(_mended, text))
    except json.JSONDecodeError as error:
        if text[:1] not in ("{", "["):
            raise ListingError("no JSON") from error
        raise ListingCutError(f"JSON that is broken at character {error.pos:,}") from error
    except RecursionError as error:
        raise ListingError("JSON nested too deeply") from error


def decode(body: bytes) -> str:
    """Decode by byte order mark or as UTF-8; where most of that is damaged, as GBK."""
    text = body.decode(json.detect_encoding(body), "replace")
    damaged = text.count("\ufffd")
    if damaged and damaged * 2 > sum(character > "\x7f" for character in text):
        return body.decode("gb18030", "replace")
    return text


def _mended(token: re.Match[str]) -> str:
    """Mend the escapes of a string, drop commas that nothing follows, leave the rest."""
    if token["string"]:
        return _ESCAPE.sub(_mended_escape, token[0])
    if token["commas"]:
        return "," if token["end"] is None else ""
    return "null" if token["undefined"] else token[0]


def _mended_escape(escape: re.Match[str]) -> str:
    r"""Read ``\x41`` as JavaScript does, and drop the backslash of an unknown escape (``\'``)."""
    if escape["hex"]:
        return f"\\u00{escape['hex']}"
    return escape["good"] or escape[0][1:]


def _without_bad_elements(text: str) -> Any:
    """Parse *text* with null in place of the elements of its outermost list that are broken.

    Raises JSONDecodeError where it is broken elsewhere, or where too many elements are.
    """
    for _ in range(_MOST_BAD):
        try:
            return _DECODER.raw_decode(text)[0]
        except json.JSONDecodeError as error:
            start = _element_around(text, error.pos)
            end = _NEXT_ELEMENT.search(text, error.pos) if start is not None else None
            if end is None:
                raise
            text = f"{text[:start]}null{text[end.end() :]}"
    return _DECODER.raw_decode(text)[0]


def _element_around(text: str, position: int) -> int | None:
    """Return where the element of the outermost list begins that *position* lies in."""
    brackets: list[tuple[str, int]] = []
    for token in _BRACKET.finditer(text, 0, position):
        bracket = token[0]
        if bracket in ("{", "["):
            brackets.append((bracket, token.start()))
        elif bracket in ("}", "]") and brackets:
            brackets.pop()
    lists = [depth for depth, (bracket, _) in enumerate(brackets) if bracket == "["]
    if not lists or lists[0] + 1 == len(brackets):
        return None
    return brackets[lists[0] + 1][1]


def _integer(digits: str) -> int | None:
    """Read an integer of JSON; one that Python would refuse to read is as good as none."""
    return int(digits) if len(digits) < _MAX_DIGITS else None


_DECODER = json.JSONDecoder(strict=False, parse_int=_integer)
