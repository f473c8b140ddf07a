r"""Parse JSON as listings send it, with bad escapes, stray commas and other encodings.

A body whose objects would take a hundred times its size in memory is rejected. Of a list, only the
elements that cannot be read are left out.
"""

from __future__ import annotations

import json
import re
from typing import Any

from wallpapers.errors import ListingCutError, ListingError

# A real page has some hundred objects; a body that consists of braces has millions.
_MAX_OBJECTS = 20_000
_MAX_DIGITS = 4_000
_MAX_DEPTH = 100  # of an element of a page
_MAX_BAD = 10  # elements of a page; finding each one takes a pass over the text
_BLANK = " \t\r\n\0\ufeff"
# Possessive quantifiers, so that matching takes linear time for any body. Groups that can fail in
# the middle of a repetition are bounded instead: before Python 3.11.5, a possessive group keeps the
# part of such a repetition that matched.
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
    """Parse *body* as JSON; if that fails, repair known defects and try again.

    Raises ListingCutError if *body* is truncated or empty, ListingError if it is not JSON.
    """
    if not body.strip():
        raise ListingCutError("an empty response")
    return loads(decode(body))


def loads(text: str) -> Any:
    """Parse *text* as ``load`` does."""
    if text.count("{") + text.count("[,") + text.count("],") > _MAX_OBJECTS:
        raise ListingError(f"JSON with more than {_MAX_OBJECTS} objects")
    text = text.lstrip(_BLANK)
    try:
        try:
            return _parse(text)
        except RecursionError:
            return _parse(_without_deep_elements(text))
    except json.JSONDecodeError as error:
        if text[:1] not in ("{", "["):
            raise ListingError("not JSON") from error
        raise ListingCutError(f"invalid JSON at character {error.pos:,}") from error
    except RecursionError as error:
        raise ListingError("JSON nested too deeply") from error


def _parse(text: str) -> Any:
    try:
        return _DECODER.raw_decode(text)[0]
    except json.JSONDecodeError:
        return _parse_without_bad_elements(_TOKEN.sub(_repair_token, text))


def decode(body: bytes) -> str:
    """Decode by byte order mark or as UTF-8; if most characters are invalid, as GBK."""
    text = body.decode(json.detect_encoding(body), "replace")
    damaged = text.count("\ufffd")
    if damaged and damaged * 2 > sum(character > "\x7f" for character in text):
        return body.decode("gb18030", "replace")
    return text


def _repair_token(token: re.Match[str]) -> str:
    """Repair the escapes of a string, drop stray commas, replace ``undefined`` by null."""
    if token["string"]:
        return _ESCAPE.sub(_repair_escape, token[0])
    if token["commas"]:
        return "," if token["end"] is None else ""
    return "null" if token["undefined"] else token[0]


def _repair_escape(escape: re.Match[str]) -> str:
    r"""Convert ``\x41`` to a JSON escape, and drop the backslash of an unknown one (``\'``)."""
    if escape["hex"]:
        return f"\\u00{escape['hex']}"
    return escape["good"] or escape[0][1:]


def _parse_without_bad_elements(text: str) -> Any:
    """Parse *text*, replacing invalid elements of its outermost list by null.

    Raises JSONDecodeError if it is invalid elsewhere, or if too many elements are invalid.
    """
    for _ in range(_MAX_BAD):
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
    """Return the start of the element of the outermost list that contains *position*."""
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


def _without_deep_elements(text: str) -> str:
    """Return *text* with null in place of elements of its outermost list that nest too deeply.

    If all of them do, *text* is unchanged.
    """
    kept: list[str] = []
    end = start = depth = deepest = elements = 0
    level = 0  # of the elements, once the list is found
    for token in _BRACKET.finditer(text):
        bracket = token[0]
        if bracket in ("{", "["):
            if level and depth == level:
                start, deepest = token.start(), depth
                elements += 1
            depth += 1
            deepest = max(deepest, depth)
            level = level or (depth if bracket == "[" else 0)
        elif bracket in ("}", "]"):
            depth -= 1
            if level and depth == level and deepest - level > _MAX_DEPTH:
                kept.append(text[end:start])
                end = token.end()
    return "null".join([*kept, text[end:]]) if len(kept) < elements else text


def _integer(digits: str) -> int | None:
    """Convert an integer; return None if it has more digits than Python converts."""
    return int(digits) if len(digits) < _MAX_DIGITS else None


_DECODER = json.JSONDecoder(strict=False, parse_int=_integer)
