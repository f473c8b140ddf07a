"""Inspections have limits of time and memory; the inspectors end with the crawl."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest
from scrapy import Request, signals
from scrapy.crawler import Crawler

from tests.conftest import Crawl
from tests.hostile import large_png, slow_jpeg
from tests.integration.test_inspection import inspectors, waits_in_its_work
from tests.pictures import encoded, exhibit, exhibits, noise
from wallpapers.demo.standin import StandIn
from wallpapers.errors import InspectionStoppedError
from wallpapers.inspection.messages import ImageRequirements, Inspection, Task
from wallpapers.inspection.pool import InspectorPool
from wallpapers.run.exit_status import ExitStatus
from wallpapers.settings import EXTENSIONS

THUMBS = {"s": (64, 64)}
MB = 1024 * 1024
POLLS, PAUSE_S = 600, 0.05


@contextmanager
def new_pool(**requirements: Any) -> Iterator[InspectorPool]:
    pool = InspectorPool(ImageRequirements("structure", 10**8, **requirements))
    try:
        yield pool
    finally:
        pool.close()


def inspect(pool: InspectorPool, *paths: Path) -> asyncio.Future[list[Any]]:
    tasks = (Task(str(path), 0) for path in paths)
    return asyncio.gather(*map(pool.inspect, tasks), return_exceptions=True)


def good(folder: Path, number: int) -> Path:
    path = folder / f"good{number}"
    path.write_bytes(encoded(noise(number)))
    return path


def test_an_image_that_exceeds_its_time_limit_is_broken(
    tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    (tmp_path / "slow").write_bytes(slow_jpeg())
    paths = [good(tmp_path, 1), tmp_path / "slow", good(tmp_path, 2)]

    async def answers() -> list[Any]:
        with new_pool(thumbs=THUMBS, seconds=0.2) as pool:
            return await inspect(pool, *paths)

    first, slow, last = loop.run_until_complete(answers())
    assert str(slow) == "broken (its decoder took more than 0.2 s)"
    assert isinstance(first, Inspection)
    assert isinstance(last, Inspection)


def test_a_crash_does_not_affect_files_with_a_result(
    tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    """Results are sent in batches: those of files just before the crash have not arrived."""
    os.mkfifo(tmp_path / "endless")
    page = tmp_path / "page"
    page.write_bytes(b"<html></html>")

    async def answers() -> list[Any]:
        with new_pool() as pool:
            done = inspect(pool, page, page, tmp_path / "endless", good(tmp_path, 1))
            while not done.done():
                for pid in filter(waits_in_its_work, inspectors()):
                    os.kill(pid, signal.SIGKILL)
                await asyncio.sleep(0.01)
            return done.result()

    *pages, endless, last = loop.run_until_complete(answers())
    assert [answer.reason for answer in pages] == ["not_an_image", "not_an_image"]
    assert str(endless).startswith("broken (decoder crashed")
    assert isinstance(last, Inspection)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit memory")
def test_an_image_above_the_memory_limit_crashes_no_inspector(
    tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    (tmp_path / "large").write_bytes(large_png())

    async def answers() -> tuple[list[Any], list[int], list[int]]:
        with new_pool(thumbs=THUMBS, memory=64 * MB) as pool:
            await inspect(pool, good(tmp_path, 1))
            before = inspectors()
            found = await inspect(pool, tmp_path / "large", good(tmp_path, 2))
            return found, before, inspectors()

    (large, second), before, after = loop.run_until_complete(answers())
    assert str(large) == "too_many_pixels (needs more than 64 MB to decode)"
    assert isinstance(second, Inspection)
    assert set(before) <= set(after)


def test_the_default_memory_limit_suffices_for_large_images(
    tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    (tmp_path / "large").write_bytes(large_png())

    async def answers() -> list[Any]:
        with new_pool(thumbs=THUMBS) as pool:
            return await inspect(pool, tmp_path / "large")

    (large,) = loop.run_until_complete(answers())
    assert isinstance(large, Inspection)


def test_closing_does_not_wait_for_decoders(
    tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    os.mkfifo(tmp_path / "endless")

    async def close() -> list[Any]:
        with new_pool() as pool:
            answer = inspect(pool, tmp_path / "endless")
            while not any(map(waits_in_its_work, inspectors())):  # noqa: ASYNC110
                await asyncio.sleep(PAUSE_S)
        return await answer

    (answer,) = loop.run_until_complete(close())
    assert isinstance(answer, InspectionStoppedError)
    assert not inspectors()


_INSPECT = """
import asyncio, sys
from wallpapers.inspection.pool import InspectorPool
from wallpapers.inspection.messages import ImageRequirements, Task

