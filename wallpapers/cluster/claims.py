"""Claim the wallpapers of a task, so that a worker that was replaced cannot write about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, and_, bindparam, select, tuple_

from wallpapers.catalogue.claims import Claims
from wallpapers.catalogue.cluster_tables import cluster_pages
from wallpapers.cluster.pictures import AT_WORK, OpenPage
from wallpapers.items import Key

_PREFIX = "cluster:"

_AT_WORK = select(cluster_pages.c.run, cluster_pages.c.number, cluster_pages.c.turn).join(
    AT_WORK, and_(AT_WORK.c.run == cluster_pages.c.run, AT_WORK.c.page == cluster_pages.c.number)
)
_TURNS = (
    select(cluster_pages.c.run, cluster_pages.c.number, cluster_pages.c.turn)
    .where(
        tuple_(cluster_pages.c.run, cluster_pages.c.number).in_(bindparam("pages", expanding=True))
    )
    .with_for_update(read=True)
)


def name_of(run: int, page: int, turn: int) -> str:
    """Return the name of the claims of a task that has begun *page* for the *turn*-th time."""
    return f"{_PREFIX}{run}:{page}:{turn}"


@dataclass(frozen=True)
class TaskClaims(Claims):
    """The claims of the tasks that a crawl of a worker performs.

    The turn is part of a claim. If another worker takes over a page, it begins another turn, and
    this worker can no longer write about the page.
    """

    lease_s: float
    pages: dict[Key, OpenPage] = field(default_factory=dict)  # of the wallpapers under way

    @classmethod
    def of_run(cls, run: int, lease_s: float) -> TaskClaims:
        """Return the claims for a crawl of *run*; claims of plain crawls are ignored."""
        return cls(f"{_PREFIX}{run}", lambda name: False, lease_s)

    def name_for(self, key: Key) -> str:
        page = self.pages.get(key)
        return name_of(page.run, page.number, page.turn) if page else self.run

    def lost(self, connection: Connection, keys: Iterable[Key]) -> set[Key]:
        pages = {key: page for key in keys if (page := self.pages.get(key))}
        if not pages:
            return set()
        numbers = sorted({(page.run, page.number) for page in pages.values()})
        rows = connection.execute(_TURNS, {"pages": numbers})
        turns = {(row.run, row.number): row.turn for row in rows}
        return {
            key for key, page in pages.items() if turns.get((page.run, page.number)) != page.turn
        }

    def held_by_others(
        self, connection: Connection, claimed_by: Mapping[Key, str | None]
    ) -> set[Key]:
        others = {
            key: name for key, name in claimed_by.items() if name and name != self.name_for(key)
        }
        if not others:
            return set()
        at_work = connection.execute(_AT_WORK, {"lease_s": self.lease_s})
        alive = {name_of(*row) for row in at_work}
        return {key for key, name in others.items() if name in alive}
