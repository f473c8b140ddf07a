"""Compare the looks of new images with those of all others, and save which look alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy
from numpy.typing import NDArray

from wallpapers.catalogue.look_alikes import Pair
from wallpapers.catalogue.looks import Tone
from wallpapers.collection.kinds import MAX_BITS, colour_difference, kind_of
from wallpapers.collection.neighbours import Neighbours, new_neighbours
from wallpapers.images import fingerprint

if TYPE_CHECKING:
    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.catalogue.entries import Entries

Keys = NDArray[numpy.bytes_]  # sha256, hex

_PAGE = 10_000  # looks that are read together
_SAVED_TOGETHER = 500  # looks
# Of one image: thousands of copies of a picture must not fill the catalogue with pairs.
_MOST_NEIGHBOURS = 200


def pair_new_looks(
    catalogue: Catalogue, progress: Callable[[int, int], None] = lambda done, total: None
) -> int:
    """Find the look-alikes of each look that has not been paired; return the number of pairs.

    It may be interrupted at any time. *progress* is called with the number of looks done and the
    total. Raises StoreError.
    """
    unpaired = catalogue.run(lambda entries: entries.look_alikes.unpaired())
    if not unpaired:
        return 0
    keys, fingerprints = _read_all(catalogue)
    is_new = numpy.isin(keys, numpy.array(unpaired, keys.dtype))
    known_first = numpy.argsort(is_new, kind="stable")
    keys, known = keys[known_first], int((~is_new).sum())
    neighbours = new_neighbours(fingerprints[known_first], known, MAX_BITS)
    found, done = 0, known
    while some := list(islice(neighbours, _SAVED_TOGETHER)):
        found += _save(catalogue, keys, some)
        done += len(some)
        progress(done - known, len(keys) - known)
    return found


def _read_all(catalogue: Catalogue) -> tuple[Keys, NDArray[numpy.uint8]]:
    """Return the sha256 of all looks, in order, and their fingerprints: 96 bytes for each look."""

    def read(entries: Entries, after: str) -> list[tuple[str, bytes]]:
        return entries.looks.fingerprints(after=after, most=_PAGE)

    keys: list[Keys] = []
    fingerprints: list[NDArray[numpy.uint8]] = []
    after = ""
    while page := catalogue.run(partial(read, after=after)):
        keys.append(numpy.array([checksum for checksum, _ in page], "S64"))
        content = numpy.frombuffer(b"".join(bits for _, bits in page), numpy.uint8)
        fingerprints.append(content.reshape(-1, fingerprint.BYTES))
        after = page[-1][0]
    return numpy.concatenate(keys), numpy.concatenate(fingerprints)


def _save(catalogue: Catalogue, keys: Keys, found: Sequence[Neighbours]) -> int:
    """Save the pairs of some looks, and mark the looks as paired; return the number of pairs."""
    bits: dict[tuple[str, str], int] = {}
    for neighbours in found:
        mine = keys[neighbours.row].decode()
        nearest = zip(neighbours.rows, neighbours.bits, strict=True)
        for other, differing in islice(nearest, _MOST_NEIGHBOURS):
            theirs = keys[other].decode()
            bits[min(mine, theirs), max(mine, theirs)] = int(differing)

    def save(entries: Entries) -> int:
        tones = entries.looks.tones({checksum for pair in bits for checksum in pair})
        pairs = [
            pair
            for (one, other), differing in bits.items()
            if (pair := _pair(one, other, differing, tones))
        ]
        entries.look_alikes.put_pairs(pairs, [keys[one.row].decode() for one in found])
        return len(pairs)

    return catalogue.run(save)


def _pair(one: str, other: str, bits: int, tones: Mapping[str, Tone]) -> Pair | None:
    if one not in tones or other not in tones:  # removed meanwhile
        return None
    first, second = tones[one], tones[other]
    colours = colour_difference(first.cells, second.cells)
    kind = kind_of(bits, colours, first, second)
    return Pair(one, other, bits, colours, kind) if kind else None
