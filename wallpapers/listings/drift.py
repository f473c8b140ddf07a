"""How far the entries of a page are from what was seen before: keys new, missing, mistyped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import nsmallest
from itertools import islice
from types import UnionType
from typing import Any, get_args

from wallpapers.listings.text import one_line

# A type, or a union of types; with None in it (or as object) the key may be null or absent.
Expected = Mapping[str, type | UnionType]

_MOST_ENTRIES = 200  # that are compared: a page that is not hostile has fewer
_MOST_NAMES = 20  # that are told of each kind
_MOST_CHARACTERS = 40  # of a name that is told


def expected(
    *, texts: str = "", numbers: str = "", unsure: str = "", **others: type | UnionType
) -> Expected:
    """Return what entries should have: keys that hold text, numbers, or who knows what.

    The first three are names with blanks between them; *unsure* keys may also be absent.
    """
    return {
        **dict.fromkeys(texts.split(), str),
        **dict.fromkeys(numbers.split(), int),
        **dict.fromkeys(unsure.split(), object),
        **others,
    }


@dataclass(frozen=True)
class Drift:
    """What most entries of a page lack or have of another type; what any of them has beyond."""

    new: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    mistyped: tuple[str, ...] = ()  # "width: float"

    def __bool__(self) -> bool:
        return bool(self.new or self.missing or self.mistyped)

    def __str__(self) -> str:
        """Return one line, such as ``missing objURL; mistyped width: float``."""
        kinds = (("missing", self.missing), ("mistyped", self.mistyped), ("new", self.new))
        return "; ".join(f"{kind} {', '.join(names)}" for kind, names in kinds if names)


def drift(entries: Iterable[object], schema: Expected) -> Drift:
    """Compare *entries*, those of them that are objects with any key, with what is expected."""
    compared = 0
    new: Counter[str] = Counter()
    present: Counter[str] = Counter()
    mistyped: Counter[tuple[str, str]] = Counter()
    for entry in islice(entries, _MOST_ENTRIES):
        if not isinstance(entry, dict) or not entry:
            continue
        compared += 1
        new.update(entry.keys() - schema.keys())
        present.update(entry.keys() & schema.keys())
        mistyped.update(
            (key, type(entry[key]).__name__)
            for key, kind in schema.items()
            if key in entry and not _fits(entry[key], kind)
        )
    most = compared / 2
    required = [key for key, kind in schema.items() if not isinstance(None, kind)]
    return Drift(
        new=_names(new),
        missing=_names(key for key in required if present[key] < most),
        mistyped=_names(
            f"{key}: {kind}" for (key, kind), n in mistyped.items() if n * 2 > compared
        ),
    )


def _fits(value: Any, kind: type | UnionType) -> bool:
    if isinstance(value, bool):  # which is an int to Python, but not to JSON
        return kind is object or bool in (kind, *get_args(kind))
    return isinstance(value, kind)


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(
        one_line(name[:_MOST_CHARACTERS])[:_MOST_CHARACTERS]
        for name in nsmallest(_MOST_NAMES, names)
    )
