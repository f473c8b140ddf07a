"""Limits of a process that looks at pictures: memory, processor time, and the life of the crawl."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Beside the budget: the file itself, which is mapped, and decoders that are still to be loaded.
_BESIDE_BYTES = 128 * 1024 * 1024
_PR_SET_PDEATHSIG = 1

TIME_IS_UP = signal.SIGPROF  # what a process ends by when a picture has used up its time


def limit_memory(budget_bytes: int) -> None:
    """Have allocations fail that take the process *budget_bytes* above its size now.

    Only Linux has the limit, and tells the size; elsewhere this does nothing.
    """
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return
    most = pages * resource.getpagesize() + budget_bytes + _BESIDE_BYTES
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


@contextmanager
def limited_time(seconds: float) -> Iterator[None]:
    """End the process by TIME_IS_UP when the block takes more *seconds* of processor time.

    No handler could: it would have to wait for the decoder, which does not return before.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def die_with(parent: int) -> None:
    """End this process when *parent* ends, however busy a decoder is. Linux only."""
    signal.signal(TIME_IS_UP, signal.SIG_DFL)
    if sys.platform != "linux":
        return
    from ctypes import CDLL

    with suppress(OSError, AttributeError):
        CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before it was asked to
        os._exit(0)
