"""Pictures are looked at in processes of their own: bounded, replaced when they die."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic
from typing import Any, Self

import psutil
import pytest
from scrapy import signals
from scrapy.crawler import Crawler

from tests.conftest import Crawl
from tests.pictures import encoded, exhibits, noise
from wallpapers.demo.standin import StandIn
from wallpapers.errors import PictureRefusedError
from wallpapers.inspection.inspect_file import Demands, Task
from wallpapers.inspection.pool import Crew
from wallpapers.inspection.worker import DECODE_BUDGET, DECODE_FREELY, Turns
from wallpapers.run.exit_status import ExitStatus
from wallpapers.settings import EXTENSIONS

PLACES = 8
PATIENCE_S = 60


def inspectors() -> list[int]:
    """Return the processes of this one that look at pictures."""
    children = psutil.Process().children()
    return [child.pid for child in children if "wallpapers.inspection" in command_of(child)]


def command_of(process: psutil.Process) -> str:
    """Return the words of a process; none if it has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


class At:
    """Calls *harm* when the answer number *number* has come."""

    number: int
    harm: Callable[[], None]

    def __init__(self) -> None:
        self._came = 0

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        at = cls()
        crawler.signals.connect(at.came, signals.response_received)
        return at

    def came(self) -> None:
        self._came += 1
        if self._came == type(self).number:
            type(self).harm()


def kill_all() -> None:
    for pid in inspectors():
        os.kill(pid, signal.SIGKILL)


class KillAtFive(At):
    number = 5
    harm = staticmethod(kill_all)


def test_a_process_that_is_killed_costs_no_picture(crawl: Crawl) -> None:
    with StandIn(exhibits(30)) as standin:
        run = crawl(standin, {"EXTENSIONS": {**EXTENSIONS, KillAtFive: 0}})
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == 30
    assert not run.warnings()
    assert not inspectors()


def test_a_run_that_knows_everything_starts_no_process(crawl: Crawl) -> None:
    seen: list[int] = []

    class Look(At):
        number = 1
        harm = staticmethod(lambda: seen.extend(inspectors()))

    with StandIn(exhibits(3)) as standin:
        crawl(standin)
        run = crawl(standin, {"EXTENSIONS": {**EXTENSIONS, Look: 0}})
    assert run.stats["wallpapers/known"] == 3
    assert seen == []


def test_what_waits_to_be_looked_at_is_bounded(crawl: Crawl) -> None:
    """While nobody looks, no more pictures are asked for than there are places."""
    most: list[int] = []

    def waiting() -> int:
        asked = sum(path.startswith("/image/") for path in standin.asked)
        return asked - len(list((crawl.store / "baidu_wallpaper").rglob("*.jpg")))

    def stop_whoever_comes() -> None:
        for pid in set(inspectors()) - stopped:
            os.kill(pid, signal.SIGSTOP)
            stopped.add(pid)

    def watch_them() -> None:
        end_s = monotonic() + PATIENCE_S
        while waiting() < PLACES and monotonic() < end_s:
            stop_whoever_comes()
            pause.wait(0.01)
        pause.wait(0.3)  # for those that should not come
        stop_whoever_comes()
        most.append(waiting())
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)

    pause = threading.Event()
    stopped: set[int] = set()

    class StopThem(At):
        number = 4  # the first two are pages

        @staticmethod
        def harm() -> None:
            stop_whoever_comes()
            watch.start()

    watch = threading.Thread(target=watch_them)
    with StandIn(exhibits(40)) as standin:
        run = crawl(
            standin,
            {
                "EXTENSIONS": {**EXTENSIONS, StopThem: 0},
                "CONCURRENT_REQUESTS": PLACES + 1,
                "CONCURRENT_REQUESTS_PER_DOMAIN": PLACES,
            },
        )
        watch.join()
    assert run.stats["wallpapers/stored"] == 40
    assert most == [PLACES]


@pytest.mark.parametrize("program", ["/bin/false", "/nowhere/python"])
def test_a_machine_that_starts_no_process_ends_the_run_with_one_line(
    crawl: Crawl, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    with StandIn(exhibits(3)) as standin:
        run = crawl(standin)
    assert run.exit_status is ExitStatus.STORE
    (error,) = run.errors()
    assert "pictures" in error


@contextmanager
def crew() -> Iterator[Crew]:
    made = Crew(Demands("structure", 10**8))
    try:
        yield made
    finally:
        made.close()


def waits_in_its_work(pid: int) -> bool:
    """Has it imported its decoders, and does it wait for something all the same?"""
    try:
        process = psutil.Process(pid)
        mapped = [mapping.path for mapping in process.memory_maps()]
        return process.status() == psutil.STATUS_SLEEPING and any("_imaging." in m for m in mapped)
    except (psutil.NoSuchProcess, FileNotFoundError):  # it has just ended
        return False


@pytest.mark.skipif(not hasattr(psutil.Process, "memory_maps"), reason="no memory_maps on macOS")
def test_a_picture_that_two_processes_die_over_is_broken(
    tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    os.mkfifo(tmp_path / "endless")  # who opens it waits for a writer
    (tmp_path / "good").write_bytes(encoded(noise(1)))

    async def look() -> tuple[Any, Any]:
        with crew() as made:
            tasks = [Task(str(tmp_path / name), 0) for name in ("endless", "good")]
            answers = asyncio.gather(*map(made.inspect, tasks), return_exceptions=True)
            while not answers.done():
                for pid in filter(waits_in_its_work, inspectors()):
                    os.kill(pid, signal.SIGKILL)
                await asyncio.sleep(0.01)
            endless, good = answers.result()
            return endless, good

    endless, good = loop.run_until_complete(look())
    assert isinstance(endless, PictureRefusedError)
    assert str(endless) == "broken (its decoder crashed, with status -9)"
    assert good.picture.width == 96


def decode(lock: int, pixels: int, tell: Connection, may_end: Any) -> None:
    """Hold a turn until told, in a process of its own."""
    with Turns(lock, 2).decode(pixels):
        tell.send("begun")
        may_end.wait()


def test_a_picture_with_more_than_its_share_of_the_pixels_is_decoded_alone(tmp_path: Path) -> None:
    context = get_context("fork")
    with (tmp_path / "lock").open("w+b") as lock:

        def begin(pixels: int) -> tuple[Any, Connection, Any]:
            ours, theirs = context.Pipe()
            may_end = context.Event()
            process = context.Process(target=decode, args=(lock.fileno(), pixels, theirs, may_end))
            process.start()
            return process, ours, may_end

        small, smaller, large = map(
            begin, (DECODE_BUDGET // 2, DECODE_FREELY + 1, DECODE_BUDGET // 2 + 1)
        )
        assert small[1].recv() == smaller[1].recv() == "begun"
        assert not large[1].poll(0.2)
        small[2].set()
        small[0].join()
        assert not large[1].poll(0.2)
        smaller[2].set()
        assert large[1].poll(PATIENCE_S)
        tiny = begin(DECODE_FREELY)
        assert tiny[1].poll(PATIENCE_S)
        for process, _, may_end in (tiny, large):
            may_end.set()
            process.join()
        smaller[0].join()
