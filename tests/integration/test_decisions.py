"""What the user hides and stars, on every database that the catalogue supports."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

import pytest

from tests.integration.catalogue_rows import image, put, wallpaper
from tests.integration.conftest import Open
from wallpapers.catalogue.catalogue import Catalogue
from wallpapers.catalogue.comparison import compare
from wallpapers.catalogue.entries import Entries
from wallpapers.items import Key
from wallpapers.maintenance.selection import select


def key(identity: str) -> Key:
    return "s", identity


def listed(catalogue: Catalogue, *ids: str) -> tuple[set[str], set[str]]:
    """List wallpapers as a crawl does; return those that have a picture, and the hidden ones."""

    def enter(entries: Entries) -> tuple[set[str], set[str]]:
        held = entries.enter_listed([wallpaper(identity) for identity in ids])
        return {name for _, name in held}, {name for _, name in entries.hidden_listed}

    return catalogue.run(enter)


def failed(catalogue: Catalogue) -> list[str]:
    return [one.id for one in catalogue.run(lambda entries: entries.failed("s"))]


def test_a_hidden_wallpaper_stays_hidden_whatever_a_run_records(
    open_it: Open, store: dict[str, int]
) -> None:
    catalogue = open_it()
    listed(catalogue, "1", "2")
    assert catalogue.run(lambda entries: entries.decisions.hide([key("1"), key("nowhere")])) == 1
    assert catalogue.run(lambda entries: entries.decisions.hide([key("1")])) == 0  # it was already
    put(catalogue, store, wallpaper("1"), image())
    assert listed(open_it(), "1", "2") == (set(), {"1"})
    catalogue.run(lambda entries: entries.fail(wallpaper("1"), "http_404", "a.test", "..."))
    assert listed(catalogue, "1") == (set(), {"1"})
    assert failed(catalogue) == []
    assert catalogue.run(lambda entries: entries.decisions.hidden()) == [key("1")]
    assert catalogue.run(lambda entries: entries.decisions.unhide([key("1"), key("2")])) == 1
    assert listed(catalogue, "1") == ({"1"}, set())
    assert failed(catalogue) == ["1"]


def test_a_starred_wallpaper_stays_starred_whatever_a_run_records(
    open_it: Open, store: dict[str, int]
) -> None:
    catalogue = open_it()
    listed(catalogue, "1", "2")
    assert catalogue.run(lambda entries: entries.decisions.star([key("2"), key("1")])) == 2
    put(catalogue, store, wallpaper("1"), image())
    assert open_it().run(lambda entries: entries.decisions.starred()) == [key("1"), key("2")]
    assert catalogue.run(lambda entries: entries.decisions.unstar([key("2")])) == 1
    assert catalogue.run(lambda entries: entries.decisions.starred()) == [key("1")]


def test_a_content_is_hidden_when_all_of_its_wallpapers_are(
    open_it: Open, store: dict[str, int]
) -> None:
    catalogue = open_it()
    for identity in ("1", "2"):
        put(catalogue, store, wallpaper(identity), image())

    def paths(entries: Entries) -> list[str]:
        return entries.decisions.hidden_paths([key("1"), key("2")])

    another = partial(Entries.record, wallpaper=wallpaper("3"), image=image(path="s/3.jpg"))

    catalogue.run(lambda entries: entries.decisions.hide([key("1")]))
    assert catalogue.run(paths) == []
    assert catalogue.run(lambda entries: entries.formats()) == {"JPEG": (1, 10)}

    catalogue.run(lambda entries: entries.decisions.hide([key("2")]))
    assert catalogue.run(paths) == ["s/1.jpg"]
    assert catalogue.run(lambda entries: entries.formats()) == {}
    assert catalogue.run(lambda entries: entries.pictures()) == []
    refused = catalogue.run(another)
    assert refused is not None
    assert (refused.refused_as, refused.image["path"]) == ("hidden", "s/1.jpg")
    assert listed(catalogue, "3") == (set(), {"3"})  # not fetched a second time

    catalogue.run(lambda entries: entries.decisions.unhide([key("3")]))
    accepted = catalogue.run(another)
    assert accepted is not None
    assert not accepted.refused_as


def test_hidden_wallpapers_are_counted_separately(open_it: Open, store: dict[str, int]) -> None:
    catalogue = open_it()
    put(catalogue, store, wallpaper("1"), image())
    listed(catalogue, "2", "3")
    catalogue.run(lambda entries: entries.decisions.hide([key("1"), key("2")]))
    count = partial(Entries.count, hidden=True)
    assert catalogue.run(lambda e: count(e, "state")) == {("listed",): 1, ("stored",): 1}
    assert catalogue.run(lambda e: e.count("state", hidden=False)) == {("listed",): 1}
    assert catalogue.run(lambda e: e.count("state", state="stored", hidden=False)) == {}


@pytest.mark.parametrize("count", [1, 1_200])
def test_wallpapers_are_found_by_key_id_path_and_content(
    open_it: Open, store: dict[str, int], count: int
) -> None:
    catalogue = open_it()
    numbers = [str(number) for number in range(count)]
    pairs = [(wallpaper(name), image(f"sum{name}", f"s/{name}.jpg")) for name in numbers]
    catalogue.run(lambda entries: entries.record_all(pairs))
    listed_elsewhere = wallpaper("0", source="other")
    put(catalogue, store, listed_elsewhere, image("sum0", "s/0.jpg"))
    both = [("other", "0"), ("s", "0")]
    one_each = {name: [key(name)] for name in numbers} | {"0": both}

    keys = [*map(key, numbers), ("other", "0")]
    assert catalogue.run(lambda e: e.decisions.existing([*keys, ("other", "1")])) == set(keys)
    assert catalogue.run(lambda e: e.decisions.keys_by_id([*numbers, "x"])) == one_each
    paths = {f"s/{name}.jpg": keys for name, keys in one_each.items()}
    assert catalogue.run(lambda e: e.decisions.keys_by_path([*paths, "s/x.jpg"])) == paths
    checksums = {f"sum{name}": keys for name, keys in one_each.items()}
    assert catalogue.run(lambda e: e.decisions.keys_by_checksum([*checksums, "x"])) == checksums
    assert catalogue.run(lambda e: e.decisions.hide(keys)) == count + 1


def test_names_of_wallpapers_and_moved_files_are_found(
    open_it: Open, store: dict[str, int], tmp_path: Path
) -> None:
    """The row of a file that is named after it was moved within the store follows it."""
    catalogue = open_it()
    content = b"bytes of an image"
    checksum = hashlib.sha256(content).hexdigest()
    put(catalogue, store, wallpaper("1"), image(checksum, "s/1.jpg", len(content)))
    put(catalogue, store, wallpaper("2/b"), image("bb", "s/2.jpg"))
    put(catalogue, store, wallpaper("3"), image("cc", "s/3.jpg"))
    put(catalogue, store, wallpaper("3", source="other"), image("cc", "s/3.jpg"))
    del store["s/1.jpg"]
    moved = tmp_path / "best" / "1.jpg"
    moved.parent.mkdir()
    moved.write_bytes(content)

    selection = select(catalogue, tmp_path, [str(moved), "s/2/b", "s/./2.jpg", "3", "4", "\0"])
    assert selection.keys == [key("1"), key("2/b")]
    assert selection.ambiguous == {"3": [("other", "3"), key("3")]}
    assert selection.unknown == ["4", "\0"]
    assert ("best/1.jpg", len(content), False) in catalogue.run(lambda e: list(e.files()))
    assert select(catalogue, None, ["best/1.jpg", "s/3.jpg"]).keys == [
        *(key("1"), ("other", "3"), key("3")),
    ]


def test_a_row_follows_its_file_unless_the_path_is_taken(
    open_it: Open, store: dict[str, int]
) -> None:
    catalogue = open_it()
    for identity, checksum in (("1", "aa"), ("2", "bb"), ("3", "cc")):
        put(catalogue, store, wallpaper(identity), image(checksum, f"s/{identity}.jpg"))
    catalogue.run(lambda entries: entries.decisions.hide([key("3")]))
    assert catalogue.run(lambda entries: entries.follow("aa", "t/1.jpg"))
    assert catalogue.run(lambda entries: entries.follow("aa", "t/1.jpg"))
    assert not catalogue.run(lambda entries: entries.follow("aa", "s/2.jpg"))
    compared = catalogue.run(partial(compare, files={"t/1.jpg": 10, "s/4.jpg": 7, "s/3.jpg": 10}))
    assert compared.without_row == {"s/4.jpg": 7}
    assert (compared.missing, compared.expected) == ([10], 2)
