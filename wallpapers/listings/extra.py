"""Clean and limit the additional fields of a listing entry: the ``extra`` of a wallpaper."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from wallpapers.listings.text import address, plain_text

_MAX_VALUES = 200  # those in lists and objects included
_MAX_DEPTH = 3  # of lists and objects
_MAX_NUMBER = 10**12  # larger numbers in listings are errors
_ADDRESS = re.compile(r"https?://[^\s<>]+", re.IGNORECASE)
EMPTY: tuple[object, ...] = (None, "", [], {})


def extra_of(
    entry: Mapping[str, object], keys: str, empty: tuple[object, ...] = EMPTY
) -> dict[str, Any]:
    """Return the values of *entry* for *keys*, which are separated by blanks; see ``clean_extra``.

    Values in *empty* are left out.
    """
    values = {key: value for key in keys.split() if (value := entry.get(key)) not in empty}
    return clean_extra(values) if values else {}


def clean_extra(value: object) -> dict[str, Any]:
    """Return an object of any origin with plain texts, finite numbers and no empty values.

    Returns {} for any other type, and only the first two hundred values, nested three levels deep.
    """
    if not isinstance(value, dict):
        return {}
    cleaned: dict[str, Any] = _clean(value, iter(range(_MAX_VALUES)), _MAX_DEPTH)
    return cleaned


def _clean(value: object, left: Iterator[int], depth: int) -> Any:
    """Return *value* cleaned, or None; *left* yields once for each value that is still allowed."""
    if value is None or next(left, None) is None:
        return None
    if not isinstance(value, dict | list | tuple):
        return _clean_scalar(value)
    if depth == 0:
        return None
    first = islice(value, _MAX_VALUES)
    if not isinstance(value, dict):
        return [one for one in (_clean(one, left, depth - 1) for one in first) if one not in EMPTY]
    cleaned = {}
    for key in first:
        one = _clean(value[key], left, depth - 1)
        if one not in EMPTY and (name := plain_text(str(key))):
            cleaned[name] = one
    return cleaned


def _clean_scalar(value: object) -> str | bool | float | None:
    if isinstance(value, str):
        return address(value) if _ADDRESS.fullmatch(value) else plain_text(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value if abs(value) <= _MAX_NUMBER else None
    return plain_text(str(value))  # such as the date in an item of a user's spider
