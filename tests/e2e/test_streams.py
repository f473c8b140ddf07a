"""A log that cannot be written, and standard streams that are closed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from tests.e2e.command import FAST, finish, scrapy, start_python
from tests.invariants import check_whole
from tests.pictures import exhibits
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn

needs_dev_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")


def words(standin: StandIn, folder: Path) -> tuple[str, ...]:
    return (
        *("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *FAST),
        *("-s", f"IMAGES_STORE={folder / 'store'}", "-O", str(folder / "out.json")),
    )


class TenthIsMissing(StandIn):
    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        if exhibit is self.exhibits[9]:
            raise web.HTTPNotFound
        return await super().picture(request, exhibit)


def closing(*descriptors: int) -> Callable[[], None]:
    def close() -> None:
        for descriptor in descriptors:
            os.close(descriptor)

    return close


@needs_dev_full
def test_status_5_the_log_is_full(tmp_path: Path) -> None:
    with StandIn(exhibits(3)) as standin:
        result = scrapy(*words(standin, tmp_path), "-s", "LOG_FILE=/dev/full")
        assert standin.asked == []
    assert result.status == 5
    assert result.log == "The log failed: No space left on device: /dev/full\n"


@needs_dev_full
@pytest.mark.parametrize("on_stderr", [False, True])
def test_status_5_the_log_is_full_later(tmp_path: Path, on_stderr: bool) -> None:
    """The first line of the log is that of a picture that failed."""
    settings = ("-s", "LOG_LEVEL=WARNING", *(() if on_stderr else ("-s", "LOG_FILE=/dev/full")))
    with TenthIsMissing(exhibits(300)) as standin, Path("/dev/full").open("w") as full:
        command = (*words(standin, tmp_path), *settings)
        stderr = full if on_stderr else subprocess.PIPE
        result = finish(start_python(*command, stderr=stderr))
        assert len(standin.asked) < 250
    assert result.status == 5
    line = "The log failed: No space left on device: /dev/full; stopping the run\n"
    assert result.log == (None if on_stderr else line)
    check_whole(tmp_path / "store")
    json.loads((tmp_path / "out.partial.json").read_text())


def test_a_log_on_stderr_that_nobody_reads_stops_nothing(tmp_path: Path) -> None:
    with StandIn(exhibits(30)) as standin:
        process = start_python(*words(standin, tmp_path))
        assert process.stderr is not None
        process.stderr.close()
        process.stderr = None
        result = finish(process)
    assert result.status == 0
    assert len(json.loads((tmp_path / "out.json").read_text())) == 30


@pytest.mark.parametrize("closed", [(1,), (2,), (0, 1, 2)])
@pytest.mark.parametrize("log_file", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_standard_streams_that_are_closed(
    tmp_path: Path, closed: tuple[int, ...], log_file: bool
) -> None:
    log = tmp_path / "log"
    settings = ("-s", f"LOG_FILE={log}") if log_file else ()
    with StandIn(exhibits(10)) as standin:
        command = (*words(standin, tmp_path), *settings)
        result = finish(start_python(*command, preexec_fn=closing(*closed)))
    assert result.status == 0
    assert len(json.loads((tmp_path / "out.json").read_text())) == 10
    check_whole(tmp_path / "store")
    if log_file:
        assert log.read_text().rstrip().endswith("outcome: complete (exit status 0)")
        assert "Traceback" not in log.read_text()


def test_a_feed_on_a_stdout_that_is_closed(tmp_path: Path) -> None:
    with StandIn(exhibits(10)) as standin:
        command = (*words(standin, tmp_path)[:-2], "-o", "-:jsonlines")
        result = finish(start_python(*command, preexec_fn=closing(1)))
    assert result.status == 1
    assert "the feed stdout: needs a standard output, which is closed" in result.errors[0]


SCRIPT = """
import sys
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.utils.project import get_project_settings

settings = get_project_settings()
settings.setdict({"IMAGES_STORE": sys.argv[2], "LOG_FILE": sys.argv[3]})
process = AsyncCrawlerProcess(settings)
process.crawl("baidu_wallpaper", endpoint=sys.argv[1])
process.start()
"""


def test_a_script_whose_stderr_is_closed(tmp_path: Path) -> None:
    store, log = tmp_path / "store", tmp_path / "log"
    with StandIn(exhibits(3)) as standin:
        program = (sys.executable, "-c", SCRIPT)
        arguments = (standin.endpoint, str(store), str(log))
        result = finish(start_python(*arguments, instead=program, preexec_fn=closing(2)))
    assert result.status == 0
    assert log.read_text().rstrip().endswith("outcome: complete (exit status 0)")
    assert "Traceback" not in log.read_text()


@needs_dev_full
def test_a_full_disk_under_the_output_of_a_command_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        result = finish(start_python("sources", "--json", stdout=full))
    assert result.status == 5
    assert result.log == (
        "scrapy: output not written: No space left on device; free some space, and run again\n"
    )
