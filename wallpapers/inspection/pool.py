"""The processes that look at pictures: started when there is work, replaced when they die."""

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
from wallpapers.inspection.limits import TIME_IS_UP
from wallpapers.inspection.worker import READY, Begun

if TYPE_CHECKING:
    from wallpapers.inspection.inspect_file import Demands, Findings, Task

# When a picture takes longer than that, another process is started.
_ENOUGH_FOR_ONE_S = 0.05
_MOST_DEATHS = 2  # of processes, over one and the same picture or before they are ready
_SLOTS = 64  # far more than processes at once
_LAST_GRACE_S = 1.0  # for a process without work to end
_STOPPING_GRACE_S = 5.0  # for what is under way when the run is stopping
_WATCH_S = 0.5
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from wallpapers.inspection.worker import main; main(*map(int, sys.argv[2:]))"
)


@dataclass
class _Order:
    """A task, who waits for its answer, and how many processes died over it."""

    task: Task
    answer: asyncio.Future[Findings]
    given_s: float = 0.0  # of the loop's clock
    deaths: int = 0
    took_too_long: bool = False


class Crew:
    """Has pictures looked at, by one process for each core at most.

    A process that crashes costs the picture that it was at, if that crashes another one, too; one
    whose picture has used up its time costs that picture.
    """

    def __init__(self, demands: Demands, is_stopping: Callable[[], bool] = lambda: False) -> None:
        self._demands = demands
        self._is_stopping = is_stopping
        self._stops_at_s: float | None = None  # of the loop's clock
        self._watch: asyncio.TimerHandle | None = None
        self._most = min(4, os.cpu_count() or 1)
        self._members: list[_Member] = []
        self._stillborn = 0  # processes in a row that died before they were ready
        self._shared: IO[bytes] | None = None  # see Turns and Begun
        self._started = 0
        self._stopped = False

    def prepare(self) -> None:
        """Have a process come up, if there is none: a picture is on its way. Raises StoreError."""
        if not self._members and not self._stopped:
            self._start()

    async def inspect(self, task: Task) -> Findings:
        """Return what is in a file.

        Raises PictureRefusedError, StoreError, and InspectionStoppedError after ``stop``.
        """
        if self._stopped:
            raise InspectionStoppedError
        loop = asyncio.get_running_loop()
        order = _Order(task, loop.create_future())
        self._hand_out(order)
        if self._watch is None:
            self._watch = loop.call_later(_WATCH_S, self._look_whether_to_stop, loop)
        return await order.answer

    def stop(self) -> None:
        """End the processes, whatever they are at; what is not answered yet never will be."""
        self._stopped = True
        if self._watch is not None:
            self._watch.cancel()
        for member in self._members:
            member.end(kill=bool(member.orders))
            for order in member.orders:
                if not order.answer.done():
                    order.answer.set_exception(InspectionStoppedError())
        self._members.clear()

    def close(self) -> None:
        """Stop, and let go of everything."""
        self.stop()
        if self._shared is not None:
            self._shared.close()

    def _look_whether_to_stop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stop some seconds after the run began to; look again while anything is under way."""
        self._watch = None
        if not any(member.orders for member in self._members):
            return
        if self._is_stopping():
            self._stops_at_s = self._stops_at_s or loop.time() + _STOPPING_GRACE_S
            if loop.time() >= self._stops_at_s:
                self.stop()
                return
        self._watch = loop.call_later(_WATCH_S, self._look_whether_to_stop, loop)

    def _hand_out(self, order: _Order) -> None:
        # What waits for one that is late waits long: its picture may take all its time.
        member = min(
            self._members, key=lambda member: (member.is_late, len(member.orders)), default=None
        )
        if member is None or (member.is_late and len(self._members) < self._most):
            member = self._start()
        member.take(order)

    def _start(self) -> _Member:
        try:
            self._shared = self._shared or _shared_file()
            slot = self._started % _SLOTS
            member = _Member(self._demands, self._shared, slot, self._most, self._died)
        except OSError as error:
            raise StoreError(f"no process to look at pictures can be started: {error}") from error
        self._started += 1
        self._members.append(member)
        return member

    def _died(self, member: _Member) -> None:
        """Hand out again what a process leaves; the picture that it was at may be to blame."""
        self._members.remove(member)
        status = member.end(kill=False)
        self._stillborn = 0 if member.is_ready else self._stillborn + 1
        orders = member.orders
        if blamed := member.was_at():
            blamed.deaths += 1
            blamed.took_too_long = status == -TIME_IS_UP
        for order in orders:
            if order.answer.done():
                continue
            if self._stillborn >= _MOST_DEATHS:
                said = f"the process that looks at pictures ended at once, with status {status}"
                order.answer.set_exception(StoreError(said))
            elif order.took_too_long:
                said = f"its decoder took more than {self._demands.seconds:g} s"
                order.answer.set_exception(PictureRefusedError("broken", said))
            elif order.deaths >= _MOST_DEATHS:
                said = f"its decoder crashed, with status {status}"
                order.answer.set_exception(PictureRefusedError("broken", said))
            else:
                self._hand_out_again(order)

    def _hand_out_again(self, order: _Order) -> None:
        try:
            self._hand_out(order)
        except StoreError as error:
            order.answer.set_exception(error)


class _Member:
    """One process. It answers in the order in which it is asked. Raises OSError."""

    def __init__(
        self,
        demands: Demands,
        shared: IO[bytes],
        slot: int,
        processes: int,
        died: Callable[[_Member], None],
    ) -> None:
        self.orders: deque[_Order] = deque()
        self.is_ready = False
        self._answered = 0
        self._shared, self._slot = shared.fileno(), slot
        os.pwrite(self._shared, bytes(Begun.BYTES), slot * Begun.BYTES)
        self._unsent: list[Task] = []
        self._died = died
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self._process = _run(theirs.fileno(), self._shared, processes, slot)
            self._connection = Connection(ours.detach())
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._connection.fileno(), self._said)
        self._tell(demands)

    @property
    def is_late(self) -> bool:
        """Does it have more to do than one process should?"""
        waits = self.is_ready and bool(self.orders)
        return waits and self._loop.time() - self.orders[0].given_s > _ENOUGH_FOR_ONE_S

    def take(self, order: _Order) -> None:
        """Have it do *order*; whatever else is ordered in this turn of the loop goes along."""
        order.given_s = self._loop.time()
        self.orders.append(order)
        if not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent.append(order.task)

    def _send(self) -> None:
        tasks, self._unsent = self._unsent, []
        self._tell(tasks)

    def _tell(self, what: object) -> None:
        with suppress(OSError):  # of one that has died, which is about to be read
            self._connection.send(what)

    def was_at(self) -> _Order | None:
        """Return what it was at when it died: answers may have been on their way."""
        at = Begun.read(self._shared, self._slot) - self._answered - 1
        return self.orders[at] if 0 <= at < len(self.orders) else None

    def end(self, *, kill: bool) -> int:
        """Close its end, and return its status; have it killed where it may not listen."""
        self._loop.remove_reader(self._connection.fileno())
        self._connection.close()
        if not kill:
            with suppress(subprocess.TimeoutExpired):
                return self._process.wait(_LAST_GRACE_S)
        self._process.kill()
        return self._process.wait()

    def _said(self) -> None:
        try:
            answer = self._connection.recv()
        except (EOFError, OSError):
            self._died(self)
            return
        if answer == READY:
            self.is_ready = True
            return
        for found in answer:
            order = self.orders.popleft()
            self._answered += 1
            if order.answer.done():  # whoever asked for it has gone
                continue
            if isinstance(found, Exception):
                order.answer.set_exception(found)
            else:
                order.answer.set_result(found)


def _shared_file() -> IO[bytes]:
    """Return a file with a slot for each process. Raises OSError."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 (close)
    file.write(bytes(_SLOTS * Begun.BYTES))  # no hole, for which the disk may lack room later
    file.flush()
    return file


def _run(descriptor: int, shared: int, processes: int, slot: int) -> subprocess.Popen[bytes]:
    """Start a process that imports what it needs, and nothing of Scrapy. Raises OSError."""
    words = [json.dumps(sys.path), *map(str, (descriptor, shared, processes, slot, os.getpid()))]
    return subprocess.Popen(  # noqa: S603 (this program)
        [sys.executable, "-I", "-S", "-c", _START, *words],
        stdin=subprocess.DEVNULL,
        pass_fds=(descriptor, shared),
        process_group=0,  # Ctrl-C is for the crawl, which says when it is done
    )
