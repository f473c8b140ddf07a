"""Split values into chunks, each of which fits into one statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

_SIZE = 500  # SQLite allows 32,766 parameters


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield *values* in chunks of at most 500."""
    for start in range(0, len(values), _SIZE):
        yield values[start : start + _SIZE]