async def main():
    pool = InspectorPool(ImageRequirements("structure", 10**8))
    pool.prepare()
    print(pool._inspectors[0]._process.pid, flush=True)
    await pool.inspect(Task(sys.argv[1], 0))

asyncio.run(main())
"""


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="other systems end it by its processor time")
def test_a_busy_inspector_ends_with_the_crawl(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "endless")
    words = (sys.executable, "-c", _INSPECT, str(tmp_path / "endless"))
    crawl = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert crawl.stdout is not None
    with crawl.stdout:
        inspector = int(crawl.stdout.readline())
    pause = threading.Event()
    polls = 0
    while not waits_in_its_work(inspector) and polls < POLLS:
        pause.wait(PAUSE_S)
        polls += 1
    crawl.kill()
    crawl.wait()
    while is_alive(inspector) and polls < 2 * POLLS:
        pause.wait(PAUSE_S)
        polls += 1
    assert not is_alive(inspector)


@pytest.mark.parametrize(
    ("hostile", "settings", "refusal"),
    [
        (
            slow_jpeg,
            {"WALLPAPERS_DECODE_SECONDS": 0.5},
            "broken (its decoder took more than 0.5 s)",
        ),
        (
            large_png,
            {"WALLPAPERS_DECODE_MEMORY": 64 * MB},
            "too_many_pixels (needs more than 64 MB to decode)",
        ),
    ],
)
def test_a_hostile_image_does_not_affect_others(
    crawl: Crawl, hostile: Callable[[], bytes], settings: dict[str, Any], refusal: str
) -> None:
    with StandIn([*exhibits(6), exhibit(7, hostile)]) as standin:
        run = crawl(standin, {"IMAGES_THUMBS": THUMBS, **settings})
    assert run.exit_status is ExitStatus.FAILURES
    assert run.stats["wallpapers/stored"] == 6
    assert run.stats["wallpapers/failed"] == 1
    assert refusal in run.log


@pytest.mark.slow
def test_a_stopped_run_does_not_wait_for_slow_inspections(crawl: Crawl) -> None:
    """Running inspections get some seconds; the rest is left for the next run."""

    class StopAtTheLast:
        """Stop the run when the last image has arrived."""

        def __init__(self, crawler: Crawler) -> None:
            self._crawler = crawler
            self._missing = len(shown)

        @classmethod
        def from_crawler(cls, crawler: Crawler) -> Self:
            stop = cls(crawler)
            crawler.signals.connect(stop.came, signals.response_received)
            return stop

        def came(self, request: Request) -> None:
            self._missing -= "part" in request.meta
            if not self._missing:
                self._task = asyncio.ensure_future(self._crawler.stop_async())

    shown = [exhibit(n, slow_jpeg(height=1_500 - n)) for n in range(12)]
    settings = {
        "EXTENSIONS": {**EXTENSIONS, StopAtTheLast: 0},
        "IMAGES_THUMBS": THUMBS,
        "WALLPAPERS_DECODE_SECONDS": 60,
    }
    with StandIn(shown) as standin:
        run = crawl(standin, settings)
    assert run.exit_status is ExitStatus.INTERRUPTED
    left = run.stats["wallpapers/left"]
    assert left > 0
    (line,) = run.errors()
    assert f"Interrupted with {left} wallpaper" in line
    assert not inspectors()


@pytest.mark.parametrize("name", ["WALLPAPERS_DECODE_SECONDS", "WALLPAPERS_DECODE_MEMORY"])
def test_a_limit_must_be_a_number_above_0(crawl: Crawl, name: str) -> None:
    with StandIn(exhibits(1)) as standin, pytest.raises(ValueError, match=f"{name} must be"):
        crawl(standin, {name: 0})
