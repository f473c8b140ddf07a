"""Run ``scrapy`` as a person does: in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.conftest import FAST_PATH, NO_CERTIFICATES
from tests.e2e.forked import ForkedProgram
from tests.invariants import check_no_traceback

PROJECT = Path(__file__).parents[2]
FAST = ("-s", 'DOWNLOAD_SLOTS={"listing": {"concurrency": 1, "delay": 0}}')
PROGRAM = (sys.executable, "-W", "error", "-m", "scrapy")
TIMEOUT_S = 120
Process = subprocess.Popen[str] | ForkedProgram


@dataclass
class Result:
    """What a command left behind."""

    status: int
    output: str
    log: str
    peak_mb: float = 0

    @property
    def errors(self) -> list[str]:
        """The lines of the log at ERROR and above."""
        return [line for line in self.log.splitlines() if "] ERROR: " in line or "] CRIT" in line]


def start(
    *words: str,
    cwd: Path = PROJECT,
    stdout: int | IO[Any] = subprocess.PIPE,
    stderr: int | IO[Any] = subprocess.PIPE,
    most_file_bytes: int | None = None,
    module: str = "scrapy",
    settings_module: str = "wallpapers.settings",
) -> ForkedProgram:
    """Start ``python -m MODULE`` with *words*, forked from a process that has imported it.

    An empty *settings_module* leaves the settings to the project in the folder. Every write beyond
    *most_file_bytes* of a file fails, as on a full disk.
    """
    return ForkedProgram(
        module,
        _words(words),
        cwd,
        _environment(settings_module),
        stdout=stdout,
        stderr=stderr,
        most_file_bytes=most_file_bytes,
    )


def start_python(
    *words: str,
    before: tuple[str, ...] = (),
    instead: tuple[str, ...] = (),
    settings_module: str = "wallpapers.settings",
    **options: Any,
) -> subprocess.Popen[str]:
    """Start ``scrapy`` with *words* in a new interpreter, which imports everything.

    An empty *settings_module* leaves the settings to the project in the folder.
    """
    environment = _environment(settings_module)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    own = options.pop("preexec_fn", None)

    def prepare() -> None:
        # A job in the background ignores SIGINT, and one under nohup SIGHUP.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        if own is not None:
            own()

    return subprocess.Popen(
        [*before, *(instead or PROGRAM), *_words(words)],
        text=True,
        preexec_fn=prepare,  # noqa: PLW1509 (no thread of the tests forks)
        **{"cwd": PROJECT, "env": environment, **pipes, **options},
    )


def _words(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return *words* for the way of pictures that is tested."""
    if not FAST_PATH and words and words[0] in ("crawl", "runspider", "demo", "retry"):
        return (words[0], "-s", "WALLPAPERS_FAST_PATH=False", *words[1:])
    return words


def _environment(settings_module: str) -> dict[str, str]:
    environment = {
        **NO_CERTIFICATES,
        **os.environ,
        "PYTHONPATH": str(PROJECT),
        "PYTHONUTF8": "1",
        "NO_COLOR": "1",
    }
    if settings_module:
        environment["SCRAPY_SETTINGS_MODULE"] = settings_module
    environment.pop("PYTHONUNBUFFERED", None)  # a person's is not set
    return environment


def read_until(text: str, process: Process, stream: str = "stderr") -> str:
    """Read the log, or its stdout, until a line has *text*; return what was read."""
    source = getattr(process, stream)
    read = ""
    while text not in read:
        line = source.readline()
        assert line, f"{text!r} never came:\n{read}"
        read += line
    return read


def finish(process: Process, *, tracebacks: bool = False) -> Result:
    """Wait for a started command; only where *tracebacks* are allowed may its log have one."""
    output, log = process.communicate(timeout=TIMEOUT_S)
    if not tracebacks:
        check_no_traceback(log or "")  # it may go elsewhere than into the pipe
    return Result(process.wait(), output, log)


def finish_all(running: Sequence[Process]) -> list[Result]:
    """Wait for commands that run together; if one fails to end, the error tells of the others."""
    with ThreadPoolExecutor(len(running)) as pool:
        ends = [pool.submit(finish, process) for process in running]
    errors = [error for end in ends if (error := end.exception())]
    results = [end.result() for end in ends if not end.exception()]
    if errors:
        for result in results:
            errors[0].add_note(f"Another command ended with {result.status}:\n{result.log}")
        raise errors[0]
    return results


def scrapy(
    *words: str,
    cwd: Path = PROJECT,
    most_file_bytes: int | None = None,
    tracebacks: bool = False,
) -> Result:
    """Run ``scrapy`` with *words* to its end; see ``start``."""
    process = start(*words, cwd=cwd, most_file_bytes=most_file_bytes)
    return finish(process, tracebacks=tracebacks)


def wait_until(holds: Callable[[], bool], timeout_s: float = TIMEOUT_S) -> None:
    """Poll until *holds* returns True."""
    end_s = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end_s, f"still waiting after {timeout_s} s"
        time.sleep(0.1)  # between two looks at another process, which cannot wake this one


# A child begins with the peak of the process that started it, so a small one stands in between.
_MEASURE = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


def measured(*words: str) -> Result:
    """Run ``scrapy`` with *words* to its end, and measure its peak memory."""
    result = finish(start_python(*words, before=(sys.executable, "-c", _MEASURE)))
    result.peak_mb = int(result.output.splitlines()[-1]) / 1024
    return result
