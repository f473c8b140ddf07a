"""Claim the wallpapers that a run fetches, so that no other run fetches them as well."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from wallpapers.catalogue.statements import CLAIM
from wallpapers.items import Key


@dataclass(frozen=True)
class Claims:
    """The claims of one run.

    A claim is in the row of a wallpaper until the wallpaper is settled. The claims of a run that
    no longer runs are void, so no run waits for one that was killed.
    """

    run: str  # the name of its folder
    is_running: Callable[[str], bool]  # whether the run with a name is alive, on this machine

    def name_for(self, key: Key) -> str:
        """Return the name under which the wallpaper *key* is claimed."""
        return self.run

    def lost(self, connection: Connection, keys: Iterable[Key]) -> set[Key]:
        """Return those of *keys* that another run took over; nothing may be written about them."""
        return set()

    def held_by_others(
        self, connection: Connection, claimed_by: Mapping[Key, str | None]
    ) -> set[Key]:
        """Return the wallpapers that another running run has claimed."""
        others = {run for run in claimed_by.values() if run and run != self.run}
        alive = {run for run in others if self.is_running(run)}
        return {key for key, run in claimed_by.items() if run in alive}

    def claim_free(self, connection: Connection, claimed_by: Mapping[Key, str | None]) -> set[Key]:
        """Claim the wallpapers that no other run has claimed, and return the others."""
        others = self.held_by_others(connection, claimed_by)
        rows = [
            {"of_source": key[0], "of_id": key[1], "run": self.name_for(key)}
            for key, by in claimed_by.items()
            if key not in others and by != self.name_for(key)
        ]
        if rows:
            connection.execute(CLAIM, rows)
        return others
