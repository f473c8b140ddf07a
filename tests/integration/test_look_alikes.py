"""Which copies of a picture are recognized, and that nothing else is.

``benchmarks/look_alikes.py`` has chosen the limit of bits on one half of these pictures. The
documentation reports the results of the other half, which is held out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import URL

from tests.look_alike_pictures import BACKGROUNDS, WALLPAPERS, drawn, is_held_out, packaged
from tests.look_variants import EASY, ENLARGED, looks_of
from wallpapers.catalogue.catalogue import Catalogue
from wallpapers.collection.grouping import Copy, best_of
from wallpapers.collection.kinds import KINDS
from wallpapers.collection.pairing import pair_new_looks
from wallpapers.images.look import Look

Looks = Mapping[tuple[str, str], Look]  # by picture and variant
Pairs = set[frozenset[tuple[str, str]]]


def looks_at(pictures: Iterator[tuple[str, Image.Image]]) -> Looks:
    """Return the looks of pictures and of their variants, as far as they have a content at all."""
    looks: dict[tuple[str, str], Look] = {}
    for name, picture in pictures:
        variants = looks_of(picture)
        if variants["original"].contrast >= 1:
            looks |= {(name, variant): seen for variant, seen in variants.items()}
    return looks


def paired(folder: Path, looks: Looks) -> Pairs:
    """Return the pairs that are found among *looks* in a new catalogue."""
    keys = {f"{number:064x}": key for number, key in enumerate(looks)}
    url = URL.create("sqlite", database=str(folder / "catalogue.db"))
    catalogue = Catalogue.open(url, lambda path, size: True)
    try:
        seen = {checksum: looks[key] for checksum, key in keys.items()}
        catalogue.run(lambda entries: entries.looks.put_looks(seen))
        pair_new_looks(catalogue)
        found = catalogue.run(lambda entries: list(entries.look_alikes.pairs(KINDS)))
    finally:
        catalogue.close()
    return {frozenset((keys[one], keys[other])) for one, other in found}


def check(looks: Looks, pairs: Pairs) -> None:
    """Check recall and precision on both halves, and that no enlarged copy is best."""
    names = sorted({name for name, _ in looks})
    held_out = {name for name in names if is_held_out(name)}
    for half in (set(names) - held_out, held_out):
        wanted = {frozenset(((name, "original"), (name, easy))) for name in half for easy in EASY}
        found = [pair for pair in pairs if {name for name, _ in pair} <= half]
        right = [pair for pair in found if len({name for name, _ in pair}) == 1]
        recall, precision = len(wanted & pairs) / len(wanted), len(right) / len(found)
        sys.stdout.write(f"{len(half)} pictures: recall {recall:.4f}, precision {precision:.5f}\n")
        assert recall >= 0.98
        assert precision >= 0.999
    for name in names:
        for variant in ENLARGED:
            best = best_of([copy_of(looks, name, "original", 1), copy_of(looks, name, variant, 2)])
            assert best.path == "original", (name, variant)


def copy_of(looks: Looks, name: str, variant: str, size: int) -> Copy:
    seen = looks[name, variant]
    facts = (variant, variant, size, size, "JPEG", size, "")
    return Copy(*facts, detail=seen.detail, sharpness_ratio=seen.sharpness_ratio)


def test_copies_of_drawn_pictures_are_recognized(tmp_path: Path) -> None:
    looks = looks_at(drawn(6))
    check(looks, paired(tmp_path, looks))


def test_without_faiss_the_same_pairs_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = looks_at(drawn(2))
    pairs = paired(tmp_path, looks)
    (tmp_path / "numpy").mkdir()
    monkeypatch.setitem(sys.modules, "faiss", None)  # cannot be imported
    assert paired(tmp_path / "numpy", looks) == pairs
    assert len(pairs) > len(list(combinations(range(8), 2)))


@pytest.mark.slow
def test_copies_of_many_drawn_pictures_are_recognized(tmp_path: Path) -> None:
    looks = looks_at(drawn(64))
    check(looks, paired(tmp_path, looks))


@pytest.mark.system(
    f"{BACKGROUNDS}/the-mouse.jpg",
    f"{WALLPAPERS}/Path/contents/images",
    package="ukui-wallpapers plasma-workspace-wallpapers",
)
def test_copies_of_debians_wallpapers_are_recognized(tmp_path: Path) -> None:
    looks = looks_at(packaged())
    assert len({name for name, _ in looks}) > 30
    check(looks, paired(tmp_path, looks))
