"""``wallpapers look-alikes``: copies of the same picture, the best first; nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.conftest import Crawl
from tests.e2e.command import Result, scrapy
from tests.look_variants import EASY, recompressed
from tests.pictures import encoded, exhibit, exhibits, noise
from wallpapers.demo import scenes
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn

LAKE = recompressed("JPEG", 90)(scenes.draw("lake", 5, 640, 360))
VARIANTS = ("half", "doubled", "jpeg", "cropped", "grey")


def lakes() -> list[Exhibit]:
    """Return a picture, variants of it, and pictures that have nothing to do with it."""
    pictures: dict[str, Image.Image] = {"lake": LAKE, **{n: EASY[n](LAKE) for n in VARIANTS}}
    pictures |= {"dunes": scenes.draw("dunes", 5, 640, 360)}
    pictures |= {name: Image.new("RGB", (640, 360), name) for name in ("black", "navy")}
    return [
        exhibit(0, encoded(picture, quality=90), title=name, width=picture.width, height=1)
        for name, picture in pictures.items()
    ]


@pytest.fixture
def store(crawl: Crawl) -> Path:
    """Return a store of ``lakes`` in which each file is named after its picture."""
    with StandIn(lakes()) as standin:
        run = crawl(standin, {"WALLPAPERS_LOOK": "always"})
    assert run.stats["wallpapers/stored"] == 9
    return run.store


def names(store: Path) -> dict[str, str]:
    """Return the titles of the wallpapers by path."""
    feed = store.parent / "items.jsonl"
    items = [json.loads(line) for line in feed.read_text().splitlines()]
    return {item["images"][0]["path"]: item["title"] for item in items}


def look_alikes(store: Path, *words: str) -> Result:
    return scrapy("look-alikes", "-s", f"IMAGES_STORE={store}", *words)


def groups(store: Path, *words: str) -> list[list[str]]:
    """Return the titles in each group, the best first."""
    result = look_alikes(store, "--json", *words)
    assert result.status == 0
    titles = names(store)
    found: list[dict[str, Any]] = json.loads(result.output)
    return [[titles[copy["path"]] for copy in (one["best"], *one["others"])] for one in found]


@pytest.mark.slow
def test_copies_are_grouped_around_the_original(store: Path) -> None:
    (group,) = groups(store)
    assert group[0] == "lake"
    assert sorted(group[1:]) == ["cropped", "doubled", "half", "jpeg"]
    (recoloured,) = groups(store, "--recoloured")
    assert set(recoloured) == {"lake", "grey"} | ({*recoloured} & {*VARIANTS})


@pytest.mark.slow
def test_the_same_is_printed_for_people(store: Path) -> None:
    lines = look_alikes(store).output.splitlines()
    assert lines[0].startswith("best    640x360 JPEG ")
    assert lines[-1] == "1 picture with 4 further copies"
    assert len(lines) == 6


def test_worse_copies_are_hidden_but_no_file_is_removed(store: Path) -> None:
    files = sorted(store.rglob("*.jpg"))
    path_of = {title: path for path, title in names(store).items()}
    assert scrapy("star", "-s", f"IMAGES_STORE={store}", path_of["half"]).status == 0
    hidden = look_alikes(store, "--hide-worse")
    assert hidden.status == 0
    assert "3 wallpapers hidden; scrapy unhide shows them again\n" in hidden.output
    assert groups(store) == [["lake", "half"]]
    assert sorted(store.rglob("*.jpg")) == files


@pytest.mark.slow
def test_images_judged_as_different_are_not_grouped(store: Path) -> None:
    path_of = {title: path for path, title in names(store).items()}
    pair = ("--different", path_of["lake"], path_of["half"])
    assert look_alikes(store, *pair).status == 0
    assert sorted(groups(store)[0][1:]) == ["cropped", "doubled", "jpeg"]
    assert scrapy("look", "--again", "-s", f"IMAGES_STORE={store}").status == 0
    assert "half" not in groups(store)[0]
    unknown = look_alikes(store, "--different", path_of["lake"], "nothing")
    assert unknown.status == 1
    assert "--different: not in the catalogue: nothing" in unknown.log
    assert look_alikes(store, "--different", path_of["lake"], path_of["lake"]).status == 1


@pytest.mark.slow
def test_new_images_are_compared_with_all_others(crawl: Crawl) -> None:
    everything = lakes()
    looks = {"WALLPAPERS_LOOK": "always"}
    with StandIn(everything[:2]) as standin:
        store = crawl(standin, looks).store
        assert groups(store) == [["lake", "half"]]
    with StandIn(everything) as standin:
        crawl(standin, looks)
    assert len(groups(store)[0]) == 5


@pytest.mark.slow
def test_images_without_a_description_are_counted(crawl: Crawl) -> None:
    with StandIn([*exhibits(2), exhibit(3, encoded(noise(3)))]) as standin:
        store = crawl(standin).store
    found, unseen = look_alikes(store).output.splitlines()
    assert found == "0 pictures with 0 further copies"
    assert unseen.startswith("3 images have no description; to describe them, run: ")
