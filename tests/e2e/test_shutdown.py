"""Ctrl-C, SIGTERM, SIGHUP: the process ends in time, with its account, whatever is under way."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.command import (
    FAST,
    TIMEOUT_S,
    Process,
    Result,
    finish,
    read_until,
    start,
    start_python,
)
from tests.invariants import check_whole
from tests.pictures import exhibits
from tests.standin.picture_faults import HeldPictures, OtherAddresses
from wallpapers.demo.standin import StandIn

SHORT = ("-s", "WALLPAPERS_SHUTDOWN_TIMEOUT=2")
# Far more than any test waits for: what ends before was ended by a signal.
LONG = ("-s", "WALLPAPERS_SHUTDOWN_TIMEOUT=600")
# Programs that change one part of Python or of Scrapy, and then run scrapy with their arguments.
SCRAPY = "import sys; from scrapy.cmdline import execute; sys.argv[0] = 'scrapy'; execute()"
NAME_NEVER_RESOLVES = f"""
import socket, threading
resolve = socket.getaddrinfo
def getaddrinfo(host, *words, **options):
    if host == "never.invalid":
        print("resolving", flush=True)
        threading.Event().wait()
    return resolve(host, *words, **options)
socket.getaddrinfo = getaddrinfo
{SCRAPY}
"""
UPLOAD_NEVER_ENDS = f"""
import threading
from scrapy.pipelines.files import S3FilesStore
from twisted.internet.threads import deferToThread
def persist_file(self, *words, **options):
    print("uploading", flush=True)
    return deferToThread(threading.Event().wait)
S3FilesStore.persist_file = persist_file
{SCRAPY}
"""
CATALOGUE_NEVER_OPENS = f"""
import sqlite3, threading
def connect(*words, **options):
    print("connecting", flush=True)
    threading.Event().wait()
sqlite3.connect = sqlite3.dbapi2.connect = connect
{SCRAPY}
"""
LOOP_IS_BLOCKED = f"""
import threading
from scrapy.pipelines import ItemPipelineManager
async def block(self, item, *words):
    print("blocking", flush=True)
    threading.Event().wait()
ItemPipelineManager.process_item_async = block
{SCRAPY}
"""
IMPORT_TAKES_LONG = f"""
import sys, threading
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "wallpapers.spiders":
            print("importing", flush=True)
            threading.Event().wait()
