"""Looks, look-alikes and searches, on every database that the catalogue supports."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.look_variants import EASY
from wallpapers.catalogue.catalogue import Catalogue
from wallpapers.catalogue.search import Condition
from wallpapers.collection.look_alikes import find_groups, hide_worse, judge_different
from wallpapers.collection.pairing import pair_new_looks
from wallpapers.collection.search import Criteria, search
from wallpapers.demo import scenes
from wallpapers.images.colours import hex_to_oklab
from wallpapers.images.look import Look, look
from wallpapers.items import StoredImage, Wallpaper

LAKE = scenes.draw("lake", 5, 320, 180)
LOOKS = {
    "a" * 64: look(LAKE),
    "b" * 64: look(EASY["half"](LAKE)),
    "c" * 64: look(scenes.draw("aurora", 3, 320, 180)),
}


@pytest.fixture
def catalogue(open_it: Callable[[], Catalogue]) -> Catalogue:
    """Return a catalogue with three images that were looked at, and one that cannot be."""
    opened = open_it()
    sizes = {"a" * 64: 320, "b" * 64: 160, "c" * 64: 320, "d" * 64: 320}
    stored = [
        (
            Wallpaper(checksum[0], ["http://a.test/"], source="s", title=f"picture {checksum[0]}"),
            StoredImage(
                url="http://a.test/",
                path=f"s/{checksum[0]}.jpg",
                checksum=checksum,
                status="downloaded",
                width=width,
                height=width * 9 // 16,
                format="JPEG",
                size=1_000,
            ),
        )
        for checksum, width in sizes.items()
    ]
    opened.run(lambda entries: entries.record_all(stored))
    seen: dict[str, Look | str] = {**LOOKS, "d" * 64: "broken (no image)"}
    opened.run(lambda entries: entries.looks.put_looks(seen))
    return opened


def paths(catalogue: Catalogue, criteria: Criteria) -> list[str]:
    return [found.image["path"] for found in search(catalogue, criteria)]


def test_a_look_is_read_as_it_was_written(catalogue: Catalogue) -> None:
    found = catalogue.run(lambda entries: entries.search.images(LOOKS))
    palettes = catalogue.run(lambda entries: entries.looks.palettes(list(LOOKS)))
    for checksum, seen in LOOKS.items():
        tonality = found[checksum].tonality
        assert tonality is not None
        for name, value in vars(tonality).items():
            assert value == getattr(seen, name)
        assert tuple(palettes[checksum]) == seen.palette
    assert catalogue.run(lambda entries: entries.looks.look_errors()) == {
        "s/d.jpg": "broken (no image)"
    }
    assert catalogue.run(lambda entries: entries.looks.count_without_look()) == 0
    assert catalogue.run(lambda entries: entries.looks.count_without_look(with_errors=True)) == 1


def test_pairs_are_written_once_and_decisions_stay(catalogue: Catalogue) -> None:
    assert pair_new_looks(catalogue) == 1
    assert pair_new_looks(catalogue) == 0
    (group,) = find_groups(catalogue)
    assert (group.best.path, [copy.path for copy in group.others]) == ("s/a.jpg", ["s/b.jpg"])
    judge_different(catalogue, "b" * 64, "a" * 64)
    catalogue.run(lambda entries: entries.looks.put_looks(LOOKS))  # looked at again
    assert pair_new_looks(catalogue) == 1
    assert find_groups(catalogue) == []


def test_hidden_images_are_in_no_group_and_not_found(catalogue: Catalogue) -> None:
    pair_new_looks(catalogue)
    assert paths(catalogue, Criteria(best=True)) == ["s/a.jpg", "s/c.jpg", "s/d.jpg"]
    assert hide_worse(catalogue, find_groups(catalogue)) == 1
    assert find_groups(catalogue) == []
    assert paths(catalogue, Criteria()) == ["s/a.jpg", "s/c.jpg", "s/d.jpg"]


def test_images_are_found_by_look_and_word(catalogue: Catalogue) -> None:
    assert paths(catalogue, Criteria(Condition(max_lightness=40))) == ["s/c.jpg"]
    assert paths(catalogue, Criteria(words=("PICTURE", "b"))) == ["s/b.jpg"]
    assert paths(catalogue, Criteria(Condition(sources=("other",)))) == []
    (largest, *_) = LOOKS["c" * 64].palette
    assert paths(catalogue, Criteria(colours=(hex_to_oklab(largest.hex),)))[0] == "s/c.jpg"
