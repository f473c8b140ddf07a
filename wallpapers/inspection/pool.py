"""Run the inspector processes: start them on demand, distribute the files, restart crashed ones."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import IO, TYPE_CHECKING

from wallpapers.errors import InspectionStoppedError, PictureRefusedError, StoreError
from wallpapers.inspection.limits import TIME_LIMIT_SIGNAL
from wallpapers.inspection.messages import READY, TaskCounter

if TYPE_CHECKING:
    from wallpapers.inspection.messages import ImageRequirements, Inspection, Task

_LATE_AFTER_S = 0.05  # for one task; then new tasks start another inspector
_MAX_CRASHES = 2  # of inspectors with the same task, or in a row before they are ready
_SLOTS = 64  # far more than processes at the same time
_EXIT_GRACE_S = 1.0  # for an inspector that closed its connection
_STOPPING_GRACE_S = 5.0  # for pending tasks when the run is stopping
_WATCH_INTERVAL_S = 0.5
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from wallpapers.inspection.worker import main; main(*map(int, sys.argv[2:]))"
)


@dataclass
class _Pending:
    """A task without a result yet, and the number of inspectors that crashed during it."""

    task: Task
    result: asyncio.Future[Inspection]
    sent_s: float = 0.0  # of the loop's clock
    crashes: int = 0
    timed_out: bool = False


class InspectorPool:
    """Inspect files in separate processes, at most *max_inspectors* and one for each core.

    A file is refused if two inspectors crash while they read it, or if one exceeds its time limit.
    """

    def __init__(
        self,
        requirements: ImageRequirements,
        is_stopping: Callable[[], bool] = lambda: False,
        *,
        max_inspectors: int = 4,
    ) -> None:
        self._requirements = requirements
        self._is_stopping = is_stopping
        self._stops_at_s: float | None = None  # of the loop's clock
        self._watch: asyncio.TimerHandle | None = None
        self._max_inspectors = min(max_inspectors, os.cpu_count() or 1)
        self._inspectors: list[_Inspector] = []
        self._failed_starts = 0  # in a row
        self._shared: IO[bytes] | None = None  # see DecodeGate and TaskCounter
        self._started = 0
        self._stopped = False

    def prepare(self) -> None:
        """Start an inspector if there is none, so that it is ready soon. Raises StoreError."""
        if not self._inspectors and not self._stopped:
            self._start()

    def start_all(self) -> int:
        """Start all inspectors, for many files that exist already; return their number."""
        while len(self._inspectors) < self._max_inspectors:
            self._start()
        return self._max_inspectors

    async def inspect(self, task: Task) -> Inspection:
        """Inspect a file in an inspector process.

        Raises PictureRefusedError, StoreError, and InspectionStoppedError after ``stop``.
        """
        if self._stopped:
            raise InspectionStoppedError
        loop = asyncio.get_running_loop()
        pending = _Pending(task, loop.create_future())
        self._assign(pending)
        if self._watch is None:
            self._watch = loop.call_later(_WATCH_INTERVAL_S, self._check_stopping, loop)
        return await pending.result

    def stop(self) -> None:
        """End all inspectors immediately; pending tasks raise InspectionStoppedError."""
        self._stopped = True
        if self._watch is not None:
            self._watch.cancel()
        for inspector in self._inspectors:
            inspector.end(kill=True)
            for pending in inspector.queue:
                if not pending.result.done():
                    pending.result.set_exception(InspectionStoppedError())
        self._inspectors.clear()

    def close(self) -> None:
        """Stop, and close the shared file."""
        self.stop()
        if self._shared is not None:
            self._shared.close()

    def _check_stopping(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stop after a grace period if the run is stopping; check again while tasks are pending."""
        self._watch = None
        if not any(inspector.queue for inspector in self._inspectors):
            return
        if self._is_stopping():
            self._stops_at_s = self._stops_at_s or loop.time() + _STOPPING_GRACE_S
            if loop.time() >= self._stops_at_s:
                self.stop()
                return
        self._watch = loop.call_later(_WATCH_INTERVAL_S, self._check_stopping, loop)

    def _assign(self, pending: _Pending) -> None:
        # A late inspector comes last: its current task may use up its whole time limit.
        inspector = min(
            self._inspectors,
            key=lambda inspector: (inspector.is_late, len(inspector.queue)),
            default=None,
        )
        has_room = len(self._inspectors) < self._max_inspectors
        if inspector is None or (inspector.is_late and has_room):
            inspector = self._start()
        inspector.assign(pending)

    def _start(self) -> _Inspector:
        try:
            self._shared = self._shared or _shared_file()
            inspector = _Inspector(
                self._requirements,
                self._shared,
                self._started % _SLOTS,
                self._max_inspectors,
                self._inspector_exited,
            )
        except OSError as error:
            raise StoreError(f"inspector process failed to start: {error}") from error
        self._started += 1
        self._inspectors.append(inspector)
        return inspector

    def _inspector_exited(self, inspector: _Inspector) -> None:
        """Reassign the tasks of an inspector; its current task may have caused the exit."""
        self._inspectors.remove(inspector)
        status = inspector.end(kill=False)
        self._failed_starts = 0 if inspector.is_ready else self._failed_starts + 1
        if current := inspector.current_task():
            current.crashes += 1
            current.timed_out = status == -TIME_LIMIT_SIGNAL
        for pending in inspector.queue:
            if pending.result.done():
                continue
            if error := self._failure_of(pending, status):
                pending.result.set_exception(error)
            else:
                self._reassign(pending)

    def _reassign(self, pending: _Pending) -> None:
        try:
            self._assign(pending)
        except StoreError as error:
            pending.result.set_exception(error)

    def _failure_of(self, pending: _Pending, status: int) -> Exception | None:
        """Return the error that ends a task after its inspector exited, or None to try again."""
        if self._failed_starts >= _MAX_CRASHES:
            return StoreError(f"inspector process exited immediately with status {status}")
        if pending.timed_out:
            message = f"its decoder took more than {self._requirements.seconds:g} s"
            return PictureRefusedError("broken", message)
        if pending.crashes >= _MAX_CRASHES:
            return PictureRefusedError("broken", f"decoder crashed (exit status {status})")
        return None


