"""Run one command and write down what it and its children took; a small process of its own.

A child begins with the peak memory of the process that started it, so this imports next to nothing.
Called as ``python -I -S supervisor.py REPORT LOG TIMEOUT COMMAND...``; Linux, for its /proc.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_INTERVAL_S = 0.1
_MAX_SHARE = 0.03  # of the time: a process whose memory is read waits meanwhile
_PAGE = os.sysconf("SC_PAGE_SIZE")


def children(pid: int) -> list[int]:
    """Return the processes that *pid* started and that are still there."""
    found: list[int] = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/children") as file:
            found += map(int, file.read().split())
    return found


def tree(pid: int) -> list[int]:
    """Return *pid* and its descendants."""
    found = [pid]
    for process in found:
        try:
            found += children(process)
        except OSError:  # it has just ended
            continue
    return found


def memory(pids: list[int]) -> int:
    """Return the bytes that the processes occupy; what several share is divided among them."""
    total = 0
    for pid in pids:
        try:
            if len(pids) == 1:
                with open(f"/proc/{pid}/statm") as file:
                    return int(file.read().split()[1]) * _PAGE
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += 1024 * next(int(li.split()[1]) for li in file if li.startswith("Pss:"))
        except (OSError, StopIteration):
            continue
    return total


@contextmanager
def memory_samples(root: int) -> Iterator[list[tuple[float, int]]]:
    """Append the time and the memory of the process *root* and its children during the block."""
    samples: list[tuple[float, int]] = []
    ended = threading.Event()

    def watch() -> None:
        pids = [root]
        interval_s = _INTERVAL_S
        while not ended.wait(interval_s):
            began_s = time.perf_counter()
            if len(samples) % 5 == 0:
                pids = tree(root)
            samples.append((time.time(), memory(pids)))
            interval_s = max(_INTERVAL_S, (time.perf_counter() - began_s) / _MAX_SHARE)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield samples
    finally:
        ended.set()


def wait_or_kill(process: subprocess.Popen[bytes], timeout_s: float) -> int:
    """Return the status of *process*; after *timeout_s* its process group is killed."""

    def expire() -> None:
        os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(timeout_s, expire)
    timer.start()
    try:
        return process.wait()
    except BaseException:  # Ctrl-C comes here, not to a program with a session of its own
        expire()
        raise
    finally:
        timer.cancel()


def main(report: str, log: str, timeout_s: float, command: list[str]) -> None:
    """Run *command* to its end; after *timeout_s* its process group is killed."""
    with open(log, "wb") as output:
        started = time.time()
        clock = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        with memory_samples(process.pid) as samples:
            status = wait_or_kill(process, timeout_s)
            seconds = time.perf_counter() - clock
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = {
        "status": status,
        "started": started,
        "seconds": seconds,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "largest_bytes": usage.ru_maxrss * 1024,
        "samples": samples,
    }
    with open(report, "w") as file:
        json.dump(answer, file)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4:])
