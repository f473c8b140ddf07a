"""Choose the limit of bits for look-alikes on one half of the pictures, and report on the other.

``python -m benchmarks.look_alikes`` needs Debian's packages ukui-wallpapers and
plasma-workspace-wallpapers, and minutes. Of the limits that pair no two different pictures of the
first half, those with the highest recall are best; of these, it takes the strictest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain, combinations, islice
from typing import NamedTuple

from PIL import Image

from tests.look_alike_pictures import drawn, is_held_out, packaged
from tests.look_variants import EASY, looks_of
from wallpapers.catalogue.looks import Tone
from wallpapers.collection.kinds import MAX_BITS, colour_difference, kind_of
from wallpapers.images.look import Look

_LIMITS = range(24, 97)  # bits
_DRAWN = 64
_TOGETHER = 16  # pictures in memory


class Copy(NamedTuple):
    """A variant of a picture."""

    picture: str
    variant: str
    look: Look


class Close(NamedTuple):
    """Two copies whose fingerprints differ in few bits."""

    one: Copy
    other: Copy
    bits: int
    colours: float

    def is_paired(self, max_bits: int) -> bool:
        """Return whether they are paired if *max_bits* may differ."""
        tones = (_tone(self.one.look), _tone(self.other.look))
        return kind_of(self.bits, self.colours, *tones, max_bits=max_bits) is not None

    @property
    def is_wanted(self) -> bool:
        """Whether they are an original and a copy that must be found."""
        variants = {self.one.variant, self.other.variant}
        return self.is_right and "original" in variants and bool(variants & EASY.keys())

    @property
    def is_right(self) -> bool:
        """Whether they are copies of one picture."""
        return self.one.picture == self.other.picture


class Score(NamedTuple):
    """The result for one limit."""

    recall: float
    precision: float


def main() -> None:
    """Print the limit that is chosen, and the results of both halves."""
    copies = list(_copies())
    halves = [[copy for copy in copies if is_held_out(copy.picture) == held] for held in (0, 1)]
    first, held_out = ((half, list(_close(half))) for half in halves)
    scores = {limit: _score(*first, limit) for limit in _LIMITS}
    exact = {limit: one for limit, one in scores.items() if one.precision == 1}
    chosen = max(exact, key=lambda limit: (exact[limit].recall, -limit))
    for limit in sorted({chosen, MAX_BITS}):
        print(
            f"at most {limit} bits: chosen on {scores[limit]}, held out {_score(*held_out, limit)}"
        )
    print(f"chosen: {chosen}, in use: {MAX_BITS}")


def _copies() -> Iterator[Copy]:
    pictures = chain(drawn(_DRAWN), packaged())
    with ProcessPoolExecutor() as pool:
        while some := list(islice(pictures, _TOGETHER)):
            for (name, _), looks in zip(some, pool.map(_looks, some), strict=True):
                if looks["original"].contrast >= 1:  # or else it has one colour
                    yield from (Copy(name, variant, seen) for variant, seen in looks.items())


def _looks(picture: tuple[str, Image.Image]) -> dict[str, Look]:
    return looks_of(picture[1])


def _close(copies: Sequence[Copy]) -> Iterator[Close]:
    bits_of = [int.from_bytes(copy.look.fingerprint) for copy in copies]
    for (one, first), (other, second) in combinations(zip(copies, bits_of, strict=True), 2):
        bits = (first ^ second).bit_count()
        if bits <= max(_LIMITS):
            yield Close(one, other, bits, colour_difference(one.look.cells, other.look.cells))


def _score(copies: Sequence[Copy], close: Sequence[Close], max_bits: int) -> Score:
    found = [pair for pair in close if pair.is_paired(max_bits)]
    wanted = len({copy.picture for copy in copies}) * len(EASY)
    right = sum(pair.is_right for pair in found)
    return Score(sum(pair.is_wanted for pair in found) / wanted, right / len(found))


def _tone(look: Look) -> Tone:
    return Tone(look.cells, look.contrast, look.plain)


if __name__ == "__main__":
    main()