sys.meta_path.insert(0, Finder())
{SCRAPY}
"""

WAIT = """
import asyncio, sys
async def wait():
    print("waiting", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
"""
SPIDER_IS_OPENING = f"""
{WAIT}
from scrapy.core.engine import ExecutionEngine
open_spider = ExecutionEngine.open_spider_async
async def open_spider_async(self, **options):
    await wait()
    await open_spider(self, **options)
ExecutionEngine.open_spider_async = open_spider_async
{SCRAPY}
"""
ENGINE_IS_STARTING = f"""
{WAIT}
from scrapy import signals
from scrapy.signalmanager import SignalManager
send = SignalManager.send_catch_log_async
async def send_catch_log_async(self, signal, **options):
    answer = await send(self, signal, **options)
    if signal is signals.engine_started:
        await wait()
    return answer
SignalManager.send_catch_log_async = send_catch_log_async
{SCRAPY}
"""


def words(standin: StandIn, folder: Path) -> tuple[str, ...]:
    return (
        *("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *FAST),
        *("-s", f"IMAGES_STORE={folder / 'store'}", "-O", str(folder / "out.json")),
    )


def program(code: str) -> tuple[str, ...]:
    return (sys.executable, "-W", "error", "-c", code)


def check_interrupted(result: Result, folder: Path) -> None:
    assert result.status == 130
    assert result.log.count("Wallpapers of this run") == 1
    assert "outcome: interrupted (exit status 130)" in result.log
    json.loads((folder / "out.partial.json").read_text())
    assert not (folder / "out.json").exists()


def test_a_terminal_that_is_closed_ends_the_run_as_ctrl_c_does(tmp_path: Path) -> None:
    with HeldPictures(exhibits(60)) as standin:
        process = start(*words(standin, tmp_path))
        assert standin.held.wait(TIMEOUT_S)
        process.send_signal(signal.SIGHUP)
        log = read_until("Received SIGHUP, shutting down gracefully", process)
        standin.release()
        result = finish(process)
    check_interrupted(Result(result.status, "", log + result.log), tmp_path)
    check_whole(tmp_path / "store")


def test_nohup_keeps_a_run_from_ending_with_the_terminal(tmp_path: Path) -> None:
    with HeldPictures(exhibits(20)) as standin:
        process = start_python(
            *words(standin, tmp_path),
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
        )
        assert standin.held.wait(TIMEOUT_S)
        process.send_signal(signal.SIGHUP)
        standin.release()
        result = finish(process)
    assert result.status == 0
    assert "SIGHUP" not in result.log


def test_pictures_that_never_come_do_not_outlast_the_limit(tmp_path: Path) -> None:
    with HeldPictures(exhibits(60)) as standin:
        process = start(*words(standin, tmp_path), *SHORT)
        assert standin.held.wait(TIMEOUT_S)
        process.send_signal(signal.SIGTERM)
        result = finish(process)  # nothing is released
        standin.release()
    check_interrupted(result, tmp_path)
    check_whole(tmp_path / "store", killed=True)


class NamedHost(OtherAddresses):
    addresses = ("http://never.invalid/1.jpg", "", "")


def test_a_name_that_never_resolves_does_not_keep_the_process(tmp_path: Path) -> None:
    """Neither after a signal nor after an error of another kind has ended the run."""
    with NamedHost(exhibits(2)) as standin:
        process = start_python(
            *words(standin, tmp_path), *SHORT, instead=program(NAME_NEVER_RESOLVES)
        )
        read_until("resolving", process, "stdout")
        process.send_signal(signal.SIGTERM)
        result = finish(process)
    check_interrupted(result, tmp_path)


@pytest.mark.slow
def test_a_name_that_never_resolves_does_not_outlast_the_run(tmp_path: Path) -> None:
    with NamedHost(exhibits(2)) as standin:
        limit = ("-s", "CLOSESPIDER_ITEMCOUNT=1", "-s", "RETRY_TIMES=0")
        process = start_python(
            *words(standin, tmp_path), *limit, *LONG, instead=program(NAME_NEVER_RESOLVES)
        )
        result = finish(process)
    assert result.status in (0, 3)
    assert result.output.startswith("resolving")


@pytest.mark.parametrize(
    ("code", "sign", "settings"),
    [
        (CATALOGUE_NEVER_OPENS, "connecting", ()),
        (LOOP_IS_BLOCKED, "blocking", ()),
        (UPLOAD_NEVER_ENDS, "uploading", ("-s", "IMAGES_STORE=s3://bucket/")),
    ],
    ids=["catalogue", "loop", "upload"],
)
def test_blocking_code_does_not_outlast_the_limit(
    tmp_path: Path, code: str, sign: str, settings: tuple[str, ...]
) -> None:
    catalogue = ("-s", f"WALLPAPERS_CATALOGUE=sqlite:///{tmp_path / 'catalogue.db'}")
    with StandIn(exhibits(3)) as standin:
        process = start_python(
            *words(standin, tmp_path), *settings, *catalogue, *SHORT, instead=program(code)
        )
        read_until(sign, process, "stdout")
        process.send_signal(signal.SIGINT)
        result = finish(process)
    check_interrupted(result, tmp_path)


@pytest.mark.parametrize("code", [SPIDER_IS_OPENING, ENGINE_IS_STARTING], ids=["open", "start"])
def test_a_signal_before_the_engine_runs(tmp_path: Path, code: str) -> None:
    with StandIn(exhibits(3)) as standin:
        process = start_python(
            *words(standin, tmp_path), *LONG, instead=program(code), stdin=subprocess.PIPE
        )
        read_until("waiting", process, "stdout")
        process.send_signal(signal.SIGTERM)
        log = read_until("Received SIGTERM, shutting down gracefully", process)
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        result = finish(process)
        assert standin.asked == []
    check_interrupted(Result(result.status, "", log + result.log), tmp_path)


def test_a_second_signal_ends_a_run_whose_loop_is_blocked(tmp_path: Path) -> None:
    with StandIn(exhibits(3)) as standin:
        process = start_python(*words(standin, tmp_path), *LONG, instead=program(LOOP_IS_BLOCKED))
        read_until("blocking", process, "stdout")
        send_until_ended(process, signal.SIGINT)
        result = finish(process)
    check_interrupted(result, tmp_path)


def send_until_ended(process: Process, number: signal.Signals) -> None:
    """Send a signal repeatedly, because two that arrive together count as one."""
    end = time.monotonic() + TIMEOUT_S
    while process.poll() is None and time.monotonic() < end:
        process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        *(pytest.param(n, marks=pytest.mark.slow) for n in (signal.SIGTERM, signal.SIGHUP)),
    ],
)
@pytest.mark.parametrize("command", ["crawl", "doctor", "retry", "demo"])
def test_a_signal_during_imports(tmp_path: Path, command: str, number: signal.Signals) -> None:
    arguments = (command, "baidu_wallpaper") if command != "demo" else (command,)
    process = start_python(*arguments, cwd=tmp_path, instead=program(IMPORT_TAKES_LONG))
    read_until("importing", process, "stdout")
    process.send_signal(number)
    result = finish(process)
    assert result.status == 130
    assert result.log == ""
    assert list(tmp_path.iterdir()) == []


def test_a_limit_of_zero_is_a_wrong_setting(tmp_path: Path) -> None:
    with StandIn(exhibits(1)) as standin:
        result = finish(start(*words(standin, tmp_path), "-s", "WALLPAPERS_SHUTDOWN_TIMEOUT=0"))
    assert result.status == 1
    assert "WALLPAPERS_SHUTDOWN_TIMEOUT must be a number above 0, got '0'" in result.errors[0]
