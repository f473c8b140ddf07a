"""Compare the files of a store with the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from wallpapers.catalogue.queries import Queries


class Comparison(NamedTuple):
    """The result of ``compare``; sizes are in bytes."""

    without_row: dict[str, int]  # sizes of files that are not in the catalogue, by path
    missing: list[int]  # sizes of images that are not hidden and whose files are missing
    expected: int  # images that are not hidden


def compare(queries: Queries, files: Mapping[str, int]) -> Comparison:
    """Compare *files*, sizes by path, with the rows of the catalogue."""
    without_row = dict(files)
    missing = []
    expected = 0
    for path, size, is_hidden in queries.files():
        is_there = without_row.pop(path, None) is not None
        if not is_hidden:
            expected += 1
            if not is_there:
                missing.append(size)
    return Comparison(without_row, missing, expected)
