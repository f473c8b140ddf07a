"""The recent health of each host: paused, failing, given up, or well.

Only what several addresses of a host have in common is counted against the host. An address that
fails while others of its host are answered is ill by itself and uses up its own tries.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from scrapy.exceptions import DownloadFailedError

_ADDRESSES_OF_AN_OUTAGE = 3  # that failed since the last answer
_MAX_PAUSE_S = 30.0  # between two probes of a host that is away
_MAX_UNPROVEN = 2  # requests at once to a host that has never answered
_NEVER_ANSWERED = 0.1  # share of the outage budget for a host that has never answered


@dataclass(frozen=True)
class HostPolicy:
    """How patiently hosts are treated; seconds, from WALLPAPERS_PATIENCE_*."""

    backoff_s: float
    max_wait_s: float
    outage_s: float


class HostStatusError(DownloadFailedError):
    """A host answers with an error status that says that it does not serve at present."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class Host:
    """What is known of one host in this run.

    ``given_up`` is the error of a host that stayed away for its whole budget; it is probed again
    now and then, as long as there is something to request from it.
    """

    def __init__(self, name: str, policy: HostPolicy, changed: Callable[[Host], None]) -> None:
        self.name = name
        self._policy = policy
        self._changed = changed
        self.answers = 0
        self.given_up: Exception | None = None
        self.is_away = False
        self._resume_at_s = 0.0
        self._failing: set[object] = set()
        self._failing_since_s = math.inf
        self._pauses = 0

    @property
    def has_answered(self) -> bool:
        return self.answers > 0

    @property
    def is_well(self) -> bool:
        """Whether requests may be sent without a thought."""
        return not (self.is_away or self.given_up) and self.ready_in_s <= 0

    @property
    def ready_in_s(self) -> float:
        """Seconds until the next request may be sent."""
        return max(0.0, self._resume_at_s - monotonic())

    @property
    def budget_s(self) -> float:
        """How long the host may stay away before it is given up."""
        return self._policy.outage_s * (1 if self.has_answered else _NEVER_ANSWERED)

    def max_at_once(self, limit: int) -> int:
        """Return how many requests may be under way, where *limit* holds for a host that is well.

        A host that is away is probed by one request at a time.
        """
        if self.is_away or self.given_up:
            return 1
        return limit if self.has_answered else min(limit, _MAX_UNPROVEN)

    def pause(self, seconds: float) -> None:
        """Send nothing before *seconds* have passed."""
        self._resume_at_s = max(self._resume_at_s, monotonic() + seconds)
        self._changed(self)

    def answered(self) -> None:
        """Note an answer, whatever it says: the host is well."""
        troubled = self.is_away or self.given_up is not None or not self.has_answered
        self.answers += 1
        self._pauses = 0
        self._failing.clear()
        self._failing_since_s = math.inf
        self.is_away, self.given_up = False, None
        if troubled:
            self._changed(self)

    def failed(self, address: object, error: Exception, sent_at_s: float) -> bool:
        """Note that the request for *address*, sent at *sent_at_s*, failed with *error*.

        Return whether that begins an outage. During one, each failure makes the pause longer.
        """
        self._failing_since_s = min(self._failing_since_s, sent_at_s)
        self._failing.add(address)
        begins = not self.is_away and len(self._failing) >= _ADDRESSES_OF_AN_OUTAGE
        self.is_away |= begins
        if self.given_up is not None:
            self.pause(_MAX_PAUSE_S)
        elif self._has_used_up_its_budget:
            self.given_up = error
            self.pause(_MAX_PAUSE_S)
        elif self.is_away:
            self.pause(min(self._policy.backoff_s * 2**self._pauses, _MAX_PAUSE_S))
            self._pauses = min(self._pauses + 1, 20)
        return begins and self.given_up is None

    @property
    def _has_used_up_its_budget(self) -> bool:
        tried_enough = self.is_away or not self.has_answered
        return tried_enough and monotonic() - self._failing_since_s >= self.budget_s


class Hosts:
    """The hosts of a run by name (host and port)."""

    def __init__(self, policy: HostPolicy) -> None:
        self.policy = policy
        self._hosts: dict[str, Host] = {}
        self._watchers: list[Callable[[Host], None]] = []

    def __getitem__(self, name: str) -> Host:
        if name not in self._hosts:
            self._hosts[name] = Host(name, self.policy, self._changed)
        return self._hosts[name]

    def watch(self, changed: Callable[[Host], None]) -> None:
        """Call *changed* with each host whose health changes."""
        self._watchers.append(changed)

    def _changed(self, host: Host) -> None:
        for changed in self._watchers:
            changed(host)
