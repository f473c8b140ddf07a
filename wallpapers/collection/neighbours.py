"""Find similar fingerprints among many: exact, with FAISS or, without it, numpy."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy
from numpy.typing import NDArray

from wallpapers.images import fingerprint
from wallpapers.options.extras import is_installed

if TYPE_CHECKING:
    import faiss

Rows = NDArray[numpy.uint8]  # one fingerprint a row

_TOGETHER = 1_000  # queries


class Neighbours(NamedTuple):
    """What is similar to one fingerprint; both arrays have the same order, the nearest first."""

    query: int  # row of the query
    rows: NDArray[numpy.int64]
    bits: NDArray[numpy.int32]  # that differ


class Index:
    """Fingerprints to search in. A query is compared with each of them."""

    def __init__(self, fingerprints: Rows) -> None:
        self._fingerprints = fingerprints
        self._faiss: faiss.IndexBinaryFlat | None = None
        if is_installed("faiss"):
            import faiss

            self._faiss = faiss.IndexBinaryFlat(fingerprint.BITS)
            self._faiss.add(fingerprints)

    def search(self, queries: Rows, max_bits: int) -> Iterator[Neighbours]:
        """Yield the fingerprints that differ from each query in at most *max_bits* bits."""
        for start in range(0, len(queries), _TOGETHER):
            some = queries[start : start + _TOGETHER]
            found = self._with_faiss(some, max_bits) if self._faiss else self._scan(some, max_bits)
            for number, (rows, bits) in enumerate(found):
                order = numpy.lexsort((rows, bits))
                yield Neighbours(start + number, rows[order], bits[order])

    def _with_faiss(
        self, queries: Rows, max_bits: int
    ) -> Iterator[tuple[NDArray[numpy.int64], NDArray[numpy.int32]]]:
        assert self._faiss is not None
        limits, bits, rows = self._faiss.range_search(queries, max_bits + 1)  # less than
        for start, end in pairwise(limits):
            yield rows[int(start) : int(end)], bits[int(start) : int(end)].astype(numpy.int32)

    def _scan(
        self, queries: Rows, max_bits: int
    ) -> Iterator[tuple[NDArray[numpy.int64], NDArray[numpy.int32]]]:
        for query in queries:
            bits = fingerprint.distances(query, self._fingerprints)
            rows = numpy.flatnonzero(bits <= max_bits)
            yield rows, bits[rows].astype(numpy.int32)
