"""Plugs that are pulled, programs that run at the same time, a store that goes away."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from aiohttp import web

from tests.e2e.command import FAST, TIMEOUT_S, finish, finish_all, scrapy, start
from tests.invariants import check_whole
from tests.pictures import encoded, exhibit, exhibits, noise
from tests.standin.picture_faults import HeldPictures
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn

IN_FLIGHT = 31  # CONCURRENT_REQUESTS, of which the listing has one


class Signalling(StandIn):
    """Tells when so many pictures were asked for in all."""

    def __init__(self, shown: list[Exhibit]) -> None:
        super().__init__(shown)
        self.asked_for: Counter[str] = Counter()
        self.wanted = 0
        self.reached = threading.Event()

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        self.asked_for[exhibit.id] += 1
        if self.asked_for.total() >= self.wanted:
            self.reached.set()
        return await super().picture(request, exhibit)

    def wait_for(self, more: int) -> bool:
        """Wait until *more* pictures were asked for from now on."""
        self.reached.clear()
        self.wanted = self.asked_for.total() + more
        return self.reached.wait(TIMEOUT_S)


class ServesEight(Signalling):
    """Serves eight pictures to each crawl, so that none ends before it is killed."""

    def serve(self, most: int = 8) -> None:
        """Serve *most* pictures to the next crawl, and hold the others."""
        self._served, self._most = 0, most

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        response = await super().picture(request, exhibit)
        self._served += 1
        if self._served > self._most:
            await asyncio.Event().wait()
        return response


def words_for(standin: StandIn, store: Path) -> tuple[str, ...]:
    endpoint = ("-a", f"endpoint={standin.endpoint}")
    return ("crawl", "baidu_wallpaper", *endpoint, "-s", f"IMAGES_STORE={store}", *FAST)


def check_catalogue(store: Path) -> Counter[str]:
    """Assert that each row has its whole file; return the number of wallpapers by state."""
    with closing(sqlite3.connect(store / FILE_NAME)) as catalogue:
        for path, size in catalogue.execute("SELECT path, size FROM pictures").fetchall():
            assert (store / path).stat().st_size == size
        return Counter(dict(catalogue.execute("SELECT state, count(*) FROM wallpapers GROUP BY 1")))


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_kills_at_random_moments_lose_nothing(tmp_path: Path, kills: int) -> None:
    pictures, chance = 10 * kills, random.Random(kills)
    with ServesEight(exhibits(pictures)) as standin:
        for _ in range(kills):
            standin.serve()
            process = start(*words_for(standin, tmp_path))
            assert standin.wait_for(chance.randrange(1, 8))
            process.kill()
            assert finish(process).status == -signal.SIGKILL
            check_whole(tmp_path, killed=True)
            check_catalogue(tmp_path)
        standin.serve(pictures)
        assert scrapy(*words_for(standin, tmp_path)).status == 0
    check_whole(tmp_path)
    assert check_catalogue(tmp_path) == {"stored": pictures}
    assert len(standin.asked_for) == pictures
    repeated = standin.asked_for.total() - pictures
    assert repeated <= kills * IN_FLIGHT


@pytest.mark.parametrize("programs", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_concurrent_crawls_share_a_store(tmp_path: Path, programs: int) -> None:
    twins = [exhibit(1_000 + number, encoded(noise(number))) for number in range(0, 60, 2)]
    shown = [*exhibits(60), *twins]
    with StandIn(shown) as standin:
        running = [start(*words_for(standin, tmp_path)) for _ in range(programs)]
        results = finish_all(running)
    assert [result.status for result in results] == [0] * programs
    check_whole(tmp_path)
    assert check_catalogue(tmp_path) == {"stored": 90}
    contents = [path.read_bytes() for path in tmp_path.rglob("*.jpg")]
    assert len(contents) == len(set(contents)) == 60


class TwoReaders(HeldPictures):
    """Holds pictures back until two crawls have read its listing to the end."""

    def __init__(self, shown: list[Exhibit]) -> None:
        super().__init__(shown)
        self.asked_for: Counter[str] = Counter()
        self._ends_read = 0

    async def listing(self, request: web.Request) -> web.StreamResponse:
        if int(request.query["pn"]) >= len(self.exhibits):
            self._ends_read += 1
            if self._ends_read == 2:
                self._released.set()
        return await super().listing(request)

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        self.asked_for[exhibit.id] += 1
        return await super().picture(request, exhibit)


def test_concurrent_crawls_request_each_image_once(tmp_path: Path) -> None:
    shown = exhibits(60)
    with TwoReaders(shown) as standin:
        running = [start(*words_for(standin, tmp_path)) for _ in range(2)]
        results = finish_all(running)
        assert standin.asked_for == dict.fromkeys((one.id for one in shown), 1)
    assert [result.status for result in results] == [0, 0]
    assert check_catalogue(tmp_path) == {"stored": 60}


def test_a_run_that_is_killed_leaves_nothing_to_wait_for(tmp_path: Path) -> None:
    with HeldPictures(exhibits(60)) as standin:
        process = start(*words_for(standin, tmp_path))
        assert standin.held.wait(TIMEOUT_S)
        process.kill()
        finish(process)
        standin.release()
        result = finish(start(*words_for(standin, tmp_path)))
    assert result.status == 0
    assert check_catalogue(tmp_path) == {"stored": 60}


def removed(store: Path) -> None:
    gone = store.rename(store.with_name("gone"))  # or the crawl puts files into it meanwhile
    while gone.exists():  # the crawl has its folder of part files open, wherever it is
        shutil.rmtree(gone, ignore_errors=True)


def replaced_by_a_file(store: Path) -> None:
    store.rename(store.with_name("elsewhere"))
    store.write_text("no folder")


@pytest.mark.parametrize("harm", [removed, replaced_by_a_file])
def test_a_store_that_goes_away_ends_the_run_with_5(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    store = tmp_path / "store"
    with Signalling(exhibits(300)) as standin:
        process = start(*words_for(standin, store))
        assert standin.wait_for(20)
        harm(store)
        result = finish(process)
        assert standin.asked_for.total() < 200
    assert result.status == 5
    assert len(result.errors) == 1


@pytest.mark.skipif(
    os.getuid() == 0 and not Path("/proc/sys").exists(), reason="no read-only place"
)
def test_a_store_that_is_read_only_ends_the_run_with_5() -> None:
    with Signalling(exhibits(3)) as standin:
        result = scrapy(*words_for(standin, Path("/proc/sys/wallpapers")))
        assert standin.asked_for.total() == 0
    assert result.status == 5
    assert len(result.errors) == 1
    assert "Store not writable: /proc/sys/wallpapers" in result.errors[0]
