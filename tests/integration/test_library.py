"""Known, duplicate and damaged images: only what is missing or damaged is downloaded again."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.conftest import Crawl, Run
from tests.pictures import encoded, exhibit, exhibits, noise
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn
from wallpapers.run.exit_status import ExitStatus

SAME = encoded(noise(77))


def pictures_asked(standin: StandIn) -> int:
    return sum(path.startswith("/image/") for path in standin.asked)


def files(store: Path) -> list[Path]:
    return sorted(path for path in store.rglob("*.jpg"))


def verdicts(run: Run) -> dict[str, int]:
    return {
        name: run.stats[f"wallpapers/{name}"]
        for name in ("stored", "known", "duplicate", "failed")
        if run.stats[f"wallpapers/{name}"]
    }


def test_a_wallpaper_is_known_in_another_listing(crawl: Crawl) -> None:
    with StandIn(exhibits(5)) as standin:
        crawl(standin)
        standin.asked.clear()
        run = crawl(standin, tag="风景")
    assert verdicts(run) == {"known": 5}
    assert pictures_asked(standin) == 0
    assert all("国家地理" in image["path"] for image in run.images())


def test_the_same_bytes_under_two_ids_are_stored_once(crawl: Crawl) -> None:
    twins = [exhibit(number, SAME) for number in (1, 2)]
    with StandIn([twins[0], exhibit(3)]) as standin:
        crawl(standin)
    with StandIn([*twins, exhibit(3)]) as standin:
        run = crawl(standin)
        assert verdicts(run) == {"known": 2, "duplicate": 1}
        again = crawl(standin)
    assert verdicts(again) == {"known": 3}
    assert len(files(crawl.store)) == 2
    assert len({image["path"] for image in run.images()}) == 2


def test_the_same_bytes_at_the_same_time_are_stored_once(crawl: Crawl) -> None:
    with StandIn([exhibit(number, SAME) for number in range(5)]) as standin:
        run = crawl(standin, {"IMAGES_THUMBS": {"small": (32, 32)}})
    assert verdicts(run) == {"stored": 1, "duplicate": 4}
    assert len(files(crawl.store)) == 2
    assert len({image["path"] for image in run.images()}) == 1


def test_an_image_of_fifty_wallpapers_is_a_placeholder(crawl: Crawl) -> None:
    with StandIn([exhibit(number, SAME) for number in range(50)]) as standin:
        run = crawl(standin)
        assert run.exit_status is ExitStatus.FAILURES
        assert run.stats["wallpapers/failed/placeholder"] == 45
        assert len(files(crawl.store)) == 1
        again = crawl(standin)
    assert again.stats["wallpapers/known"] == 5
    assert again.stats["wallpapers/failed/placeholder"] == 45


class PlaceholderFirst(StandIn):
    """Names a placeholder before the original, as hosts do that forbid hot-linking."""

    def entry(self, exhibit: Exhibit) -> dict[str, Any]:
        return {**super().entry(exhibit), "downloadUrl": f"{self.origin}/image/pic/item/no.jpg"}

    async def _picture(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["name"] == "no.jpg":
            return web.Response(body=SAME, content_type="image/jpeg")
        return await super()._picture(request)


def test_after_a_placeholder_the_next_candidate_is_tried(crawl: Crawl) -> None:
    with PlaceholderFirst(exhibits(30)) as standin:
        run = crawl(standin)
    assert run.exit_status is ExitStatus.COMPLETE
    assert len(files(crawl.store)) == 26
    assert len({image["checksum"] for image in run.images()}) == 26


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def replaced_by_a_page(path: Path) -> None:
    path.write_text("<html>this was a picture</html>")


def removed(path: Path) -> None:
    path.unlink()


def replaced_by_a_link(path: Path) -> None:
    victim = path.parents[3] / "victim"
    victim.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(victim)


def grown(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


@pytest.mark.parametrize(
    "harm", [emptied, cut, grown, replaced_by_a_page, replaced_by_a_link, removed]
)
def test_only_damaged_files_are_downloaded_again(
    crawl: Crawl, harm: Callable[[Path], None]
) -> None:
    with StandIn(exhibits(6)) as standin:
        first = crawl(standin)
        harmed = crawl.store / first.images()[2]["path"]
        whole = harmed.read_bytes()
        harm(harmed)
        standin.asked.clear()
        run = crawl(standin)
    assert verdicts(run) == {"known": 5, "stored": 1}
    assert pictures_asked(standin) == 1
    assert harmed.read_bytes() == whole
    assert not harmed.is_symlink()
    victim = crawl.store.parent / "victim"
    assert not victim.exists() or victim.read_bytes() == whole


@pytest.mark.parametrize("year", [1971, 2036])
def test_the_modification_time_of_a_file_is_ignored(crawl: Crawl, year: int) -> None:
    with StandIn(exhibits(3)) as standin:
        crawl(standin)
        for path in files(crawl.store):
            seconds = (year - 1970) * 365 * 86_400
            os.utime(path, (seconds, seconds))
        standin.asked.clear()
        assert verdicts(crawl(standin)) == {"known": 3}
    assert pictures_asked(standin) == 0


class UnaskableNow(StandIn):
    def entry(self, exhibit: Exhibit) -> dict[str, Any]:
        addresses = dict.fromkeys(("downloadUrl", "imageUrl", "objUrl"), "ftp://a/1.jpg")
        return {**super().entry(exhibit), **addresses}


def test_a_stored_wallpaper_is_known_after_its_addresses_change(crawl: Crawl) -> None:
    with StandIn(exhibits(3)) as standin:
        crawl(standin)
    with UnaskableNow(exhibits(3)) as standin:
        assert verdicts(crawl(standin)) == {"known": 3}


def test_wallpapers_with_different_claims_are_checked_separately(crawl: Crawl) -> None:
    class OneAddress(StandIn):
        def entry(self, exhibit: Exhibit) -> dict[str, Any]:
            address = super().entry(self.exhibits[0])["downloadUrl"]
            return {**super().entry(exhibit), "downloadUrl": address, "imageUrl": "", "objUrl": ""}

    with OneAddress([exhibit(1, width=4000, height=3000), exhibit(2)]) as standin:
        assert verdicts(crawl(standin)) == {"stored": 1, "failed": 1}


def test_without_a_catalogue_wallpapers_are_known_by_their_files(crawl: Crawl) -> None:
    with StandIn(exhibits(8)) as standin:
        crawl(standin)
        for path in crawl.store.glob(f"{FILE_NAME}*"):
            path.unlink()
        standin.asked.clear()
        assert verdicts(crawl(standin)) == {"known": 8}
        assert verdicts(crawl(standin)) == {"known": 8}
    assert pictures_asked(standin) == 0


def test_a_failure_is_in_the_catalogue_with_reason_host_and_tries(crawl: Crawl) -> None:
    class Missing(StandIn):
        async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
            raise web.HTTPNotFound

    with Missing(exhibits(3)) as standin:
        crawl(standin)
        run = crawl(standin)
    assert verdicts(run) == {"failed": 3}
    with closing(sqlite3.connect(crawl.store / FILE_NAME)) as catalogue:
        rows = catalogue.execute("SELECT state, reason, host, attempts, tried FROM wallpapers")
        for state, reason, host, attempts, tried in rows.fetchall():
            assert (state, reason, host, attempts) == ("failed", "http_404", "127.0.0.1", 2)
            assert tried.endswith(".jpg -> http_404")


@pytest.mark.parametrize("kind", ["a page", "a folder", "another's"])
def test_an_unusable_catalogue_ends_the_run_with_5(crawl: Crawl, kind: str) -> None:
    path = crawl.store / FILE_NAME
    crawl.store.mkdir()
    if kind == "a page":
        path.write_text("<html>" * 1_000)
    elif kind == "a folder":
        path.mkdir()
    else:
        with closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE pictures (name TEXT)")
    with StandIn(exhibits(5)) as standin:
        stats = crawl.stats_of(standin)
    assert pictures_asked(standin) == 0
    assert stats["wallpapers/outcome"] == "store"
