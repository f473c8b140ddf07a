"""Names keep their capitals, and no two images share a path where case is ignored."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.case_insensitive import ignore_case
from tests.conftest import Crawl, Run
from tests.integration.catalogue_rows import image, put, wallpaper
from tests.integration.conftest import Open
from tests.pictures import encoded, exhibit, noise
from tests.s3 import BUCKET, keys, s3_bucket, s3_server, settings_of
from wallpapers.catalogue.entries import Entries
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.standin import StandIn

Prepare = Callable[[pytest.MonkeyPatch, Path], None]
UPPER, LOWER = exhibit(1, id="IMG-A"), exhibit(2, id="img-a")


def keep_case(patch: pytest.MonkeyPatch, folder: Path) -> None:
    pass


file_systems = pytest.mark.parametrize("prepare", [keep_case, ignore_case])


def stored(run: Run) -> dict[str, bytes]:
    """Return the bytes that are stored for each id."""
    return {item["id"]: run.bytes_of(item["images"][0]) for item in run.items}


def test_capitals_are_kept(crawl: Crawl) -> None:
    with StandIn([exhibit(1, id="AbC")]) as standin:
        (picture,) = crawl(standin, tag="en-US").images()
        assert crawl(standin, tag="en-US").stats["wallpapers/known"] == 1
    assert picture["path"] == "baidu_wallpaper/en-US/AbC.jpg"


def test_other_capitals_have_a_hash(crawl: Crawl) -> None:
    with StandIn([exhibit(1, id="Ä")]) as standin:
        (picture,) = crawl(standin).images()
    assert picture["path"].startswith("baidu_wallpaper/国家地理/Ä-")


@file_systems
@pytest.mark.parametrize("settings", [{}, {"IMAGES_THUMBS": {"small": (32, 32)}}])
def test_ids_that_differ_in_case_have_their_own_files(
    crawl: Crawl, monkeypatch: pytest.MonkeyPatch, prepare: Prepare, settings: dict[str, Any]
) -> None:
    prepare(monkeypatch, crawl.store)
    with StandIn([UPPER, LOWER]) as standin:
        run = crawl(standin, settings)
        again = crawl(standin, settings)
    assert run.stats["wallpapers/stored"] == again.stats["wallpapers/known"] == 2
    assert stored(run) == stored(again) == {one.id: one.content() for one in (UPPER, LOWER)}
    names = [path.name for path in crawl.store.glob("baidu_wallpaper/*/*")]
    assert len({name.casefold() for name in names}) == len(names) == 2


@file_systems
@pytest.mark.parametrize("shown", [[UPPER, LOWER], [LOWER, UPPER]])
def test_a_lost_file_does_not_give_its_name_to_another_id(
    crawl: Crawl, monkeypatch: pytest.MonkeyPatch, prepare: Prepare, shown: list[Any]
) -> None:
    prepare(monkeypatch, crawl.store)
    with StandIn(shown[:1]) as standin:
        (first,) = crawl(standin).images()
    (crawl.store / first["path"]).unlink()
    with StandIn(shown[1:]) as standin:
        crawl(standin)
    with StandIn(shown) as standin:
        run = crawl(standin)
        assert crawl(standin).stats["wallpapers/known"] == 2
    assert stored(run) == {one.id: one.content() for one in shown}


@file_systems
def test_a_file_without_a_row_belongs_to_the_id_of_its_name(
    crawl: Crawl, monkeypatch: pytest.MonkeyPatch, prepare: Prepare
) -> None:
    prepare(monkeypatch, crawl.store)
    with StandIn([UPPER]) as standin:
        crawl(standin)
    (crawl.store / FILE_NAME).unlink()
    with StandIn([LOWER, UPPER]) as standin:
        run = crawl(standin, {"CONCURRENT_REQUESTS": 1})
    assert stored(run) == {one.id: one.content() for one in (UPPER, LOWER)}


@file_systems
def test_ids_that_differ_in_case_may_have_the_same_image(
    crawl: Crawl, monkeypatch: pytest.MonkeyPatch, prepare: Prepare
) -> None:
    prepare(monkeypatch, crawl.store)
    same = encoded(noise(5))
    shown = [exhibit(1, same, id="IMG-A"), exhibit(2, same, id="img-a")]
    with StandIn(shown[1:]) as standin:
        crawl(standin)
    with StandIn(shown) as standin:
        run = crawl(standin)
        assert crawl(standin).stats["wallpapers/known"] == 2
    assert run.stats["wallpapers/duplicate"] == 1
    assert len(list(crawl.store.glob("baidu_wallpaper/*/*"))) == 1


def test_objects_of_a_bucket_do_not_differ_in_case_alone(crawl: Crawl, tmp_path: Path) -> None:
    with s3_server() as address, s3_bucket(address) as bucket:
        settings = {
            **settings_of(address),
            "IMAGES_STORE": f"s3://{BUCKET}/",
            "WALLPAPERS_CATALOGUE": f"sqlite:///{tmp_path}/catalogue.db",
        }
        with StandIn([UPPER, LOWER]) as standin:
            crawl.stats_of(standin, settings)
        names = keys(bucket)
    assert len({name.casefold() for name in names}) == len(names) == 2


def test_a_path_that_differs_in_case_is_that_of_another_image(
    open_it: Open, store: dict[str, int]
) -> None:
    catalogue = open_it()
    put(catalogue, store, wallpaper("A"), image("aa", path="s/A.jpg"))
    lower = partial(Entries.record, wallpaper=wallpaper("a"), image=image("bb", path="s/a.jpg"))
    assert catalogue.run(lower) is None
    holder = catalogue.run(partial(Entries.holder, path="s/a.jpg", wallpaper=wallpaper("a")))
    assert holder is not None
    assert holder.path == "s/A.jpg"
    adopted = partial(Entries.adopt, wallpaper=wallpaper("a"), image=image("aa", path="s/a.jpg"))
    assert catalogue.run(adopted) is None
