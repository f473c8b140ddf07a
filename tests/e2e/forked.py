"""Run ``scrapy`` in processes that are forked from one that has imported it already.

Importing Scrapy, Twisted and SQLAlchemy costs more than most commands do. The module is loaded into
the server of forks, so it imports nothing of the tests.
"""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import os
import resource
import runpy
import signal
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Any

import psutil

PIPE = subprocess.PIPE
_TELL_WHERE = signal.SIGUSR1  # a program writes where its threads stand, and ends
_TELLING_S = 10
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__, f"{__package__}.preloaded"])


class ForkedProgram:
    """A program that runs, with the methods of ``subprocess.Popen`` that tests use."""

    def __init__(
        self,
        module: str,
        words: tuple[str, ...],
        cwd: Path,
        environment: dict[str, str],
        *,
        stdout: int | IO[Any] = PIPE,
        stderr: int | IO[Any] = PIPE,
        most_file_bytes: int | None = None,
    ) -> None:
        self.stdout, to_stdout = _open(stdout)
        self.stderr, to_stderr = _open(stderr)
        with to_stdout, to_stderr:
            given = (module, words, cwd, environment, most_file_bytes, to_stdout, to_stderr)
            self._process = _CONTEXT.Process(target=_run, args=given)
            self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if (status := self._process.exitcode) is None:
            raise subprocess.TimeoutExpired("scrapy", timeout or 0)
        return status

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Read both streams and wait for the process.

        If it is late, it is killed, and the error has what it wrote and where its threads stood.
        """
        with ThreadPoolExecutor(2) as pool:
            streams = [pool.submit(_read, stream) for stream in (self.stdout, self.stderr)]
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired as late:
                # One of them, even if stopped, may hold the streams open.
                descendants = self._descendants()
                self.send_signal(_TELL_WHERE)
                self._process.join(_TELLING_S)
                self.kill()
                for descendant in descendants:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        descendant.kill()
                for stream in streams:
                    late.add_note(stream.result(_TELLING_S))
                raise
            output, log = (stream.result(timeout) for stream in streams)
        return output, log

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _descendants(self) -> list[Any]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return list(psutil.Process(self.pid).children(recursive=True))
        return []


def _open(stream: int | IO[Any]) -> tuple[IO[str] | None, Connection]:
    """Return the end of a new pipe to read from, None for a file, and the end for the program."""
    if stream != PIPE:
        number = stream if isinstance(stream, int) else stream.fileno()
        return None, Connection(os.dup(number), readable=False)
    reading, writing = os.pipe()
    return os.fdopen(reading, encoding="utf-8"), Connection(writing, readable=False)


def _read(stream: IO[str] | None) -> str:
    if stream is None:
        return ""
    with stream:
        return stream.read()


def _redirect(stdout: Connection, stderr: Connection) -> None:
    """Make these pipes the standard streams of this process."""
    for number, stream in ((1, stdout), (2, stderr)):
        os.dup2(stream.fileno(), number)
        stream.close()
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(  # noqa: SIM115
        2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )


def _run(
    module: str,
    words: tuple[str, ...],
    cwd: Path,
    environment: dict[str, str],
    most_file_bytes: int | None,
    stdout: Connection,
    stderr: Connection,
) -> None:
    """Become what ``python -W error -m MODULE`` is after its imports, and run *words*."""
    from wallpapers.run import startup

    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    _redirect(stdout, stderr)
    sys.path[:0] = [str(cwd)]
    spec = find_spec(f"{module}.__main__")
    assert spec is not None
    sys.argv = [str(spec.origin), *words]
    sys.orig_argv = [sys.executable, "-W", "error", "-m", module, *words]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):  # one under nohup ignores SIGHUP
        signal.signal(number, signal.SIG_DFL)
    faulthandler.register(_TELL_WHERE, chain=True)
    if most_file_bytes is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_file_bytes, most_file_bytes))
    startup.prepare()  # as the import of the package does
    sys.warnoptions[:] = ["error"]
    warnings.simplefilter("error")
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()  # which a process of multiprocessing leaves out
        with contextlib.suppress(OSError):
            sys.stdout.flush()
