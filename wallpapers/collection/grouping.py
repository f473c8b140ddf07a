"""Group look-alikes around the best of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

# Two images have the same detail if one has at least this share of the other's.
_SAME_DETAIL = 0.95
# An image is an enlarged copy of another with fewer pixels if it has less than this share of its
# sharpness ratio, and the other has almost as much detail. Chosen on originals, copies of them that
# were enlarged 1.5 to 3 times, and copies of half the size.
_ENLARGED_RATIO = 0.85
_ENLARGED_DETAIL = 0.85


@dataclass(frozen=True)
class Copy:
    """One of the images that look alike."""

    checksum: str  # sha256, hex
    path: str
    width: int
    height: int
    format: str
    size: int  # bytes
    stored_at: str
    detail: float
    sharpness_ratio: float

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height


@dataclass(frozen=True)
class Group:
    """Images that look alike; each of the others looks like the best one."""

    best: Copy
    others: tuple[Copy, ...]  # the most pixels first


def groups(copies: Mapping[str, Copy], pairs: Iterable[tuple[str, str]]) -> Iterator[Group]:
    """Yield the groups that *pairs* of sha256 form; images without *copies* are left out.

    Each image is in one group at most. Every image of a group looks like the best one; an image
    that only looks like one of the others is not in it.
    """
    neighbours: dict[str, set[str]] = defaultdict(set)
    for one, other in pairs:
        if one in copies and other in copies:
            neighbours[one].add(other)
            neighbours[other].add(one)
    for component in _components(neighbours):
        left = set(component)
        while left:
            best = best_of(copies[checksum] for checksum in left)
            others = neighbours[best.checksum] & left
            left -= {best.checksum, *others}
            if others:
                yield Group(best, tuple(reversed(_sorted(copies[one] for one in others))))


def best_of(copies: Iterable[Copy]) -> Copy:
    """Return the best of images that look alike.

    It has the most detail at a common width. Of those with the same detail, it has the most pixels
    without being an enlarged copy, then the most bytes, then the earliest ``stored_at``.
    """
    best, *larger = _sorted(copies)
    for copy in larger:
        if _is_better(copy, best):
            best = copy
    return best


def _is_better(copy: Copy, smaller: Copy) -> bool:
    """Return whether *copy* is better than *smaller*, which precedes it in ``_sorted``."""
    if copy.pixels == smaller.pixels and copy.detail >= _SAME_DETAIL * smaller.detail:
        return True
    is_enlarged = (
        copy.sharpness_ratio <= _ENLARGED_RATIO * smaller.sharpness_ratio
        and smaller.detail >= _ENLARGED_DETAIL * copy.detail
    )
    return copy.detail >= _SAME_DETAIL * smaller.detail and not is_enlarged


def _sorted(copies: Iterable[Copy]) -> list[Copy]:
    """Sort by pixels, then bytes; of equal ones, the one that was stored first is the last."""
    newest_first = sorted(copies, key=lambda copy: (copy.stored_at, copy.checksum), reverse=True)
    return sorted(newest_first, key=lambda copy: (copy.pixels, copy.size))


def _components(neighbours: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """Yield the images that are connected by pairs, in the order of their first sha256."""
    seen: set[str] = set()
    for start in sorted(neighbours):
        if start in seen:
            continue
        component, reached = [], [start]
        seen.add(start)
        while reached:
            checksum = reached.pop()
            component.append(checksum)
            new = neighbours[checksum] - seen
            seen |= new
            reached += sorted(new)
        yield component
