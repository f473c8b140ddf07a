"""``wallpapers find``: the paths of the images that match, for other programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import Crawl
from tests.e2e.command import Result, scrapy
from tests.look_variants import EASY
from tests.pictures import encoded, exhibit, exhibits
from wallpapers.demo import scenes
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn


def find(store: Path, *words: str) -> Result:
    return scrapy("find", "-s", f"IMAGES_STORE={store}", *words)


def shown() -> list[Exhibit]:
    """Return pictures that each option distinguishes."""
    night = Image.new("RGB", (640, 360), "#401018")
    night.paste("#f0e0b0", (500, 40, 560, 100))
    day = scenes.draw("sea", 4, 640, 360)
    phone = scenes.draw("forest", 3, 360, 640)
    pictures = {"night": night, "day": day, "phone": phone, "smaller day": EASY["half"](day)}
    return [
        exhibit(0, encoded(picture, "PNG" if title == "night" else "JPEG"), title=title)
        for title, picture in pictures.items()
    ]


@pytest.fixture
def store(crawl: Crawl) -> Path:
    with StandIn(shown()) as standin:
        return crawl(standin, {"WALLPAPERS_LOOK": "always"}).store


def titles(store: Path, *words: str) -> list[str]:
    """Return the titles of the images that are found, in the order of their paths."""
    items = [json.loads(line) for line in (store.parent / "items.jsonl").read_text().splitlines()]
    title_of = {f"{store}/{item['images'][0]['path']}": item["title"] for item in items}
    result = find(store, *words)
    assert result.status == 0, result.log
    assert not result.log
    assert sorted(result.output.splitlines()) == sorted({*result.output.splitlines()})
    return [title_of[line] for line in result.output.splitlines()]


def test_each_option_selects(store: Path) -> None:
    assert sorted(titles(store)) == ["day", "night", "phone", "smaller day"]
    assert titles(store, "--dark", "--source", "baidu_wallpaper") == ["night"]
    assert "night" not in titles(store, "--light")
    assert titles(store, "--ratio", "9:16", "--orientation", "portrait") == ["phone"]
    assert sorted(titles(store, "--min-size", "640x360")) == ["day", "night"]
    assert titles(store, "--formats", "png", "--word", "NIGHT", "--word", "国家地理") == ["night"]
    assert titles(store, "--source", "bing_wallpaper") == []


def test_words_are_found_in_any_case_and_in_each_listing(crawl: Crawl) -> None:
    shown = [exhibit(0, title='Die "Große" Brücke'), exhibit(1, title="lake")]
    with StandIn(shown) as standin:
        crawl(standin)
        store = crawl(standin, tag="Nacht").store
    bridge = find(store, "--word", '"GROSSE" BRÜCKE').output.splitlines()
    lake = find(store, "--word", "LAKE", "--word", "nacht").output.splitlines()
    assert len(bridge) == len(lake) == 1
    assert bridge != lake
    assert sorted(find(store, "--word", "NACHT").output.splitlines()) == sorted(bridge + lake)
    assert find(store, "--word", "image_urls").output == ""


@pytest.mark.slow
def test_colours_are_found_by_how_they_look(store: Path) -> None:
    assert titles(store, "--colour", "#42121a") == ["night"]
    assert titles(store, "--color", "401018", "--colour", "#00ff00") == []


@pytest.mark.slow
def test_the_best_copy_is_found_and_favourites_are(store: Path) -> None:
    too_early = "scrapy: 4 images were not compared with others; to compare them, run: "
    assert find(store, "--best").log.startswith(too_early)
    assert scrapy("look-alikes", "-s", f"IMAGES_STORE={store}").status == 0
    assert sorted(titles(store, "--best")) == ["day", "night", "phone"]
    path = find(store, "--dark").output.strip()
    assert scrapy("star", "-s", f"IMAGES_STORE={store}", path).status == 0
    assert titles(store, "--starred") == ["night"]


@pytest.mark.slow
def test_hidden_damaged_and_missing_images_are_not_found(store: Path) -> None:
    first, second, third, fourth = find(store).output.splitlines()
    assert scrapy("hide", "-s", f"IMAGES_STORE={store}", first).status == 0
    Path(second).unlink()
    Path(third).write_bytes(Path(third).read_bytes()[:-1] + b"\0")
    assert scrapy("verify", "-s", f"IMAGES_STORE={store}").status == 3
    assert find(store).output.splitlines() == [fourth]


@pytest.mark.slow
def test_paths_are_for_other_programs(store: Path) -> None:
    paths = find(store).output.splitlines()
    assert find(store, "-0").output == "".join(f"{path}\0" for path in paths)
    assert find(store, "--limit", "2").output.splitlines() == paths[:2]
    assert find(store, "--limit", "-2").status == 2
    path, colours = find(store, "--dark", "--palette").output.strip().split("\t")
    assert path in paths
    assert colours.startswith("#401018 #f0e0b0")


@pytest.mark.slow
def test_images_without_a_description_are_counted(crawl: Crawl) -> None:
    with StandIn(exhibits(2)) as standin:
        store = crawl(standin).store
    assert len(find(store).output.splitlines()) == 2
    result = find(store, "--dark")
    assert result.output == ""
    assert result.log.startswith(
        "scrapy: 2 images have no description and were left out; to describe them, run: "
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--colour", "blue"), "--colour must be like '#1e3a5f', got 'blue'"),
        (("--ratio", "wide"), "ratio must be like 16:9 or 1.78, got 'wide'"),
        (("--min-size", "2k"), "min_size must be"),
        (("--formats", "TIFF"), "formats must be"),
    ],
)
def test_a_wrong_value_is_one_line(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    result = find(tmp_path, *words)
    assert result.status == 1
    assert message in result.log
    assert len(result.log.splitlines()) == 1
