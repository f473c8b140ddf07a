"""Run ``scrapy`` in processes that are forked from one that has imported it already.

Importing Scrapy, Twisted and SQLAlchemy costs more than most commands do. The module is loaded into
the server of forks, so it imports nothing of the tests.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import resource
import signal
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

_MODULES = [
    "scrapy.cmdline",
    "scrapy.core.downloader.handlers.http11",
    "scrapy.core.engine",
    "wallpapers.settings",
    "wallpapers.commands.crawl",
    "wallpapers.commands.verify",
    "wallpapers.spiders.baidu_search",
    "wallpapers.spiders.baidu_wallpaper",
    "sqlalchemy.dialects.sqlite",
    "sqlalchemy.dialects.postgresql.psycopg",
    __name__,
]
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(_MODULES)


def run_forked(
    words: tuple[str, ...],
    cwd: Path,
    environment: dict[str, str],
    *,
    most_file_bytes: int | None,
    timeout_s: float,
) -> tuple[int, str, str]:
    """Run ``scrapy`` with *words*; return its exit status, output and log."""
    (stdout, to_stdout), (stderr, to_stderr) = (_CONTEXT.Pipe(duplex=False) for _ in range(2))
    given = (words, cwd, environment, most_file_bytes, to_stdout, to_stderr)
    process = _CONTEXT.Process(target=_run, args=given)
    process.start()
    to_stdout.close()
    to_stderr.close()
    with ThreadPoolExecutor(2) as pool:
        streams = [pool.submit(_read, stream) for stream in (stdout, stderr)]
        process.join(timeout_s)
        status = process.exitcode
        process.kill()
        process.join()
        process.close()
        if status is None:
            raise TimeoutError(f"{words} still runs after {timeout_s} s")
        output, log = (stream.result(timeout_s) for stream in streams)
    return status, output, log


def _read(stream: Connection) -> str:
    with stream, open(stream.fileno(), encoding="utf-8", closefd=False) as file:
        return file.read()


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
    words: tuple[str, ...],
    cwd: Path,
    environment: dict[str, str],
    most_file_bytes: int | None,
    stdout: Connection,
    stderr: Connection,
) -> None:
    """Become what ``python -W error -m scrapy`` is after its imports, and run *words*."""
    from scrapy import cmdline

    from wallpapers.run import startup

    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    _redirect(stdout, stderr)
    sys.path[:0] = [str(cwd)]
    spec = find_spec("scrapy.__main__")
    assert spec is not None
    sys.argv = [str(spec.origin), *words]
    sys.orig_argv = [sys.executable, "-W", "error", "-m", "scrapy", *words]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if most_file_bytes is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_file_bytes, most_file_bytes))
    startup.prepare()  # as the import of the package does
    sys.warnoptions[:] = ["error"]
    warnings.simplefilter("error")
    try:
        cmdline.execute()
    finally:
        atexit._run_exitfuncs()  # which a process of multiprocessing leaves out
        with contextlib.suppress(OSError):
            sys.stdout.flush()
