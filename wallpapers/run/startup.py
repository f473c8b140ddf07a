"""Prepare a process that is going to crawl, before anything heavy is imported."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from wallpapers.run.exit_status import ExitStatus

SignalHandler = Callable[[int, FrameType | None], None] | signal.Handlers

_CRAWLING = {"crawl", "retry", "demo", "doctor", "cluster"}  # commands
_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


def prepare() -> None:
    """Set up signals, streams and logging, if Scrapy's command line is running a crawl.

    A program that only imports this package is left as it is.
    """
    if "scrapy.cmdline" in sys.modules:
        prepare_command()


def prepare_command() -> None:
    """Set up signals, streams and logging, if the command line names a command that crawls."""
    command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    in_main_thread = threading.current_thread() is threading.main_thread()
    if command in _CRAWLING and in_main_thread:
        handle_signals(_exit)
        _replace_closed_streams()
        # A log that cannot be written is reported by LogGuard, once the crawl has one.
        logging.raiseExceptions = False


def handle_signals(handler: SignalHandler) -> None:
    """Have *handler* called for Ctrl-C, SIGTERM and SIGHUP; ``nohup`` keeps SIGHUP ignored."""
    for number in _SIGNALS:
        if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _exit(number: int, frame: FrameType | None) -> None:
    """End the process; nothing is open yet that would have to be closed."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(ExitStatus.INTERRUPTED)


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
