"""End a program with a message when SQLite's mapped file cannot be accessed (SIGBUS).

SQLite maps the file ``-shm`` of a catalogue. If this file is truncated or made immutable, or if its
disk fails, the system sends SIGBUS to the thread that accesses it, within SQLite's code. By
default, this ends the process silently. With one of Python's signal handlers, the thread would
repeat the access forever. So the C handler is a callback that does not return.
Committed rows are safe; the next program that opens the catalogue recovers the file.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from wallpapers.logs.masking import mask
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.program import program_name

_END_S = 5.0  # for the program to end


class _BusErrors:
    """The handler of SIGBUS; a process has only one."""

    def __init__(self) -> None:
        self.path = ""  # of the catalogue that was opened last
        self.end_program: Callable[[str], None] = _exit
        self._callback: Any = None  # a reference, which the handler needs

    def handle(self) -> None:
        if self._callback is not None:
            return
        self._callback = ctypes.CFUNCTYPE(None, ctypes.c_int)(self._received)
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).signal(signal.SIGBUS, self._callback)

    def _received(self, number: int) -> None:
        file = f"{self.path}-shm"
        message = (
            f"the catalogue {self.path}: {file} cannot be accessed (SIGBUS): it was truncated or "
            f"made immutable, or its disk failed; check the disk, and lsattr {file}"
        )
        if threading.current_thread() is not threading.main_thread():
            self.end_program(message)
            threading.Event().wait(_END_S)  # the program may be waiting for this thread
        _exit(message)


def _exit(message: str) -> None:
    with suppress(Exception):
        sys.stdout.flush()
        sys.stderr.write(mask(f"{program_name()}: {message}") + "\n")
        sys.stderr.flush()
    os._exit(ExitStatus.STORE)


_bus_errors = _BusErrors()


def handle_bus_errors(path: str) -> None:
    """End the program with a message if the mapped file of the catalogue *path* fails."""
    _bus_errors.path = path
    _bus_errors.handle()


def end_on_bus_error(end_program: Callable[[str], None]) -> None:
    """Register *end_program*, which the failed thread calls with the message.

    It returns while the program is ending. By default, the message goes to stderr.
    """
    _bus_errors.end_program = end_program
