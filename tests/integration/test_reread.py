"""Skip listings that were read to their end in the last days: ``-a reread_days=N``."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Crawl
from tests.integration.test_words import SEA, SKY, listings, tags, words_asked, words_file
from tests.pictures import exhibit, exhibits
from tests.standin.listing_faults import CutJson, SinglesListing
from tests.standin.picture_faults import MissingPicture
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.standin import StandIn
from wallpapers.run.exit_status import ExitStatus
from wallpapers.spiders.series import ListingArguments


def test_a_listing_that_was_read_to_its_end_is_skipped(crawl: Crawl, tmp_path: Path) -> None:
    words = words_file(tmp_path, "sea", "sky", "sun")
    with tags({"sea": SEA, "sky": SKY}) as standin:
        crawl(standin, tag=words, reread_days=3)
        standin.asked.clear()
        run = crawl(standin, tag=words, reread_days=3)
        assert words_asked(standin) == ["sun"]
    assert run.exit_status is ExitStatus.LISTING  # because of sun
    assert run.stats["wallpapers/listings/skipped"] == 2
    assert run.stats["wallpapers/listed"] == 0
    first, second, third = listings(run)
    assert first.startswith("skipped           0  sea: read to its end at 20")
    assert second.startswith("skipped           0  sky: read to its end at 20")
    assert third == "failed            0  sun"


def test_a_run_whose_listings_are_all_skipped_is_complete(crawl: Crawl, tmp_path: Path) -> None:
    words = [f"word {number}" for number in range(1500)]
    with StandIn(SEA) as standin:
        crawl(standin, tag="sea")
        mark_as_read(crawl.store, standin.endpoint, words)
        standin.asked.clear()
        one = crawl(standin, tag="sea", reread_days=1)
        many = crawl(standin, tag=words_file(tmp_path, *words), reread_days=1)
        assert standin.asked == []
    assert one.exit_status is many.exit_status is ExitStatus.COMPLETE
    assert one.stats["wallpapers/listings/skipped"] == 1
    assert many.stats["wallpapers/listings/skipped"] == 1500


def mark_as_read(store: Path, endpoint: str, words: list[str]) -> None:
    """Enter the listings of *words* as a run does that has read them."""
    rows = [
        (word, ListingArguments({"endpoint": endpoint, "tag": word}, {}).fingerprint)
        for word in words
    ]
    with closing(sqlite3.connect(store / FILE_NAME)) as catalogue:
        catalogue.executemany(
            "INSERT INTO read_listings SELECT source, ?, ?, read_at FROM read_listings LIMIT 1",
            rows,
        )
        catalogue.commit()


@pytest.mark.parametrize("changed", [{"limit": 9}, {"min_width": 5}, {"col": "x"}])
def test_other_arguments_are_another_listing(crawl: Crawl, changed: dict[str, Any]) -> None:
    with StandIn(SEA) as standin:
        crawl(standin, limit=2)
        assert crawl(standin, limit=2, reread_days=1).stats["wallpapers/listed"] == 0
        run = crawl(standin, reread_days=1, **{"limit": 2, **changed})
    assert run.stats["wallpapers/listings/read"] == 1


def test_without_the_argument_every_listing_is_read(crawl: Crawl) -> None:
    with StandIn(SEA) as standin:
        crawl(standin, reread_days=1)
        assert crawl(standin).stats["wallpapers/known"] == 4


def test_a_listing_that_was_read_earlier_is_read_again(crawl: Crawl) -> None:
    with StandIn(SEA) as standin:
        crawl(standin)
        with closing(sqlite3.connect(crawl.store / FILE_NAME)) as catalogue:
            catalogue.execute("UPDATE read_listings SET read_at = '2020-01-01T00:00:00+00:00'")
            catalogue.commit()
        assert crawl(standin, reread_days=365).stats["wallpapers/known"] == 4
        run = crawl(standin, reread_days=365)  # which the last run has made recent
    assert run.stats["wallpapers/listings/skipped"] == 1


class CutListing(CutJson, SinglesListing):
    """Ends in the middle."""

    from_page = 3


def test_a_listing_that_broke_off_is_read_again(crawl: Crawl) -> None:
    with CutListing(exhibits(9)) as standin:
        assert crawl(standin).exit_status is ExitStatus.LISTING
        run = crawl(standin, reread_days=1)
    assert run.stats["wallpapers/listings/failed"] == 1


def test_a_listing_with_wallpapers_that_are_left_is_read_again(crawl: Crawl) -> None:
    limit = {"CLOSESPIDER_ITEMCOUNT": 10, "CONCURRENT_REQUESTS": 3}
    with StandIn(exhibits(60)) as standin:
        cut_off = crawl(standin, limit)
        assert cut_off.stats["wallpapers/left"] > 0
        run = crawl(standin, reread_days=1)
    assert run.stats["wallpapers/listed"] == 60


def test_the_last_page_of_a_listing_is_settled_before_the_listing_is(crawl: Crawl) -> None:
    """With a limit, the last page has new wallpapers."""
    cut_off = {"CLOSESPIDER_ITEMCOUNT": 10, "CONCURRENT_REQUESTS": 3}
    with StandIn(exhibits(60)) as standin:
        assert crawl(standin, cut_off, limit=40).stats["wallpapers/left"] > 0
        run = crawl(standin, limit=40, reread_days=1)
    assert run.stats["wallpapers/listed"] == 40


def test_a_listing_whose_wallpapers_failed_was_read(crawl: Crawl) -> None:
    with MissingPicture(exhibits(3)) as standin:
        assert crawl(standin).exit_status is ExitStatus.FAILURES
        run = crawl(standin, reread_days=1)
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/listings/skipped"] == 1


def test_a_catalogue_that_cannot_be_read_ends_the_run_with_5(crawl: Crawl) -> None:
    crawl.store.mkdir()
    (crawl.store / FILE_NAME).write_bytes(b"no database" * 100)
    with StandIn([exhibit(1)]) as standin:
        stats = crawl.stats_of(standin, reread_days=1)
    assert stats["wallpapers/outcome"] == "store"
