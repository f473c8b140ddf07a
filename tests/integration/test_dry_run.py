"""WALLPAPERS_DRY_RUN: what a crawl would download, and nothing is stored."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.conftest import Crawl
from tests.integration.test_plain_spiders import WallpaperSpider, crawl_with
from tests.integration.test_words import SEA, SKY, listings, tags, words_asked, words_file
from tests.pictures import exhibit, exhibits
from tests.standin import listing_faults as faults
from tests.standin.sources import SearchStandIn
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.standin import StandIn
from wallpapers.run.exit_status import ExitStatus
from wallpapers.spiders.baidu_search import BaiduSearchSpider

DRY: dict[str, Any] = {"WALLPAPERS_DRY_RUN": True}


def pictures_asked(standin: StandIn) -> list[str]:
    return [path for path in standin.asked if path.startswith("/image/")]


def contents(store: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}


def test_nothing_is_stored_and_the_feed_has_what_would_be_downloaded(crawl: Crawl) -> None:
    with StandIn(exhibits(5)) as standin:
        run = crawl(standin, DRY)
        assert pictures_asked(standin) == []
    assert run.exit_status is ExitStatus.COMPLETE
    assert not crawl.store.exists()
    assert len(run.items) == run.stats["wallpapers/wanted"] == 5
    assert all(item["images"] == [] and item["image_urls"] for item in run.items)
    assert "  wanted           5  dry run, nothing is stored" in run.log
    assert run.stats["wallpapers/stored"] == 0


def test_known_and_filtered_wallpapers_are_not_in_the_feed(crawl: Crawl) -> None:
    shown = [*exhibits(4), exhibit(7, width=20, height=20), exhibit(8)]
    with StandIn(shown[:4]) as standin:
        crawl(standin)
    before = contents(crawl.store)
    with StandIn(shown) as standin:
        run = crawl(standin, DRY, min_width=50)
        assert pictures_asked(standin) == []
    assert contents(crawl.store) == before
    assert [item["id"] for item in run.items] == [shown[5].id]
    assert run.stats["wallpapers/known"] == 4
    assert run.stats["wallpapers/filtered/too_small_by_claim"] == 1
    assert run.stats["wallpapers/wanted"] == 1


def test_a_wallpaper_whose_file_is_gone_would_be_downloaded(crawl: Crawl) -> None:
    with StandIn(exhibits(2)) as standin:
        gone, _ = crawl(standin).images()
        (crawl.store / gone["path"]).unlink()
        run = crawl(standin, DRY)
    assert run.stats["wallpapers/known"] == run.stats["wallpapers/wanted"] == 1


def test_a_hidden_wallpaper_is_filtered(crawl: Crawl) -> None:
    with StandIn(exhibits(2)) as standin:
        hidden, _ = crawl(standin).items
        with closing(sqlite3.connect(crawl.store / FILE_NAME)) as catalogue:
            catalogue.execute(
                "UPDATE wallpapers SET hidden_at = '2026' WHERE id = ?", [hidden["id"]]
            )
            catalogue.commit()
        run = crawl(standin, DRY)
    assert run.stats["wallpapers/filtered/hidden"] == 1
    assert run.stats["wallpapers/known"] == 1


def test_a_preview_with_an_original_would_be_downloaded(crawl: Crawl) -> None:
    class Previews(SearchStandIn):
        without_originals = True

    with Previews(exhibits(2)) as previews:
        crawl(previews, spider=BaiduSearchSpider, previews=1)
        again = crawl(previews, DRY, spider=BaiduSearchSpider, previews=1)
    with SearchStandIn(exhibits(2)) as standin:
        run = crawl(standin, DRY, spider=BaiduSearchSpider, previews=1)
    assert again.stats["wallpapers/known"] == 2
    assert run.stats["wallpapers/wanted"] == 2


def test_each_listing_has_its_counts_and_is_not_recorded_as_read(
    crawl: Crawl, tmp_path: Path
) -> None:
    words = words_file(tmp_path, "sea", "blue")
    with tags({"sea": SEA, "blue": [*SEA, *SKY]}) as standin:
        run = crawl(standin, DRY, tag=words)
        assert listings(run) == [
            "read              4  sea: wanted 4",
            "read              9  blue: known 4, wanted 5",
        ]
        crawl(standin, tag="sea", limit=4)
        standin.asked.clear()
        run = crawl(standin, DRY, tag=words, limit=4, reread_days=1)
        assert words_asked(standin) == ["blue"]
    assert run.stats["wallpapers/known"] == 4


def test_a_wallpaper_that_comes_twice_while_the_catalogue_opens_is_wanted_once(
    crawl: Crawl,
) -> None:
    class TwiceSpider(WallpaperSpider):
        def items(self, entry: dict[str, Any]) -> Iterator[Any]:
            yield from super().items(entry)
            yield from super().items(entry)

    with StandIn(exhibits(2)) as standin:
        run = crawl_with(crawl, standin, TwiceSpider, DRY)
    assert run.stats["wallpapers/wanted"] == run.stats["wallpapers/known"] == 2


def test_a_listing_that_fails_ends_a_dry_run_with_4(crawl: Crawl) -> None:
    with faults.AntiFlag(exhibits(1)) as standin:
        run = crawl(standin, DRY)
    assert run.exit_status is ExitStatus.LISTING
    assert not crawl.store.exists()


def test_an_older_catalogue_is_not_upgraded(crawl: Crawl) -> None:
    with StandIn(exhibits(1)) as standin:
        crawl(standin)
        with closing(sqlite3.connect(crawl.store / FILE_NAME)) as catalogue:
            catalogue.execute("UPDATE catalogue_version SET version = 3")
            catalogue.commit()
        before = contents(crawl.store)
        stats = crawl.stats_of(standin, DRY)
    assert stats["wallpapers/outcome"] == "store"
    assert contents(crawl.store) == before


def test_a_catalogue_without_tables_has_no_wallpaper(crawl: Crawl) -> None:
    crawl.store.mkdir()
    (crawl.store / FILE_NAME).touch()
    with StandIn(exhibits(2)) as standin:
        assert crawl(standin, DRY).stats["wallpapers/wanted"] == 2
