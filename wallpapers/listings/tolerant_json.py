r"""Read JSON as listings send it: ``\'`` escapes, raw control characters, GBK, and bodies that lie.

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
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


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
    try:
        try:
            return json.loads(text, strict=False, parse_int=_integer)
        except json.JSONDecodeError:
            return json.loads(_ESCAPE.sub(_mend, text), strict=False, parse_int=_integer)
    except json.JSONDecodeError as error:
        if text.lstrip()[:1] not in ("{", "["):
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


def _mend(escape: re.Match[str]) -> str:
    r"""Drop the backslash of an escape that JSON does not know, such as ``\'``."""
    return escape[0] if escape[1] in '"\\/bfnrtu' else escape[1]


def _integer(digits: str) -> int:
    """Read an integer of JSON; one that Python would refuse to read is as good as none."""
    return int(digits) if len(digits) < _MAX_DIGITS else -1
