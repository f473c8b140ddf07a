"""Find the groups of stored images that look alike, and hide all but the best of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from wallpapers.collection.grouping import Copy, Group, groups

if TYPE_CHECKING:
    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.catalogue.entries import Entries
    from wallpapers.catalogue.search import FoundImage

# Copies of one picture. Recoloured ones are alternatives: none is worse than the other.
COPIES = ("same", "marked")


def find_groups(catalogue: Catalogue, kinds: Sequence[str] = COPIES) -> list[Group]:
    """Return the groups of images paired as one of *kinds*, ordered by the path of the best.

    Damaged and hidden images are left out. Raises StoreError.
    """

    def read(entries: Entries) -> list[Group]:
        pairs = list(entries.look_alikes.pairs(kinds))
        found = entries.search.images({checksum for pair in pairs for checksum in pair})
        copies = {checksum: copy for checksum, one in found.items() if (copy := _copy(one))}
        return sorted(groups(copies, pairs), key=lambda group: group.best.path)

    return catalogue.run(read)


def worse_copies(catalogue: Catalogue) -> set[str]:
    """Return the sha256 of the images of which there is a better copy. Raises StoreError."""
    return {copy.checksum for group in find_groups(catalogue) for copy in group.others}


def hide_worse(catalogue: Catalogue, found: Sequence[Group]) -> int:
    """Hide the wallpapers of all images of *found* but the best; return their number.

    Starred ones are not hidden, and no file is removed. Raises StoreError.
    """

    def hide(entries: Entries) -> int:
        worse = [copy.checksum for group in found for copy in group.others]
        starred = set(entries.decisions.starred())
        by_checksum = entries.decisions.keys_by_checksum(worse)
        keys = [key for keys in by_checksum.values() for key in keys if key not in starred]
        return entries.decisions.hide(keys)

    return catalogue.run(hide)


def judge_different(catalogue: Catalogue, one: str, other: str) -> None:
    """Record that two images, by their sha256, are different pictures. Raises StoreError."""
    catalogue.run(lambda entries: entries.look_alikes.judge(one, other, "different"))


def _copy(found: FoundImage) -> Copy | None:
    image, tonality = found.image, found.tonality
    if tonality is None:
        return None
    return Copy(
        checksum=image["checksum"],
        path=image["path"],
        width=image["width"],
        height=image["height"],
        format=image["format"],
        size=image["size"],
        stored_at=found.stored_at,
        detail=tonality.detail,
        sharpness_ratio=tonality.sharpness_ratio,
    )
