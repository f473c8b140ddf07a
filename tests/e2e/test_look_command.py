"""``wallpapers look``: every stored image gets its look, once, whatever happens meanwhile."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Crawl, Run
from tests.e2e.command import Result, finish, scrapy, start
from tests.hostile import large_png, slow_jpeg
from tests.pictures import exhibit, exhibits
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.standin import StandIn


def look(store: Path, *words: str) -> Result:
    return scrapy("look", "-s", f"IMAGES_STORE={store}", *words)


def looks_in(store: Path) -> dict[str, str | None]:
    """Return the errors of the looks in a catalogue, None = it has values, by sha256."""
    with closing(sqlite3.connect(store / FILE_NAME)) as catalogue:
        return dict(catalogue.execute("SELECT sha256, error FROM looks").fetchall())


def path_of(run: Run, number: int) -> Path:
    """Return the file of the wallpaper *number*."""
    (item,) = (item for item in run.items if item["title"] == f"wallpaper {number}")
    path: Path = run.store / item["images"][0]["path"]
    return path


def test_each_image_is_looked_at_once(crawl: Crawl) -> None:
    with StandIn(exhibits(5)) as standin:
        run = crawl(standin, limit=3)
        assert looks_in(run.store) == {}
        first = look(run.store)
        assert first.status == 0
        assert first.output == (
            "3 images looked at, 0 cannot be decoded, 0 missing, 0 damaged, 0 unreadable\n"
        )
        crawl(standin)
    assert look(run.store).output.startswith("2 images looked at")
    assert look(run.store).output.startswith("0 images looked at")
    assert list(looks_in(run.store).values()) == [None] * 5


@pytest.mark.slow
def test_hostile_and_damaged_images_get_their_reason_and_cost_no_others_theirs(
    crawl: Crawl,
) -> None:
    hostile = [exhibit(7, slow_jpeg()), exhibit(8, large_png())]
    with StandIn([*exhibits(5), *hostile]) as standin:
        run = crawl(standin)
    path_of(run, 0).unlink()
    changed = path_of(run, 1)
    changed.write_bytes(changed.read_bytes().replace(b"JFIF", b"jfif", 1))
    slow, large = (path_of(run, number).relative_to(run.store) for number in (7, 8))
    limits = ("-s", "WALLPAPERS_DECODE_SECONDS=1", "-s", "WALLPAPERS_DECODE_MEMORY=200000000")
    result = look(run.store, *limits)
    assert result.status == 3
    *lines, advice = result.output.splitlines()
    assert advice.startswith("To have them downloaded again by the next crawl, run: ")
    assert " verify -s IMAGES_STORE=" in advice
    assert sorted(lines) == sorted(
        [
            f"cannot be decoded: {slow}: broken (its decoder took more than 1 s)",
            f"cannot be decoded: {large}: too_many_pixels (not enough memory to look at it)",
            f"missing: {path_of(run, 0).relative_to(run.store)}",
            f"damaged: {changed.relative_to(run.store)}",
            "3 images looked at, 2 cannot be decoded, 1 missing, 1 damaged, 0 unreadable",
        ]
    )
    second = look(run.store)
    assert second.status == 3
    assert "0 images looked at, 2 cannot be decoded" in second.output
    again = look(run.store, "--again", "-s", "WALLPAPERS_DECODE_SECONDS=1")
    assert "1 images looked at, 1 cannot be decoded" in again.output


@pytest.mark.slow
def test_a_killed_look_goes_on(crawl: Crawl) -> None:
    with StandIn(exhibits(200)) as standin:
        run = crawl(standin)
    process = start("look", "-s", f"IMAGES_STORE={run.store}")
    while process.poll() is None and not looks_in(run.store):
        pass
    process.kill()
    finish(process)
    seen = looks_in(run.store)
    assert look(run.store).output.startswith(f"{200 - len(seen)} images looked at")
    assert len(looks_in(run.store)) == 200


@pytest.mark.slow
def test_a_crawl_with_thumbnails_looks_at_what_it_stores(crawl: Crawl) -> None:
    with StandIn(exhibits(3)) as standin:
        run = crawl(standin, {"IMAGES_THUMBS": {"small": (32, 32)}})
    at_once = looks_in(run.store)
    assert len(at_once) == 3
    assert look(run.store).output.startswith("0 images looked at")


@pytest.mark.slow
def test_when_a_crawl_looks_is_a_setting(crawl: Crawl) -> None:
    thumbs = {"IMAGES_THUMBS": {"small": (32, 32)}}
    with StandIn(exhibits(4)) as standin:
        run = crawl(standin, {**thumbs, "WALLPAPERS_LOOK": "never"}, limit=2)
        assert looks_in(run.store) == {}
        crawl(standin, {"WALLPAPERS_LOOK": "always"})
    assert len(looks_in(run.store)) == 2


@pytest.mark.slow
def test_a_store_without_a_catalogue_and_a_wrong_argument_are_one_line(tmp_path: Path) -> None:
    result = look(tmp_path)
    assert result.status == 1
    assert f"there is no catalogue at {tmp_path / FILE_NAME}" in result.log
    assert look(tmp_path, "more").status == 2
    remote = scrapy("look", "-s", "IMAGES_STORE=gs://bucket/")
    assert remote.status == 1
    assert "images can be read from a folder or s3://, IMAGES_STORE is 'gs://bucket/'" in remote.log
