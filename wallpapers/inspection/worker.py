"""Run an inspector process: receive tasks, send results."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from multiprocessing.connection import Connection
from time import monotonic

from wallpapers.inspection.inspect_file import inspect_file
from wallpapers.inspection.limits import exit_with_parent, limit_memory, limited_time
from wallpapers.inspection.messages import (
    READY,
    ImageRequirements,
    Inspection,
    Task,
    TaskCounter,
)

# Pixels that all processes together may decode at the same time; a larger image is decoded alone.
DECODE_BUDGET = 40_000_000
# An image of up to so many pixels does not count towards the budget, and never waits.
UNGATED_PIXELS = 1_000_000

Result = Inspection | Exception

_BATCH_S = 0.005
_NICENESS = 10  # transfers have priority: a server that has to wait may close the connection


class DecodeGate:
    """Keep all processes together within the decode budget, by a lock on a shared file."""

    def __init__(self, lock: int, processes: int) -> None:
        self._lock = lock
        self._share = DECODE_BUDGET // processes

    @contextmanager
    def hold(self, pixels: int) -> Iterator[None]:
        """Wait until *pixels* fit into the budget, and occupy them during the block.

        An image larger than the share of one process runs beside ungated images only.
        """
        if pixels <= UNGATED_PIXELS:
            yield
            return
        fcntl.lockf(self._lock, fcntl.LOCK_EX if pixels > self._share else fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.lockf(self._lock, fcntl.LOCK_UN)


def main(descriptor: int, shared: int, processes: int, slot: int, crawl_pid: int) -> None:
    """Process tasks until the crawl closes the connection or ends; send READY first.

    *shared* is a file common to all inspectors, with the lock of DecodeGate and a slot for each
    TaskCounter.
    """
    exit_with_parent(crawl_pid)
    # Ctrl-C and SIGTERM end the crawl, which then ends its inspectors.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICENESS)
    gate = DecodeGate(shared, processes)
    counter = TaskCounter(shared, slot)
    try:
        with Connection(descriptor) as crawl:
            requirements: ImageRequirements = crawl.recv()
            if requirements.look:
                _import_numpy()
            limit_memory(requirements.memory)
            crawl.send(READY)
            while True:
                tasks: list[Task] = crawl.recv()
                results = (_result_of(task, requirements, gate, counter) for task in tasks)
                for batch in _in_batches(results):
                    crawl.send(batch)
    except (EOFError, OSError):
        return


def _import_numpy() -> None:
    """Import numpy before the memory is limited, with one thread: one process per core runs."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    import_module("wallpapers.images.sharpness")


def _in_batches(results: Iterable[Result]) -> Iterator[list[Result]]:
    """Yield the results of some milliseconds together: a message costs as much as an inspection."""
    batch: list[Result] = []
    due_s = monotonic() + _BATCH_S
    for result in results:
        batch.append(result)
        if monotonic() >= due_s:
            yield batch
            batch, due_s = [], monotonic() + _BATCH_S
    if batch:
        yield batch


def _result_of(
    task: Task, requirements: ImageRequirements, gate: DecodeGate, counter: TaskCounter
) -> Result:
    counter.increment()
    try:
        with limited_time(requirements.seconds):
            return inspect_file(task, requirements, gate.hold)
    except Exception as error:  # sent to the crawl, which raises it
        error.__cause__ = error.__context__ = None
        return error.with_traceback(None)
