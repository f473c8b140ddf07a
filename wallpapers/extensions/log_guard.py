"""Stop the run when its log cannot be written."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self, TextIO

from scrapy import signals

from wallpapers.errors import message_of
from wallpapers.logs.terminal import log_handler
from wallpapers.run.addon import run_of

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from wallpapers.run.state import RunState

# The terminal was closed, or the program at the other end of a pipe has ended.
_NO_READER = {errno.EPIPE, errno.EIO}


class LogGuard:
    """End the run with status 5 when the log fails; Python would print a traceback each time.

    A log on the standard error whose reader has gone does not stop the run.
    """

    def __init__(self, state: RunState) -> None:
        self._state = state
        self._failed = False

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        guard = cls(run_of(crawler).state)
        # Until then, Scrapy replaces the handler at each step of the start.
        crawler.signals.connect(guard.spider_opened, signals.spider_opened)
        return guard

    def spider_opened(self) -> None:
        handler = log_handler()
        if not isinstance(handler, logging.StreamHandler):
            return
        self._loop = asyncio.get_event_loop()
        self._handler = handler
        self._next = handler.handleError  # of another crawl in this process, or the usual one
        handler.handleError = self._handle_error  # type: ignore[method-assign]
        logging.raiseExceptions = True

    def _handle_error(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            self._next(record)
        elif not self._failed:
            self._failed = True
            self._fail(error)
            if isinstance(getattr(self._next, "__self__", None), LogGuard):
                self._next(record)

    def _fail(self, error: OSError) -> None:
        """Discard the log from now on, and stop the run."""
        discard(self._handler)
        is_file = isinstance(self._handler, logging.FileHandler)
        if error.errno in _NO_READER and not is_file:
            return
        message = failure_of(self._handler, error)
        if is_file:
            print_error(f"{message}; stopping the run")
        if threading.current_thread() is threading.main_thread():
            self._state.store_failed(message)
        else:
            self._loop.call_soon_threadsafe(self._state.store_failed, message)


def log_works() -> bool:
    """Return whether all records so far were written to the log; if not, print the error."""
    handler = log_handler()
    if not isinstance(handler, logging.StreamHandler):
        return True
    try:
        handler.flush()
    except OSError as error:
        discard(handler)
        is_file = isinstance(handler, logging.FileHandler)
        if is_file:
            print_error(failure_of(handler, error))
        return error.errno in _NO_READER and not is_file
    return True


def failure_of(handler: logging.Handler, error: OSError) -> str:
    """Return the message for a log that cannot be written, in one line."""
    place = handler.baseFilename if isinstance(handler, logging.FileHandler) else "standard error"
    return f"The log failed: {message_of(error)}: {place}"


def print_error(message: str) -> None:
    """Print *message* on stderr, because the log cannot be written."""
    with suppress(OSError, ValueError):
        print(message, file=sys.stderr)  # noqa: T201


def discard(handler: logging.StreamHandler[TextIO]) -> None:
    """Discard further records of the log, and those in its buffers."""
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, handler.stream.fileno())
    finally:
        os.close(null)
