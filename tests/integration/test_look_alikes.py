"""Which copies of a picture are recognised, and that nothing else is.

The limits in ``collection/kinds.py`` and ``collection/grouping.py`` were chosen on other drawn
pictures, and on Debian's wallpapers. Results are reported for two halves of the pictures.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import URL

from tests.look_variants import EASY, ENLARGED, looks_of, recompressed
from wallpapers.catalogue.catalogue import Catalogue
from wallpapers.collection.grouping import Copy, best_of
from wallpapers.collection.kinds import KINDS
from wallpapers.collection.pairing import pair_new_looks
from wallpapers.demo import scenes
from wallpapers.images.look import Look

Looks = Mapping[tuple[str, str], Look]  # by picture and variant
Pairs = set[frozenset[tuple[str, str]]]

BACKGROUNDS, WALLPAPERS = Path("/usr/share/backgrounds"), Path("/usr/share/wallpapers")


def drawn(count: int) -> Iterator[tuple[str, Image.Image]]:
    """Yield drawn pictures, all of the same few kinds; none of them is among the first thousand."""
    for number in range(1_000, 1_000 + count):
        kind = scenes.KINDS[number % len(scenes.KINDS)]
        picture = scenes.draw(kind, number, 640, 360)
        yield f"{kind} {number}", recompressed("JPEG", 92)(picture)


def packaged() -> Iterator[tuple[str, Image.Image]]:
    """Yield the wallpapers of Debian's packages, one of each design."""
    designs = [path for path in BACKGROUNDS.iterdir() if path.suffix in (".jpg", ".png")]
    for folder in WALLPAPERS.iterdir():
        sizes = (folder / "contents" / "images").glob("*.*")
        designs += sorted(sizes, key=lambda path: path.stat().st_size)[-1:]
    for path in sorted(designs):
        with Image.open(path) as image:
            picture = image.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
        upright.thumbnail((1600, 1600))
        yield str(path), upright.convert("RGB")


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
    for half in (set(names[::2]), set(names[1::2])):
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


def test_copies_of_drawn_pictures_are_recognised(tmp_path: Path) -> None:
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
def test_copies_of_many_drawn_pictures_are_recognised(tmp_path: Path) -> None:
    looks = looks_at(drawn(64))
    check(looks, paired(tmp_path, looks))


@pytest.mark.system(
    f"{BACKGROUNDS}/the-mouse.jpg",
    f"{WALLPAPERS}/Path/contents/images",
    package="ukui-wallpapers plasma-workspace-wallpapers",
)
def test_copies_of_debians_wallpapers_are_recognised(tmp_path: Path) -> None:
    looks = looks_at(packaged())
    assert len({name for name, _ in looks}) > 30
    check(looks, paired(tmp_path, looks))
