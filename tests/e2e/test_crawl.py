"""``scrapy crawl``: what it leaves, and the status that it ends with."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.command import (
    FAST,
    TIMEOUT_S,
    Result,
    finish,
    read_until,
    scrapy,
    start,
    start_python,
)
from tests.invariants import check_stored, check_whole
from tests.pictures import exhibit, exhibits
from tests.standin.listing_faults import AntiFlag
from tests.standin.picture_faults import HeldPictures, MissingPicture
from tests.standin.transfer_faults import large_jpeg
from wallpapers.demo.standin import StandIn

FILE_LIMIT = 3_000_000  # bytes: more than a small catalogue needs


def crawl(standin: StandIn, folder: Path, *words: str) -> Result:
    """Crawl *standin* into *folder*/store and *folder*/out.json."""
    return scrapy("crawl", "baidu_wallpaper", *arguments(standin, folder), *words)


def arguments(standin: StandIn, folder: Path) -> tuple[str, ...]:
    """Return the arguments for the endpoint and the store."""
    return (
        *("-a", f"endpoint={standin.endpoint}", "-s", f"IMAGES_STORE={folder / 'store'}"),
        *("-O", str(folder / "out.json"), *FAST),
    )


def test_status_0_all_wallpapers_are_stored(tmp_path: Path) -> None:
    with StandIn(exhibits(30)) as standin:
        result = crawl(standin, tmp_path)
    assert result.status == 0
    items = json.loads((tmp_path / "out.json").read_text())
    assert len(items) == 30
    for item in items:
        check_stored(tmp_path / "store", item["images"][0])
    assert result.log.rstrip().endswith("outcome: complete (exit status 0)")


def test_a_crawl_starts_without_what_it_does_not_use(tmp_path: Path) -> None:
    unused = [
        "scrapy.extensions.remote_control",
        "scrapy.extensions.telnet",
        "wallpapers.images.decoding",  # used by inspector processes
    ]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({unused})); sys.argv[0] = 'scrapy'\n"
        "from scrapy.cmdline import execute; execute()"
    )
    with StandIn(exhibits(1)) as standin:
        words = ("crawl", "baidu_wallpaper", *arguments(standin, tmp_path))
        result = finish(start_python(*words, instead=(sys.executable, "-c", code)))
    assert result.status == 0


def test_scrapys_remote_extensions_can_be_switched_on(tmp_path: Path) -> None:
    names = ("REMOTE_CONTROL_ENABLED", "TELNETCONSOLE_ENABLED")
    switches = [word for name in names for word in ("-s", f"{name}=True")]
    with StandIn(exhibits(1)) as standin:
        result = crawl(standin, tmp_path, *switches)
    enabled = result.log.partition("Enabled extensions")[2].partition("Overridden settings")[0]
    assert "RemoteControl" in enabled
    assert "TelnetConsole" in enabled


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("-a", "rn=abc"), "rn must be a number from 1 to 100, got 'abc'"),
        (("-a", "rn=0"), "rn must be a number from 1 to 100, got '0'"),
        (("-a", "foo=1"), "unknown argument 'foo'"),
        (("-a", "endpoint=ftp://x"), "endpoint must be an http:// or https:// address"),
        (("-s", "WALLPAPERS_CHECK=all"), "WALLPAPERS_CHECK must be one of"),
        (("-s", "CONCURRENT_REQUESTS=many"), "CONCURRENT_REQUESTS must be a whole number"),
        (
            ("-s", "IMAGES_STORE=gs://bucket"),
            f"{shlex.quote(sys.executable)} -m pip install google-cloud-storage",
        ),
    ],
)
def test_status_1_could_not_start(tmp_path: Path, words: tuple[str, ...], line: str) -> None:
    with StandIn(exhibits(1)) as standin:
        result = crawl(standin, tmp_path, *words)
        assert standin.asked == []
    assert result.status == 1
    (error,) = result.errors
    assert line in error


def test_a_missing_driver_is_named_with_the_command_of_this_interpreter(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None; sys.argv[0] = 'scrapy'\n"
        "from scrapy.cmdline import execute; execute()"
    )
    words = ("stats", "-s", "WALLPAPERS_CATALOGUE=postgresql://127.0.0.1:1/a")
    result = finish(start_python(*words, instead=(sys.executable, "-c", code), cwd=tmp_path))
    assert result.status == 1
    command = f"{shlex.quote(sys.executable)} -m pip install 'psycopg[binary]'\n"
    assert result.log.endswith(f"needs psycopg, which is not installed: {command}")


@pytest.mark.parametrize(
    "words",
    [("crawl",), ("crawl", "nobody"), ("crawl", "a", "b"), ("crawl", "baidu_wallpaper", "-a", "x")],
)
def test_status_2_wrong_usage(words: tuple[str, ...]) -> None:
    result = scrapy(*words)
    assert result.status == 2


def test_status_3_some_wallpapers_failed(tmp_path: Path) -> None:
    with MissingPicture(exhibits(3)) as standin:
        result = crawl(standin, tmp_path)
    assert result.status == 3
    assert len(json.loads((tmp_path / "out.json").read_text())) == 3


def test_status_4_the_listing_could_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "out.json").write_text("yesterday's")
    with AntiFlag(exhibits(3)) as standin:
        result = crawl(standin, tmp_path)
    assert result.status == 4
    assert len(result.errors) == 1
    assert (tmp_path / "out.json").read_text() == "yesterday's"


def test_status_5_the_store_is_full(tmp_path: Path) -> None:
    large = exhibit(99, large_jpeg(FILE_LIMIT // 1_000_000 + 1))
    with StandIn([*exhibits(10), large, *exhibits(40)[10:]]) as standin:
        words = ("crawl", "baidu_wallpaper", *arguments(standin, tmp_path))
        result = scrapy(*words, most_file_bytes=FILE_LIMIT)
    assert result.status == 5
    (error,) = result.errors
    assert "Store failed" in error
    assert ".part: File too large" in error
    check_whole(tmp_path / "store")
    assert not (tmp_path / "out.json").exists()
    json.loads((tmp_path / "out.partial.json").read_text())

    with StandIn([*exhibits(10), large, *exhibits(40)[10:]]) as standin:
        assert crawl(standin, tmp_path).status == 0


def test_status_5_a_feed_is_full(tmp_path: Path) -> None:
    with StandIn(exhibits(50)) as standin:
        wide = ("-s", "FEED_EXPORT_INDENT=9000")
        words = ("crawl", "baidu_wallpaper", *arguments(standin, tmp_path), *wide)
        result = scrapy(*words, most_file_bytes=FILE_LIMIT)
    assert result.status == 5
    (error,) = result.errors
    assert "Feed failed: " in error
    assert not (tmp_path / "out.json").exists()


def test_status_5_the_store_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "store").symlink_to("gone")
    with StandIn(exhibits(3)) as standin:
        result = crawl(standin, tmp_path)
        assert standin.asked == []
    assert result.status == 5
    (error,) = result.errors
    assert "Store not writable" in error


def test_status_5_nobody_reads_stdout(tmp_path: Path) -> None:
    with StandIn(exhibits(200)) as standin:
        words = ("crawl", "baidu_wallpaper", *arguments(standin, tmp_path)[:-4], *FAST)
        process = start_python(*words, "-o", "-:jsonlines", stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        result = finish(process)
    assert result.status == 5
    assert "Feed failed: stdout:: Broken pipe" in result.errors[0]


PRINTING = """
from scrapy import signals

