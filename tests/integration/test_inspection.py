"""Files are inspected in separate processes: limited in number, restarted after a crash."""

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
from wallpapers.inspection.messages import ImageRequirements, Task
from wallpapers.inspection.pool import InspectorPool
from wallpapers.inspection.worker import DECODE_BUDGET, UNGATED_PIXELS, DecodeGate
from wallpapers.run.exit_status import ExitStatus
from wallpapers.settings import EXTENSIONS

PLACES = 8
PATIENCE_S = 60


def inspectors() -> list[int]:
    """Return the process ids of the running inspectors."""
    children = psutil.Process().children()
    return [child.pid for child in children if "wallpapers.inspection" in command_of(child)]


def command_of(process: psutil.Process) -> str:
    """Return the command line of a process; "" if it has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


class At:
    """Call *harm* when response number *number* has arrived."""

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


def test_killed_inspectors_lose_no_image(crawl: Crawl) -> None:
    with StandIn(exhibits(30)) as standin:
        run = crawl(standin, {"EXTENSIONS": {**EXTENSIONS, KillAtFive: 0}})
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == 30
    assert not run.warnings()
    assert not inspectors()


def test_a_run_of_known_wallpapers_starts_no_inspector(crawl: Crawl) -> None:
    seen: list[int] = []

    class Look(At):
        number = 1
        harm = staticmethod(lambda: seen.extend(inspectors()))

    with StandIn(exhibits(3)) as standin:
        crawl(standin)
        run = crawl(standin, {"EXTENSIONS": {**EXTENSIONS, Look: 0}})
    assert run.stats["wallpapers/known"] == 3
    assert seen == []


class StoppedInspectors:
    """Stops inspectors, whatever they do, until they may continue."""

    def __init__(self) -> None:
        self._pids: set[int] = set()

    def stop_new(self) -> None:
        for pid in set(inspectors()) - self._pids:
            os.kill(pid, signal.SIGSTOP)
            self._pids.add(pid)

    def resume(self) -> None:
        for pid in self._pids:
            os.kill(pid, signal.SIGCONT)


def test_downloads_wait_while_inspections_are_pending(crawl: Crawl) -> None:
    """While all inspectors are stopped, no more images are requested than there are places."""
    most = 0

    def waiting() -> int:
        asked = sum(path.startswith("/image/") for path in standin.asked)
        return asked - len(list((crawl.store / "baidu_wallpaper").rglob("*.jpg")))

    def look() -> None:
        nonlocal most
        stopped.stop_new()
        most = max(most, waiting())  # it is less while an inspector that has just started works
        pause.wait(0.01)

    def let_them_wait() -> None:
        end_s = monotonic() + PATIENCE_S
        while most < PLACES and monotonic() < end_s:
            look()
        for _ in range(30):  # for those that should not come
            look()
        stopped.resume()

    pause = threading.Event()
    stopped = StoppedInspectors()

    class StopThem(At):
        number = 4  # the first two are pages

        @staticmethod
        def harm() -> None:
            stopped.stop_new()
            watch.start()

    watch = threading.Thread(target=let_them_wait)
    with StandIn(exhibits(40)) as standin:
        limits = {
            "CONCURRENT_REQUESTS": PLACES + 1,
            "CONCURRENT_REQUESTS_PER_DOMAIN": PLACES,
        }
        run = crawl(standin, {"EXTENSIONS": {**EXTENSIONS, StopThem: 0}, **limits})
        watch.join()
    assert run.stats["wallpapers/stored"] == 40
    assert most == PLACES


@pytest.mark.parametrize("program", ["/bin/false", "/nowhere/python"])
def test_inspectors_that_fail_to_start_end_the_run_with_one_line(
    crawl: Crawl, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    with StandIn(exhibits(3)) as standin:
        run = crawl(standin)
    assert run.exit_status is ExitStatus.STORE
    (error,) = run.errors()
    assert "inspector process" in error


@contextmanager
def new_pool() -> Iterator[InspectorPool]:
    pool = InspectorPool(ImageRequirements("structure", 10**8))
    try:
        yield pool
    finally:
        pool.close()


def waits_in_its_work(pid: int) -> bool:
    """Return whether an inspector has imported its decoders and sleeps, as in a read of a FIFO."""
    try:
        process = psutil.Process(pid)
        mapped = [mapping.path for mapping in process.memory_maps()]
        return process.status() == psutil.STATUS_SLEEPING and any("_imaging." in m for m in mapped)
    except (psutil.NoSuchProcess, FileNotFoundError):  # it has just ended
        return False


@pytest.mark.skipif(not hasattr(psutil.Process, "memory_maps"), reason="no memory_maps on macOS")
def test_an_image_that_crashes_two_inspectors_is_broken(
    tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    os.mkfifo(tmp_path / "endless")  # opening it waits for a writer
    (tmp_path / "good").write_bytes(encoded(noise(1)))

    async def look() -> tuple[Any, Any]:
        with new_pool() as pool:
            tasks = [Task(str(tmp_path / name), 0) for name in ("endless", "good")]
            answers = asyncio.gather(*map(pool.inspect, tasks), return_exceptions=True)
            while not answers.done():
                for pid in filter(waits_in_its_work, inspectors()):
                    os.kill(pid, signal.SIGKILL)
                await asyncio.sleep(0.01)
            endless, good = answers.result()
            return endless, good

    endless, good = loop.run_until_complete(look())
    assert isinstance(endless, PictureRefusedError)
    assert str(endless) == "broken (decoder crashed (exit status -9))"
    assert good.picture.width == 96


def hold_gate(lock: int, pixels: int, connection: Connection, may_end: Any) -> None:
    """Hold the gate in a separate process until *may_end* is set."""
    with DecodeGate(lock, 2).hold(pixels):
        connection.send("started")
        may_end.wait()


def test_an_image_above_the_share_of_one_process_is_decoded_alone(tmp_path: Path) -> None:
    context = get_context("fork")
    with (tmp_path / "lock").open("w+b") as lock:

        def begin(pixels: int) -> tuple[Any, Connection, Any]:
            ours, theirs = context.Pipe()
            may_end = context.Event()
            arguments = (lock.fileno(), pixels, theirs, may_end)
            process = context.Process(target=hold_gate, args=arguments)
            process.start()
            return process, ours, may_end

        small, smaller, large = map(
            begin, (DECODE_BUDGET // 2, UNGATED_PIXELS + 1, DECODE_BUDGET // 2 + 1)
        )
        assert small[1].recv() == smaller[1].recv() == "started"
        assert not large[1].poll(0.2)
        small[2].set()
        small[0].join()
        assert not large[1].poll(0.2)
        smaller[2].set()
        assert large[1].poll(PATIENCE_S)
        tiny = begin(UNGATED_PIXELS)
        assert tiny[1].poll(PATIENCE_S)
        for process, _, may_end in (tiny, large):
            may_end.set()
            process.join()
        smaller[0].join()
