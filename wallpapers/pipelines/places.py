"""Let pictures begin: so many at once in all and of each host, and none of a host not ready.

A place is occupied while bytes flow. A transfer that brings next to none for a second gives its
place back and goes on without one: what is slow does not hold up what is not.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wallpapers.downloads.hosts import Host, Hosts
    from wallpapers.storage.parts import Part

FEW = 4  # pictures of a host in trouble that wait in memory
_SLOW_S = 1.0  # without _LEAST_BYTES
_LEAST_BYTES = 4096
_CHECK_INTERVAL_S = 0.5
_MAX_SLOW = 128  # transfers in all; each has a socket
_SHORT_PAUSE_S = 1.0  # of a host; all its pictures may wait for it in memory


class HostNotReadyError(Exception):
    """The host of a picture is not ready, and enough of its pictures wait already."""

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host


class Place:
    """The permission for one transfer into ``part``."""

    def __init__(self, queue: HostQueue, part: Part, *, proven: bool) -> None:
        self.queue = queue
        self.part = part
        self.proven = proven  # the host has answered before, and is well
        self.is_slow = False
        self.is_downloading = True
        self._size = 0
        self._active_s = monotonic()

    @property
    def brings_nothing(self) -> bool:
        """Whether next to no bytes came for a while."""
        now_s = monotonic()
        if abs(self.part.size - self._size) >= _LEAST_BYTES:
            self._size, self._active_s = self.part.size, now_s
        return self.is_downloading and now_s - self._active_s > _SLOW_S


class HostQueue:
    """The pictures of one host: those under way, and those that wait in memory."""

    def __init__(self, name: str, host: Host, limit: int) -> None:
        self.name = name
        self.host = host
        self.limit = limit
        self.under_way = 0
        self.slow = 0
        self.waiting: deque[tuple[asyncio.Future[Place], Part]] = deque()
        self.timer: asyncio.TimerHandle | None = None

    @property
    def is_in_trouble(self) -> bool:
        """Whether it may take long until the next picture of this host can begin."""
        host = self.host
        if not host.is_well and (host.is_away or host.ready_in_s > _SHORT_PAUSE_S):
            return True
        return self.slow >= (FEW if host.has_answered else 1)

    @property
    def has_room(self) -> bool:
        """Whether the host admits another picture now."""
        return self.host.ready_in_s <= 0 and self.under_way < self.host.max_at_once(self.limit)

    def pop_all(self) -> Iterator[asyncio.Future[Place]]:
        """Yield the futures of all that wait, first in first out."""
        while self.waiting:
            future, _ = self.waiting.popleft()
            if not future.done():
                yield future


class Places:
    """The places of a crawl, handed out host by host.

    *total* is how many pictures may be under way in all, *limit_of* returns how many of the host
    with a name. Pictures of hosts that have not answered yet have as many places of their own.
    *extra_changed* is called with the change of the number of transfers beside the *total*, and
    *room* with a queue that could take pictures that wait elsewhere.
    """

    def __init__(
        self,
        hosts: Hosts,
        total: int,
        limit_of: Callable[[str], int],
        *,
        extra_changed: Callable[[int], None],
        room: Callable[[HostQueue], None],
    ) -> None:
        self._hosts = hosts
        self._limit_of = limit_of
        self._extra_changed = extra_changed
        self._tell_room = room
        self._free = {True: total, False: total}  # proven -> places
        self._queues: dict[str, HostQueue] = {}
        self._with_waiting: dict[str, HostQueue] = {}  # in the order of their turns
        self._taken: set[Place] = set()
        self._slow = 0
        self._check_timer: asyncio.TimerHandle | None = None
        hosts.watch(self._host_changed)

    def queue(self, name: str) -> HostQueue:
        """Return the queue of the host with this *name* (host and port)."""
        if name not in self._queues:
            self._queues[name] = HostQueue(name, self._hosts[name], self._limit_of(name))
        return self._queues[name]

    async def enter(self, name: str, part: Part, *, may_wait: bool = False) -> Place:
        """Return a place for a picture of the host *name*, as soon as there is one.

        Raises HostNotReadyError where enough of its pictures wait, unless it *may_wait*; and the
        error of a host that is given up.
        """
        queue = self.queue(name)
        if not queue.waiting and (place := self._admit(queue, part)):
            return place
        if queue.host.given_up:
            raise queue.host.given_up.with_traceback(None)  # or it would grow with every raise
        if not may_wait and queue.is_in_trouble and len(queue.waiting) >= FEW:
            raise HostNotReadyError(name)
        future: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        queue.waiting.append((future, part))
        self._with_waiting[name] = queue
        self._set_timer(queue)
        return await future

    def leave(self, place: Place) -> None:
        """Give a place back."""
        self._taken.discard(place)
        place.queue.under_way -= 1
        if place.is_slow:
            place.queue.slow -= 1
            self._slow -= 1
        else:
            self._free[place.proven] += 1
        if place.is_slow or not place.proven:
            self._extra_changed(-1)
        self._advance(place.queue)
        self._advance_others(place.queue)

    def stop(self, error: Callable[[], Exception]) -> None:
        """End all waits with an *error*."""
        for queue in self._queues.values():
            for future in queue.pop_all():
                future.set_exception(error())
            if queue.timer is not None:
                queue.timer.cancel()
        if self._check_timer is not None:
            self._check_timer.cancel()

    # Who may begin

    def _admit(self, queue: HostQueue, part: Part) -> Place | None:
        if not queue.has_room or (queue.slow and self._slow >= _MAX_SLOW):
            return None
        proven = queue.host.has_answered and queue.host.is_well
        if self._free[proven] <= 0:
            return None
        self._free[proven] -= 1
        if not proven:
            self._extra_changed(1)
        queue.under_way += 1
        place = Place(queue, part, proven=proven)
        self._taken.add(place)
        if self._check_timer is None:
            self._check_later()
        return place

    def _advance(self, queue: HostQueue) -> None:
        """Let the next pictures of a host begin."""
        while queue.waiting:
            future, part = queue.waiting[0]
            if not future.done():
                place = self._admit(queue, part)
                if place is None:
                    self._set_timer(queue)
                    return
                future.set_result(place)
            queue.waiting.popleft()
        self._with_waiting.pop(queue.name, None)
        self._tell_room(queue)

    def _advance_others(self, last: HostQueue) -> None:
        """Let pictures of other hosts take the place that became free."""
        for queue in list(self._with_waiting.values()):
            if not any(self._free.values()):
                return
            if queue is not last:
                self._advance(queue)

    def _host_changed(self, host: Host) -> None:
        if queue := self._queues.get(host.name):
            self._shorten(queue)
            self._advance(queue)

    def _shorten(self, queue: HostQueue) -> None:
        """Have all but a few of the waiting pictures of a host in trouble wait elsewhere."""
        if queue.host.given_up:
            for future in queue.pop_all():
                future.set_exception(queue.host.given_up.with_traceback(None))
        elif queue.is_in_trouble:
            while len(queue.waiting) > FEW:
                future, _ = queue.waiting.pop()
                if not future.done():
                    future.set_exception(HostNotReadyError(queue.name))

    def _set_timer(self, queue: HostQueue) -> None:
        wait_s = queue.host.ready_in_s
        if wait_s <= 0 or queue.timer is not None:
            return

        def ready() -> None:
            queue.timer = None
            self._advance(queue)

        queue.timer = asyncio.get_running_loop().call_later(wait_s + 0.001, ready)

    # What is slow

    def _check_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._check_timer = loop.call_later(_CHECK_INTERVAL_S, self._check)

    def _check(self) -> None:
        self._check_timer = None
        for place in list(self._taken):
            if not place.is_slow and place.brings_nothing:
                self._release(place)
        if self._taken:
            self._check_later()

    def _release(self, place: Place) -> None:
        """Give back the place of a slow transfer, which goes on."""
        place.is_slow = True
        self._free[place.proven] += 1
        if place.proven:
            self._extra_changed(1)
        place.queue.slow += 1
        self._slow += 1
        self._shorten(place.queue)
        self._advance_others(place.queue)
