"""Limit the number of concurrent downloads: in total, per host, and for hosts that are not ready.

A download occupies a place while bytes arrive. A transfer that receives almost none for a second
returns its place and continues without one, so that slow hosts do not delay the others.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from wallpapers.downloads.hosts import Host, Hosts
    from wallpapers.storage.parts import Part

MAX_WAITING_IN_TROUBLE = 4  # images in memory of a host in trouble
_STALL_S = 1.0  # without _MIN_BYTES
_MIN_BYTES = 4096
_CHECK_INTERVAL_S = 0.5
_MAX_STALLED = 128  # transfers of all hosts; each has a socket
_MIN_UNPROVEN = 128  # transfers from hosts that have not responded; each has a socket
_MAX_WAITING = 64  # images in memory of all hosts in trouble, until the listing is read
_SHORT_PAUSE_S = 1.0  # during a longer one, only a few images of the host wait in memory


class HostNotReadyError(Exception):
    """The host of an image is not ready, and enough of its images are waiting in memory."""

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host


class Place:
    """The permission for one transfer into *part*; *proven* as in ``Places``."""

    def __init__(self, queue: HostQueue, part: Part, *, proven: bool) -> None:
        self.queue = queue
        self.part = part
        self.proven = proven
        self.was_returned = False  # because the transfer has stalled
        self.is_downloading = True
        self._size = 0
        self._active_s = monotonic()

    def check_stall(self) -> bool:
        """Return whether almost no bytes have arrived for a second; called regularly."""
        now_s = monotonic()
        if abs(self.part.size - self._size) >= _MIN_BYTES:
            self._size, self._active_s = self.part.size, now_s
        return self.is_downloading and now_s - self._active_s > _STALL_S


class _Waiting(NamedTuple):
    """An image that waits for a place; one that *must_wait* cannot be put aside."""

    place: asyncio.Future[Place]
    part: Part
    must_wait: bool


class HostQueue:
    """The images of one host that are being downloaded or waiting in memory."""

    def __init__(self, name: str, host: Host, limit: int) -> None:
        self.name = name
        self.host = host
        self.limit = limit
        self.running = 0
        self.stalled = 0
        self.waiting: deque[_Waiting] = deque()
        self.timer: asyncio.TimerHandle | None = None

    @property
    def is_in_trouble(self) -> bool:
        """Whether it may take long until this host can serve another image."""
        host = self.host
        if not host.is_healthy and (host.in_outage or host.ready_in_s > _SHORT_PAUSE_S):
            return True
        return self.stalled >= (MAX_WAITING_IN_TROUBLE if host.has_responded else 1)

    @property
    def has_room(self) -> bool:
        """Whether another download from this host may start now."""
        return self.host.ready_in_s <= 0 and self.running < self.host.max_concurrency(self.limit)

    def pop_waiting(self) -> Iterator[asyncio.Future[Place]]:
        """Remove and yield the futures of all waiting images, oldest first."""
        while self.waiting:
            future = self.waiting.popleft().place
            if not future.done():
                yield future


class Places:
    """Distribute the places of a crawl among its hosts.

    *total* is the number of concurrent downloads, *limit_of* returns the number for a host. A host
    is *proven* if it is healthy and has responded in this run; the other hosts share other places.
    *extra_changed* is called with +1 and -1 when a transfer in addition to *total* begins and ends.
    *resume* is called with the queue of a host that has room for images which were put aside.
    """

    def __init__(
        self,
        hosts: Hosts,
        total: int,
        limit_of: Callable[[str], int],
        *,
        extra_changed: Callable[[int], None],
        resume: Callable[[HostQueue], None],
    ) -> None:
        self._hosts = hosts
        self._limit_of = limit_of
        self._extra_changed = extra_changed
        self._resume = resume
        self._free = {True: total, False: max(total, _MIN_UNPROVEN)}  # proven -> places
        self._listing_is_read = False
        self._queues: dict[str, HostQueue] = {}
        self._with_waiting: dict[str, HostQueue] = {}  # longest wait first
        self._taken: set[Place] = set()
        self._stalled = 0
        self._check_timer: asyncio.TimerHandle | None = None
        hosts.on_change(self._host_changed)

    def queue(self, name: str) -> HostQueue:
        """Return the queue of the host with this *name* (host and port)."""
        if name not in self._queues:
            self._queues[name] = HostQueue(name, self._hosts[name], self._limit_of(name))
        return self._queues[name]

    async def acquire(self, name: str, part: Part, *, must_wait: bool = False) -> Place:
        """Return a place for an image of the host *name* as soon as one is free.

        Raises HostNotReadyError if enough of its images are waiting, unless *must_wait*; and the
        last error of a host that is given up.
        """
        queue = self.queue(name)
        if not queue.waiting and (place := self._try_acquire(queue, part)):
            return place
        if queue.host.give_up_error:
            raise queue.host.give_up_error.with_traceback(None)  # which grows with each raise
        if not must_wait and queue.is_in_trouble and self._enough_are_waiting(queue):
            raise HostNotReadyError(name)
        future: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        queue.waiting.append(_Waiting(future, part, must_wait))
        self._with_waiting[name] = queue
        self._set_timer(queue)
        return await future

    def end_of_listing(self) -> None:
        """Lift the limit for all hosts in trouble together: no listing page has to wait now."""
        self._listing_is_read = True

    def _enough_are_waiting(self, queue: HostQueue) -> bool:
        if len(queue.waiting) >= MAX_WAITING_IN_TROUBLE:
            return True
        in_trouble = (other for other in self._with_waiting.values() if other.is_in_trouble)
        total = sum(len(other.waiting) for other in in_trouble)
        return total >= _MAX_WAITING and not self._listing_is_read

    def release(self, place: Place) -> None:
        """Return *place* after the download."""
        self._taken.discard(place)
        place.queue.running -= 1
        if place.was_returned:
            place.queue.stalled -= 1
            self._stalled -= 1
        else:
            self._free[place.proven] += 1
        if place.was_returned or not place.proven:
            self._extra_changed(-1)
        self._start_waiting(place.queue)
        self._start_other_hosts(place.queue)

    def stop(self, error: Callable[[], Exception]) -> None:
        """Raise *error* for every waiting image."""
        for queue in self._queues.values():
            for future in queue.pop_waiting():
                future.set_exception(error())
            if queue.timer is not None:
                queue.timer.cancel()
        if self._check_timer is not None:
            self._check_timer.cancel()

    # Starting downloads

    def _try_acquire(self, queue: HostQueue, part: Part) -> Place | None:
        if not queue.has_room or (queue.stalled and self._stalled >= _MAX_STALLED):
            return None
        proven = queue.host.has_responded and queue.host.is_healthy
        if self._free[proven] <= 0:
            return None
        self._free[proven] -= 1
        if not proven:
            self._extra_changed(1)
        queue.running += 1
        place = Place(queue, part, proven=proven)
        self._taken.add(place)
        if self._check_timer is None:
            self._check_later()
        return place

    def _start_waiting(self, queue: HostQueue) -> None:
        """Start as many waiting images of a host as possible."""
        while queue.waiting:
            future, part, _ = queue.waiting[0]
            if not future.done():
                place = self._try_acquire(queue, part)
                if place is None:
                    self._set_timer(queue)
                    return
                future.set_result(place)
            queue.waiting.popleft()
        self._with_waiting.pop(queue.name, None)
        self._resume(queue)

    def _start_other_hosts(self, last: HostQueue) -> None:
        """Offer the free places to the hosts other than *last*."""
        for queue in list(self._with_waiting.values()):
            if not any(self._free.values()):
                return
            if queue is not last:
                self._start_waiting(queue)

    def _host_changed(self, host: Host) -> None:
        if queue := self._queues.get(host.name):
            self._limit_waiting(queue)
            self._start_waiting(queue)

    def _limit_waiting(self, queue: HostQueue) -> None:
        """Keep only a few images of a host in trouble in memory."""
        if queue.host.give_up_error:
            for future in queue.pop_waiting():
                future.set_exception(queue.host.give_up_error.with_traceback(None))
        elif queue.is_in_trouble:
            too_many = max(0, len(queue.waiting) - MAX_WAITING_IN_TROUBLE)
            latest = [waiting for waiting in reversed(queue.waiting) if not waiting.must_wait]
            for waiting in latest[:too_many]:
                queue.waiting.remove(waiting)
                if not waiting.place.done():
                    waiting.place.set_exception(HostNotReadyError(queue.name))

    def _set_timer(self, queue: HostQueue) -> None:
        """Start waiting images when the pause of their host is over."""
        wait_s = queue.host.ready_in_s
        if wait_s <= 0 or queue.timer is not None:
            return

        def ready() -> None:
            queue.timer = None
            self._start_waiting(queue)

        queue.timer = asyncio.get_running_loop().call_later(wait_s + 0.001, ready)

    # Stalled transfers

    def _check_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._check_timer = loop.call_later(_CHECK_INTERVAL_S, self._check)

    def _check(self) -> None:
        self._check_timer = None
        for place in list(self._taken):
            if not place.was_returned and place.check_stall():
                self._return_early(place)
        if self._taken:
            self._check_later()

    def _return_early(self, place: Place) -> None:
        """Free the place of a stalled transfer, which continues."""
        place.was_returned = True
        self._free[place.proven] += 1
        if place.proven:
            self._extra_changed(1)
        place.queue.stalled += 1
        self._stalled += 1
        self._limit_waiting(place.queue)
        self._start_other_hosts(place.queue)
