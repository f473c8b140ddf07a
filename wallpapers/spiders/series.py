"""Keep the listings that a run still has to read, in order."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

MAX_REFUSALS = 2  # in a row

# An argument that changes neither which wallpapers a listing contains nor which are stored.
_REREAD = "reread_days"


class ListingArguments(NamedTuple):
    """The arguments of one listing, as given with -a, and the values of all."""

    given: Mapping[str, str]
    values: Mapping[str, Any]

    @property
    def fingerprint(self) -> str:
        """A hash of the given arguments, which may contain secrets."""
        deciding = {
            name: value
            for name, value in self.given.items()
            if not name.startswith("_") and name != _REREAD
        }
        return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()


class Series:
    """The arguments of the listings of a run, in order, and what ends the series early.

    A listing that fails does not end the series. But if the source refuses several listings in a
    row, or does not respond, it would do the same to the others, which are not requested.
    """

    def __init__(self, arguments: Iterable[ListingArguments]) -> None:
        self._waiting = deque(arguments)
        self.is_single = len(self._waiting) == 1
        self.current = self._waiting[0]
        self._refusals = 0  # in a row
        self._listed = 0  # wallpapers of the listings that ended

    @property
    def remaining(self) -> int:
        """The number of listings that were not begun."""
        return len(self._waiting)

    @property
    def is_refused(self) -> bool:
        """Whether the source has refused too many listings in a row."""
        return self._refusals >= MAX_REFUSALS

    def next(self) -> ListingArguments:
        """Return the arguments of the next listing, of which there must be one."""
        self.current = self._waiting.popleft()
        return self.current

    def listing_ended(self, listed: int, *, refused: bool = False) -> None:
        """Record that a listing ended or failed, after it had *listed* wallpapers."""
        self._listed += listed
        self._refusals = self._refusals + 1 if refused else 0

    def expected_wallpapers(self, of_listing: int | None) -> int | None:
        """Return the expected number of wallpapers of the run, or None if it is unknown.

        *of_listing* is that of the current listing.
        """
        if of_listing is None or self._waiting:
            return None
        return self._listed + of_listing
