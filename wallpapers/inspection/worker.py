"""What runs in a process that looks at pictures: a task comes in, what was found goes out."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from time import monotonic

from wallpapers.inspection.inspect_file import Demands, Findings, Task, inspect
from wallpapers.inspection.limits import die_with, limit_memory, limited_time

READY = "ready"
# Pixels under decode at once in all processes; a larger picture is decoded while no other is.
DECODE_BUDGET = 40_000_000
# A picture up to this number of pixels waits for no other: it hardly counts.
DECODE_FREELY = 1_000_000

Answer = Findings | Exception

_GATHER_S = 0.005
_NICENESS = 10  # transfers go first: a server that waits for us may give up


class Turns:
    """Keeps all processes together within the decode budget, by a lock on a shared file."""

    def __init__(self, lock: int, processes: int) -> None:
        self._lock = lock
        self._share = DECODE_BUDGET // processes

    @contextmanager
    def decode(self, pixels: int) -> Iterator[None]:
        """Hold the share of a picture; one that is larger than that runs beside small ones only."""
        if pixels <= DECODE_FREELY:
            yield
            return
        fcntl.lockf(self._lock, fcntl.LOCK_EX if pixels > self._share else fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.lockf(self._lock, fcntl.LOCK_UN)


class Begun:
    """Counts the tasks that were begun, where the crawl reads it when this process has died."""

    BYTES = 8

    def __init__(self, file: int, slot: int) -> None:
        self._file = file
        self._offset = slot * self.BYTES
        self._count = 0

    def one_more(self) -> None:
        """Count a task."""
        self._count += 1
        os.pwrite(self._file, self._count.to_bytes(self.BYTES, "little"), self._offset)

    @classmethod
    def read(cls, file: int, slot: int) -> int:
        """Return the count of the process that has *slot*."""
        return int.from_bytes(os.pread(file, cls.BYTES, slot * cls.BYTES), "little")


def main(descriptor: int, shared: int, processes: int, slot: int, crawl_pid: int) -> None:
    """Answer tasks until the crawl closes its end, or is gone; begin with READY.

    *shared* is a file that all processes have: the lock of the decoders, and a slot for each.
    """
    die_with(crawl_pid)
    # Ctrl-C and SIGTERM are for the crawl, which says here when it is done.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICENESS)
    turns = Turns(shared, processes)
    begun = Begun(shared, slot)
    try:
        with Connection(descriptor) as crawl:
            demands: Demands = crawl.recv()
            limit_memory(demands.memory)
            crawl.send(READY)
            while True:
                tasks: list[Task] = crawl.recv()
                for answers in _in_time(_answer(task, demands, turns, begun) for task in tasks):
                    crawl.send(answers)
    except (EOFError, OSError):
        return


def _in_time(answers: Iterable[Answer]) -> Iterator[list[Answer]]:
    """Gather *answers* for some milliseconds: each message costs the crawl as much as a picture."""
    gathered: list[Answer] = []
    due_s = monotonic() + _GATHER_S
    for answer in answers:
        gathered.append(answer)
        if monotonic() >= due_s:
            yield gathered
            gathered, due_s = [], monotonic() + _GATHER_S
    if gathered:
        yield gathered


def _answer(task: Task, demands: Demands, turns: Turns, begun: Begun) -> Answer:
    begun.one_more()
    try:
        with limited_time(demands.seconds):
            return inspect(task, demands, turns.decode)
    except Exception as error:  # whatever it is, the crawl is to hear of it
        error.__cause__ = error.__context__ = None
        return error.with_traceback(None)
