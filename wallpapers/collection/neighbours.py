"""Find similar fingerprints among many: exact, with FAISS or, without it, numpy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy
from numpy.typing import NDArray

from wallpapers.images import fingerprint
from wallpapers.options.extras import is_installed

Rows = NDArray[numpy.uint8]  # one fingerprint a row
Found = Iterator[tuple[int, NDArray[numpy.int64], NDArray[numpy.int32]]]  # row, rows, bits

_TOGETHER = 1_000  # fingerprints that are added and searched at the same time


class Neighbours(NamedTuple):
    """The fingerprints that are similar to one; both arrays have the nearest first."""

    row: int
    rows: NDArray[numpy.int64]  # all before ``row``
    bits: NDArray[numpy.int32]  # that differ


def new_neighbours(fingerprints: Rows, known: int, max_bits: int) -> Iterator[Neighbours]:
    """Compare each fingerprint after the first *known* ones with all before it.

    Yields, for each of them, those that differ in at most *max_bits* bits. So a pair is found once,
    and pairs of known ones are not found again.
    """
    search = _with_faiss if is_installed("faiss") else _scan
    for row, rows, bits in search(fingerprints, known, max_bits):
        order = numpy.lexsort((rows, bits)) if len(rows) > 1 else slice(None)
        yield Neighbours(row, rows[order], bits[order])


def _with_faiss(fingerprints: Rows, known: int, max_bits: int) -> Found:
    # A thread that waits for another gives its core to other programs, instead of spinning.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import faiss

    index = faiss.IndexBinaryFlat(fingerprint.BITS)
    index.add(fingerprints[:known])
    for start in range(known, len(fingerprints), _TOGETHER):
        some = fingerprints[start : start + _TOGETHER]
        index.add(some)
        limits, bits, rows = index.range_search(some, max_bits + 1)  # less than
        for row, (first, end) in enumerate(pairwise(map(int, limits)), start):
            before = rows[first:end] < row
            yield row, rows[first:end][before], bits[first:end][before].astype(numpy.int32)


def _scan(fingerprints: Rows, known: int, max_bits: int) -> Found:
    for row in range(known, len(fingerprints)):
        bits = fingerprint.distances(fingerprints[row], fingerprints[:row])
        rows = numpy.flatnonzero(bits <= max_bits)
        yield row, rows, bits[rows].astype(numpy.int32)
