"""Limit an inspector process: its memory, its processor time, and its lifetime to the crawl's."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# In addition to the budget: the file itself, which is mapped, and decoders not loaded yet.
_OVERHEAD_BYTES = 128 * 1024 * 1024
_PR_SET_PDEATHSIG = 1

TIME_LIMIT_SIGNAL = signal.SIGPROF  # ends a process whose task exceeds its time limit


def limit_memory(budget_bytes: int) -> None:
    """Limit the process to *budget_bytes* above its present size.

    Beyond that, allocations raise MemoryError. Linux only; elsewhere this does nothing.
    """
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return
    limit = pages * resource.getpagesize() + budget_bytes + _OVERHEAD_BYTES
    _, hard_limit = resource.getrlimit(resource.RLIMIT_AS)
    if hard_limit != resource.RLIM_INFINITY:
        limit = min(limit, hard_limit)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard_limit))


@contextmanager
def limited_time(seconds: float) -> Iterator[None]:
    """End the process by TIME_LIMIT_SIGNAL when the block takes more *seconds* of processor time.

    The signal has no handler, because Python would run it only after the decoder has returned.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def exit_with_parent(parent: int) -> None:
    """End this process when *parent* ends, even while a decoder is busy. Linux only."""
    signal.signal(TIME_LIMIT_SIGNAL, signal.SIG_DFL)
    if sys.platform != "linux":
        return
    from ctypes import CDLL

    with suppress(OSError, AttributeError):
        CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it had ended before the call
        os._exit(0)
