"""Compare the entries of a page with the expected keys and types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import nsmallest
from itertools import islice
from types import UnionType
from typing import Any, get_args

from wallpapers.listings.text import one_line

# Key -> type or union of types. A union with None, or object, allows the key to be null or absent.
Expected = Mapping[str, type | UnionType]

_MAX_ENTRIES = 200  # to compare; real pages have fewer
_MAX_NAMES = 20  # to report of each kind
_MAX_CHARACTERS = 40  # of a reported name


def expected(
    *, texts: str = "", numbers: str = "", optional: str = "", **others: type | UnionType
) -> Expected:
    """Return the expected keys of an entry with their types.

    *texts*, *numbers* and *optional* are names separated by blanks. *optional* keys may be absent
    and may have any type. *others* are keys with an explicit type.
    """
    return {
        **dict.fromkeys(texts.split(), str),
        **dict.fromkeys(numbers.split(), int),
        **dict.fromkeys(optional.split(), object),
        **others,
    }


@dataclass(frozen=True)
class Drift:
    """The differences between a page and the expected keys and types.

    ``missing`` and ``mistyped`` apply to most entries of the page, ``new`` to at least one.
    """

    new: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    mistyped: tuple[str, ...] = ()  # "width: float"

    def __bool__(self) -> bool:
        return bool(self.new or self.missing or self.mistyped)

    def __str__(self) -> str:
        """Return a description in one line: ``missing objURL; mistyped width: float``."""
        kinds = (("missing", self.missing), ("mistyped", self.mistyped), ("new", self.new))
        return "; ".join(f"{kind} {', '.join(names)}" for kind, names in kinds if names)


def drift(entries: Iterable[object], schema: Expected) -> Drift:
    """Compare *entries* with *schema*; empty objects and other values are skipped."""
    compared = 0
    new: Counter[str] = Counter()
    present: Counter[str] = Counter()
    mistyped: Counter[tuple[str, str]] = Counter()
    for entry in islice(entries, _MAX_ENTRIES):
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
    majority = compared / 2
    required = [key for key, kind in schema.items() if not isinstance(None, kind)]
    return Drift(
        new=_names(new),
        missing=_names(key for key in required if present[key] < majority),
        mistyped=_names(
            f"{key}: {kind}" for (key, kind), count in mistyped.items() if count > majority
        ),
    )


def _fits(value: Any, kind: type | UnionType) -> bool:
    if isinstance(value, bool):  # an int in Python, but not in JSON
        return kind is object or bool in (kind, *get_args(kind))
    return isinstance(value, kind)


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(
        one_line(name[:_MAX_CHARACTERS])[:_MAX_CHARACTERS] for name in nsmallest(_MAX_NAMES, names)
    )
