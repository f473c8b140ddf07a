"""Track the health of each host: healthy, paused, in an outage, or given up.

A host is only blamed for what several of its addresses have in common. An address that fails while
other addresses of its host respond uses up its own retries.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from time import monotonic
from typing import NamedTuple

from scrapy.exceptions import DownloadFailedError

_ADDRESSES_OF_AN_OUTAGE = 3  # that failed since the last response
_MAX_PAUSE_S = 30.0  # between two probes during an outage
_MAX_PROBE_S = 15.0  # after which a probe has failed, including the time to connect
_MAX_UNPROVEN = 2  # concurrent requests to a host that has never responded
_UNPROVEN_SHARE = 0.1  # of the outage budget, for a host that has never responded


class HostPolicy(NamedTuple):
    """Limits for waiting, in seconds, from the settings WALLPAPERS_PATIENCE_*."""

    backoff_s: float
    max_wait_s: float
    outage_s: float


class HostStatusError(DownloadFailedError):
    """The host responded with a status that means that it is out of service."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class Host:
    """The health of one host in this run.

    ``give_up_error`` is the last error of a host whose outage has used up its budget. Such a host
    is still probed from time to time, and recovers with its next response.
    """

    def __init__(
        self, name: str, policy: HostPolicy, changed: Callable[[Host], None], hosts: Hosts
    ) -> None:
        self.name = name
        self._hosts = hosts
        self._policy = policy
        self._changed = changed
        self.responses = 0
        self.give_up_error: Exception | None = None
        self.in_outage = False
        self._resume_at_s = 0.0
        self._failed_addresses: set[object] = set()
        self._failing_since_s = math.inf
        self._probes = 0
        self._outage_since_s = 0.0

    @property
    def has_responded(self) -> bool:
        """Whether the host has responded at least once in this run."""
        return self.responses > 0

    @property
    def is_healthy(self) -> bool:
        """Whether requests may be sent without a delay and up to the normal limit."""
        return not (self.in_outage or self.give_up_error) and self.ready_in_s <= 0

    @property
    def ready_in_s(self) -> float:
        """Seconds until the next request may be sent."""
        return max(0.0, self._resume_at_s - monotonic())

    @property
    def is_probed(self) -> bool:
        """Whether a probe may be under way: a pause of an outage ended a short time ago."""
        return self.in_outage and 0 <= monotonic() - self._resume_at_s < _MAX_PROBE_S

    @property
    def budget_s(self) -> float:
        """Seconds that an outage may last before the host is given up."""
        return self._policy.outage_s * (1 if self.has_responded else _UNPROVEN_SHARE)

    def max_concurrency(self, limit: int) -> int:
        """Return how many requests may run concurrently; *limit* applies to a healthy host.

        During an outage, one request at a time probes the host.
        """
        if self.in_outage or self.give_up_error:
            return 1
        limit = min(limit, self._hosts.max_requests)
        return limit if self.has_responded else min(limit, _MAX_UNPROVEN)

    def pause(self, seconds: float) -> None:
        """Send no request for the next *seconds*."""
        self._resume_at_s = max(self._resume_at_s, monotonic() + seconds)
        self._changed(self)

    def record_response(self) -> None:
        """Record a response of any content, which ends an outage."""
        was_limited = self.in_outage or self.give_up_error is not None or not self.has_responded
        self.responses += 1
        self._probes = 0
        self._failed_addresses.clear()
        self._failing_since_s = math.inf
        self.in_outage, self.give_up_error = False, None
        if was_limited:
            self._changed(self)

    def record_failure(self, address: object, error: Exception, sent_at_s: float) -> bool:
        """Record that the request for *address*, sent at *sent_at_s*, failed with *error*.

        Return whether an outage begins. During an outage, each probe that fails doubles the pause;
        requests that were sent before it began do not.
        """
        self._failing_since_s = min(self._failing_since_s, sent_at_s)
        self._failed_addresses.add(address)
        begins = not self.in_outage and len(self._failed_addresses) >= _ADDRESSES_OF_AN_OUTAGE
        if begins:
            self.in_outage, self._outage_since_s = True, monotonic()
        if self.give_up_error is not None:
            self.pause(_MAX_PAUSE_S)
        elif self._has_used_up_budget:
            self.give_up_error = error
            self.pause(_MAX_PAUSE_S)
        elif begins or (self.in_outage and sent_at_s >= self._outage_since_s):
            self.pause(min(self._policy.backoff_s * 2**self._probes, _MAX_PAUSE_S))
            self._probes = min(self._probes + 1, 20)
        return begins and self.give_up_error is None

    @property
    def _has_used_up_budget(self) -> bool:
        has_tried_enough = self.in_outage or not self.has_responded
        return has_tried_enough and monotonic() - self._failing_since_s >= self.budget_s


class Hosts:
    """All hosts of a run, by name (host and port).

    ``max_requests`` limits those to each host, in addition to the settings.
    """

    max_requests = sys.maxsize

    def __init__(self, policy: HostPolicy) -> None:
        self.policy = policy
        self._hosts: dict[str, Host] = {}
        self._callbacks: list[Callable[[Host], None]] = []

    def __getitem__(self, name: str) -> Host:
        if name not in self._hosts:
            self._hosts[name] = Host(name, self.policy, self._changed, self)
        return self._hosts[name]

    def paused(self) -> dict[str, float]:
        """Return the hosts that requests have to wait for, with the seconds; 0 = for a probe."""
        return {
            name: host.ready_in_s
            for name, host in self._hosts.items()
            if host.ready_in_s > 0 or host.is_probed
        }

    def on_change(self, callback: Callable[[Host], None]) -> None:
        """Call *callback* with each host whose health changes."""
        self._callbacks.append(callback)

    def _changed(self, host: Host) -> None:
        for callback in self._callbacks:
            callback(host)
