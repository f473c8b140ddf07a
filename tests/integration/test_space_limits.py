"""A floor of free space and a budget of the store end the run before they are exceeded."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from tests.conftest import Crawl, Run
from tests.pictures import encoded, exhibit, exhibits, noise
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn
from wallpapers.pipelines import budget
from wallpapers.run.exit_status import ExitStatus

KB = 1000


def stored_bytes(store: Path) -> int:
    return sum(path.stat().st_size for path in store.rglob("*.jpg"))


def check_stopped(run: Run, line: str) -> None:
    """Assert that the run ended with 5 for one reason, and nothing half stored."""
    assert run.exit_status is ExitStatus.STORE
    (error,) = run.errors()
    assert line in error
    assert not list(run.store.glob(".parts/*"))


def shrinking_disk(patch: pytest.MonkeyPatch, store: Path, capacity_bytes: int) -> None:
    """Have the disk hold *capacity_bytes*, taken by stored images only."""

    def statvfs(path: object) -> SimpleNamespace:
        free_bytes = capacity_bytes - stored_bytes(store)
        return SimpleNamespace(f_bavail=free_bytes // 100, f_frsize=100)

    patch.setattr(os, "statvfs", statvfs)


def test_a_disk_below_the_floor_ends_the_run_before_an_image_is_requested(crawl: Crawl) -> None:
    with StandIn(exhibits(3)) as standin:
        run = crawl(standin, {"WALLPAPERS_MIN_FREE_SPACE": "1000000T"})
    check_stopped(run, f"WALLPAPERS_MIN_FREE_SPACE reached: the disk of {crawl.store} has ")
    assert " left, less than 1.0 EB; free disk space or lower it; stopping the run" in run.log
    assert stored_bytes(crawl.store) == 0


def test_the_floor_is_kept_during_the_run(crawl: Crawl, monkeypatch: pytest.MonkeyPatch) -> None:
    shrinking_disk(monkeypatch, crawl.store, 100 * KB)
    with StandIn(exhibits(100)) as standin:
        run = crawl(standin, {"WALLPAPERS_MIN_FREE_SPACE": "90K", "CONCURRENT_REQUESTS": 2})
    check_stopped(run, " kB left, less than 90.0 kB; free disk space")
    assert 0 < stored_bytes(crawl.store) <= 10 * KB + 3 * KB  # one image beyond
    assert run.stats["wallpapers/left"] > 0


def test_the_budget_is_never_exceeded(crawl: Crawl) -> None:
    with StandIn(exhibits(60)) as standin:
        run = crawl(standin, {"WALLPAPERS_MAX_STORE_SIZE": "20K"})
        check_stopped(run, " kB of 20.0 kB; delete some with the command hide --delete")
        assert 17 * KB < stored_bytes(crawl.store) <= 20 * KB
        stored = run.stats["wallpapers/stored"]
        again = crawl(standin, {"WALLPAPERS_MAX_STORE_SIZE": "30K"})
        assert again.stats["wallpapers/known"] >= stored - 1
        assert 27 * KB < stored_bytes(crawl.store) <= 30 * KB
        assert crawl(standin).exit_status is ExitStatus.COMPLETE


def test_only_new_content_counts(crawl: Crawl) -> None:
    """Known, duplicate and repaired images fit into a store that is full."""
    shown = [*exhibits(4), exhibit(9, encoded(noise(0)))]
    size = sum(len(one.content()) for one in shown[:4])
    limit = {"WALLPAPERS_MAX_STORE_SIZE": size}
    with StandIn(shown) as standin:
        first = crawl(standin, limit)
        assert (first.exit_status, first.stats["wallpapers/duplicate"]) == (0, 1)
        next(crawl.store.rglob("*.jpg")).unlink()
        repaired = crawl(standin, limit)
    assert (repaired.exit_status, repaired.stats["wallpapers/stored"]) == (0, 1)


def test_files_that_are_found_again_count(crawl: Crawl) -> None:
    with StandIn(exhibits(20)) as standin:
        assert crawl(standin).exit_status is ExitStatus.COMPLETE
        size = stored_bytes(crawl.store)
    for path in crawl.store.glob(".catalogue.db*"):
        path.unlink()
    with StandIn(exhibits(40)) as standin:
        check_stopped(
            crawl(standin, {"WALLPAPERS_MAX_STORE_SIZE": size + 1}), "MAX_STORE_SIZE reached"
        )


class WithAnotherRun(StandIn):
    """Adds an image of 1 GB to the catalogue, as another run would, when the tenth is requested."""

    catalogue: Path
    requested = 0

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        self.requested += 1
        if self.requested == 10:
            with closing(sqlite3.connect(self.catalogue)) as catalogue:
                catalogue.execute(
                    "INSERT INTO pictures (sha256, path, size, width, height, format, stored_at) "
                    "VALUES ('aa', 's/1.jpg', 1000000000, 1, 1, 'JPEG', '')"
                )
                catalogue.commit()
        return await super().picture(request, exhibit)


def test_images_stored_by_another_run_count(crawl: Crawl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "_READ_AGAIN_S", 0)  # otherwise a minute
    with WithAnotherRun(exhibits(60)) as standin:
        standin.catalogue = crawl.store / FILE_NAME
        limits = {"WALLPAPERS_MAX_STORE_SIZE": "1G", "CONCURRENT_REQUESTS": 2}
        run = crawl(standin, limits)
    check_stopped(run, "MAX_STORE_SIZE reached: images take 1.0 GB of 1.0 GB")
    assert run.stats["wallpapers/stored"] < 12


@pytest.mark.parametrize("name", ["WALLPAPERS_MIN_FREE_SPACE", "WALLPAPERS_MAX_STORE_SIZE"])
@pytest.mark.parametrize("value", ["5X", "-1", "", "nan", "0.5", "G"])
def test_a_wrong_size_is_named(crawl: Crawl, name: str, value: str) -> None:
    with (
        StandIn(exhibits(1)) as standin,
        pytest.raises(ValueError, match="must be a size") as error,
    ):
        crawl(standin, {name: value})
    message = str(error.value)
    assert message == f"{name} must be a size such as 500M, 5G or 5Gi, 0 = no limit, got {value!r}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1500, "1.5 kB"),
        ("2k", "2.0 kB"),
        ("2 KiB", "2.0 kB"),
        ("3T", "3.0 TB"),
        ("900", "900 bytes"),
    ],
)
def test_sizes_have_units(
    crawl: Crawl, monkeypatch: pytest.MonkeyPatch, value: Any, shown: str
) -> None:
    shrinking_disk(monkeypatch, crawl.store, 0)
    with StandIn(exhibits(1)) as standin:
        run = crawl(standin, {"WALLPAPERS_MIN_FREE_SPACE": value})
    check_stopped(run, f"has 0 bytes left, less than {shown}; free")


def test_both_limits_cost_nothing_where_they_are_not_set(
    crawl: Crawl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: object) -> None:
        raise AssertionError

    monkeypatch.setattr(os, "statvfs", fail)
    with StandIn(exhibits(3)) as standin:
        assert crawl(standin).exit_status is ExitStatus.COMPLETE
