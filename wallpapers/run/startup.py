"""Prepare the process of a command, before anything heavy is imported.

Until then, Ctrl-C ends Python with a traceback. So this module imports very little itself.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType

from wallpapers.run.exit_status import ExitStatus

SignalHandler = Callable[[int, FrameType | None], None] | signal.Handlers

_CRAWLING = {"crawl", "retry", "demo", "doctor", "cluster"}  # commands
# New objects between two garbage collections. Nine images reach Python's default of 700, and leave
# no garbage behind. The imports create 60,000.
_COLLECT_AFTER = 100_000
_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


def prepare() -> None:
    """Set up signals, streams and logging, if Scrapy's command line is running a command.

    It does nothing in a program that only imports this package.
    """
    if "scrapy.cmdline" in sys.modules:
        prepare_command()


def prepare_command() -> None:
    """Set up signals, and for a command that crawls also streams, logging and memory."""
    sys.excepthook = _report_exception
    command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    if command not in _CRAWLING:
        return
    try:
        handle_signals(_exit)
    except ValueError:  # not the main thread, which handles signals
        return
    _replace_closed_streams()
    import logging

    # A log that cannot be written is reported by LogGuard, once the crawl has one.
    logging.raiseExceptions = False
    gc.set_threshold(_COLLECT_AFTER)


def handle_signals(handler: SignalHandler) -> None:
    """Install *handler* for Ctrl-C, SIGTERM and SIGHUP; under ``nohup``, not for SIGHUP."""
    for number in _SIGNALS:
        if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _exit(number: int, frame: FrameType | None) -> None:
    """End the process; before the crawl, nothing is open that would have to be closed."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(ExitStatus.INTERRUPTED)


def _report_exception(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Report an exception that ends a command; Ctrl-C needs no traceback."""
    if issubclass(kind, KeyboardInterrupt):
        _exit(signal.SIGINT, None)
    sys.__excepthook__(kind, error, traceback)


def _replace_closed_streams() -> None:
    """Open the null device for each standard stream that the parent process closed.

    Otherwise the next file that is opened gets the number of the stream, and error messages of a
    library would be written into it. The standard output is opened for reading, so that a feed
    that goes there fails.
    """
    for descriptor, mode in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, mode)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 (until the process ends)