class Printing:
    @classmethod
    def from_crawler(cls, crawler):
        printing = cls()
        crawler.signals.connect(printing.stopped, signals.engine_stopped)
        return printing

    def stopped(self):
        print("a line that nobody reads")
"""


def test_output_that_nobody_reads_leaves_the_status_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PRINTING)
    extension = ("-s", 'EXTENSIONS={"mine.Printing": 0}')
    with StandIn(exhibits(2)) as standin:
        words = ("crawl", "baidu_wallpaper", *arguments(standin, tmp_path), *extension)
        process = start_python(*words, cwd=tmp_path)
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        assert finish(process).status == 0


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_status_130_interrupted_lets_running_downloads_finish(
    tmp_path: Path, signal_number: signal.Signals
) -> None:
    shown = exhibits(60)
    with HeldPictures(shown) as standin:
        process = start("crawl", "baidu_wallpaper", *arguments(standin, tmp_path))
        assert standin.held.wait(TIMEOUT_S)
        process.send_signal(signal_number)
        read_until("shutting down gracefully", process)
        standin.release()
        result = finish(process)
        asked = len([path for path in standin.asked if path.startswith("/image/")])
    assert result.status == 130
    assert asked <= 31  # those that had a place when the signal came
    assert "outcome: interrupted (exit status 130)" in result.log
    check_whole(tmp_path / "store")
    stored = len(list((tmp_path / "store").rglob("*.jpg")))
    assert 5 <= stored <= asked
    assert len(json.loads((tmp_path / "out.partial.json").read_text())) == stored

    with StandIn(shown) as standin:
        assert crawl(standin, tmp_path).status == 0
        asked_again = len([path for path in standin.asked if path.startswith("/image/")])
    assert asked_again == 60 - stored


def test_a_second_signal_ends_the_run_immediately(tmp_path: Path) -> None:
    with HeldPictures(exhibits(60)) as standin:
        process = start("crawl", "baidu_wallpaper", *arguments(standin, tmp_path))
        assert standin.held.wait(TIMEOUT_S)
        for text in ("shutting down gracefully", "forcing unclean shutdown"):
            process.send_signal(signal.SIGINT)
            read_until(text, process)
        result = finish(process)
        standin.release()
    assert result.status == 130
    check_whole(tmp_path / "store", killed=True)
    assert not (tmp_path / "out.json").exists()

    with StandIn(exhibits(60)) as standin:
        assert crawl(standin, tmp_path).status == 0
    check_whole(tmp_path / "store")
