"""Exchange state with the other workers once a second, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from wallpapers.catalogue.cluster_tables import cluster_runs
from wallpapers.cluster.politeness import exchange
from wallpapers.cluster.records import record_ends
from wallpapers.cluster.runs import ListingState
from wallpapers.cluster.takeover import count_alive, take_over
from wallpapers.options.setting_values import not_negative

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from scrapy.settings import BaseSettings

    from wallpapers.catalogue.entries import Entries
    from wallpapers.cluster.crawls import Crawls


@dataclass(frozen=True)
class Beat:
    """What a worker has read from the database in one exchange."""

    taken_over: int  # tasks
    workers: int  # that are alive
    waits: dict[str, float]  # hosts, with the seconds to wait for them
    cancelled: list[int]  # runs


def beat(
    entries: Entries, worker: int, lease_s: float, waits: Mapping[str, float], runs: Collection[int]
) -> Beat:
    """Take over tasks, record the ends of runs, publish *waits*, and return what others published.

    *runs* are those of this worker, which may have been cancelled.
    """
    connection = entries.connection
    record_ends(entries)
    return Beat(
        take_over(entries, worker, lease_s),
        count_alive(entries, lease_s),
        exchange(connection, worker, waits),
        _cancelled(connection, runs),
    )


def _cancelled(connection: Connection, runs: Collection[int]) -> list[int]:
    cancelled = select(cluster_runs.c.id).where(
        cluster_runs.c.id.in_(runs), cluster_runs.c.state == ListingState.CANCELLED
    )
    return list(connection.execute(cancelled).scalars())


class CrawlLimits:
    """Apply pauses, request limits and cancellations of the cluster to the crawls of a worker.

    Settings: WALLPAPERS_CLUSTER_REQUESTS_PER_DOMAIN, CONCURRENT_REQUESTS_PER_DOMAIN.
    """

    def __init__(self, settings: BaseSettings, crawls: Crawls) -> None:
        self._of_cluster = not_negative(settings, "WALLPAPERS_CLUSTER_REQUESTS_PER_DOMAIN")
        self._of_worker = not_negative(settings, "CONCURRENT_REQUESTS_PER_DOMAIN")
        self._crawls = crawls
        crawls.on_open = self._limit_all
        self.workers = 1  # that are alive
        self.listing_pause = ListingPause(settings)

    def waits(self) -> dict[str, float]:
        """Return how many seconds the crawls of this worker wait for each host."""
        waits: dict[str, float] = {}
        for crawl in self._crawls.open_crawls.values():
            for name, wait_s in (crawl.pauses.own() if crawl.pauses else {}).items():
                waits[name] = max(wait_s, waits.get(name, 0.0))
        return waits

    def apply(self, beat: Beat) -> None:
        """Pause the hosts of *beat*, divide the request limit, and stop cancelled runs."""
        self.workers = beat.workers
        self._limit_all()
        for run, crawl in self._crawls.open_crawls.items():
            if crawl.pauses:
                crawl.pauses.learn(beat.waits)
            if run in beat.cancelled:
                self._crawls.stop_run(run)

    def _limit_all(self) -> None:
        of_worker = self._of_worker
        if self._of_cluster:
            share = max(self._of_cluster // max(self.workers, 1), 1)
            of_worker = min(share, of_worker or share)
        crawls = self._crawls.open_crawls.values()
        for crawl in crawls:
            if crawl.pauses and of_worker:
                crawl.pauses.hosts.max_requests = max(of_worker // len(crawls), 1)


class ListingPause:
    """The pause before any worker may request the next page of a source."""

    def __init__(self, settings: BaseSettings) -> None:
        slot = settings.getdict("DOWNLOAD_SLOTS").get("listing") or {}
        self._delay_s = float(slot.get("delay") or 0)
        self._read_s = 0.0

    def page_read(self) -> None:
        """Start the pause: a page was read."""
        self._read_s = monotonic()

    @property
    def left_s(self) -> float:
        """The rest of the pause in seconds."""
        return max(0.0, self._read_s + self._delay_s - monotonic())