class _Inspector:
    """One inspector process, which returns results in the order of its tasks. Raises OSError."""

    def __init__(
        self,
        requirements: ImageRequirements,
        shared: IO[bytes],
        slot: int,
        processes: int,
        on_exit: Callable[[_Inspector], None],
    ) -> None:
        self.queue: deque[_Pending] = deque()
        self.is_ready = False
        self._results = 0  # received so far
        self._shared, self._slot = shared.fileno(), slot
        os.pwrite(self._shared, bytes(TaskCounter.BYTES), slot * TaskCounter.BYTES)
        self._unsent: list[Task] = []
        self._on_exit = on_exit
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self._process = _run(theirs.fileno(), self._shared, processes, slot)
            self._connection = Connection(ours.detach())
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._connection.fileno(), self._receive)
        self._send(requirements)

    @property
    def is_late(self) -> bool:
        """Whether its current task takes unusually long."""
        is_busy = self.is_ready and bool(self.queue)
        return is_busy and self._loop.time() - self.queue[0].sent_s > _LATE_AFTER_S

    def assign(self, pending: _Pending) -> None:
        """Queue a task; tasks of the same iteration of the event loop are sent together."""
        pending.sent_s = self._loop.time()
        self.queue.append(pending)
        if not self._unsent:
            self._loop.call_soon(self._send_tasks)
        self._unsent.append(pending.task)

    def _send_tasks(self) -> None:
        tasks, self._unsent = self._unsent, []
        self._send(tasks)

    def _send(self, message: object) -> None:
        with suppress(OSError):  # the process has exited, which _receive is about to notice
            self._connection.send(message)

    def current_task(self) -> _Pending | None:
        """Return the task during which the process exited; finished results may be lost."""
        index = TaskCounter.read(self._shared, self._slot) - self._results - 1
        return self.queue[index] if 0 <= index < len(self.queue) else None

    def end(self, *, kill: bool) -> int:
        """Close the connection and return the exit status, which *kill* does not wait for."""
        self._loop.remove_reader(self._connection.fileno())
        self._connection.close()
        if not kill:
            with suppress(subprocess.TimeoutExpired):
                return self._process.wait(_EXIT_GRACE_S)
        self._process.kill()
        return self._process.wait()

    def _receive(self) -> None:
        try:
            message = self._connection.recv()
        except (EOFError, OSError):
            self._on_exit(self)
            return
        if message == READY:
            self.is_ready = True
            return
        for result in message:
            pending = self.queue.popleft()
            self._results += 1
            if pending.result.done():  # the caller was cancelled
                continue
            if isinstance(result, Exception):
                pending.result.set_exception(result)
            else:
                pending.result.set_result(result)


def _shared_file() -> IO[bytes]:
    """Return a file with a slot for each process. Raises OSError."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 (close)
    file.write(bytes(_SLOTS * TaskCounter.BYTES))  # not sparse, so that later writes cannot fail
    file.flush()
    return file


def _run(descriptor: int, shared: int, processes: int, slot: int) -> subprocess.Popen[bytes]:
    """Start an inspector process, which imports nothing of Scrapy. Raises OSError."""
    numbers = (descriptor, shared, processes, slot, os.getpid())
    return subprocess.Popen(  # noqa: S603 (this program)
        [sys.executable, "-I", "-S", "-c", _START, json.dumps(sys.path), *map(str, numbers)],
        stdin=subprocess.DEVNULL,
        pass_fds=(descriptor, shared),
        process_group=0,  # Ctrl-C goes to the crawl alone, which ends its inspectors
    )
