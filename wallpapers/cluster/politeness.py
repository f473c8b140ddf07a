"""Share the pauses of hosts, so that all workers obey a Retry-After or wait for an outage."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic

from sqlalchemy import Connection, bindparam, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from wallpapers.catalogue.cluster_tables import cluster_hosts
from wallpapers.downloads.hosts import Hosts

_MIN_PAUSE_S = 0.5  # a shorter one is over before other workers read it
_MARGIN_S = 1.0  # by which others wait longer
_PROBE_S = 2.0  # after a pause of an outage, until others have read how the probe ended
_INTERVAL = func.make_interval(0, 0, 0, 0, 0, 0, bindparam("wait_s"))
_PAUSED = select(
    cluster_hosts.c.name, func.extract("epoch", cluster_hosts.c.until - func.now())
).where(cluster_hosts.c.until > func.now())


def exchange(connection: Connection, worker: int, waits: Mapping[str, float]) -> dict[str, float]:
    """Publish the pauses of *worker*, and return those of all workers, in seconds by host."""
    put = insert(cluster_hosts).values(
        name=bindparam("host"), worker=worker, until=func.now() + _INTERVAL
    )
    put = put.on_conflict_do_update(
        index_elements=["name"],
        set_={"until": put.excluded.until, "worker": put.excluded.worker},
        where=cluster_hosts.c.until < put.excluded.until - text("interval '0.5 seconds'"),
    )
    for name in sorted(waits):
        connection.execute(put, {"host": name, "wait_s": waits[name]})
    over = delete(cluster_hosts).where(
        cluster_hosts.c.worker == worker, cluster_hosts.c.name.not_in(list(waits))
    )
    connection.execute(over)
    return {row[0]: float(row[1]) for row in connection.execute(_PAUSED)}


class SharedPauses:
    """The pauses of hosts that one crawl found itself, and those that it learned from others."""

    def __init__(self, hosts: Hosts) -> None:
        self.hosts = hosts
        self._own: dict[str, float] = {}  # seconds, at the last beat
        self._learned: dict[str, float] = {}  # name -> monotonic time

    def own(self) -> dict[str, float]:
        """Return the pauses for other workers to keep, in seconds.

        During an outage, others wait longer than this worker, until they can read how its next
        probe ended.
        """
        now_s = monotonic()
        self._own = {}
        for name, wait_s in self.hosts.paused().items():
            learned_s = max(0.0, self._learned.get(name, 0.0) - now_s)
            in_outage = self.hosts[name].in_outage
            if wait_s > learned_s + _MIN_PAUSE_S or (in_outage and not learned_s):
                self._own[name] = wait_s + (_PROBE_S if in_outage else 0.0)
        return self._own

    def learn(self, waits: Mapping[str, float]) -> None:
        """Pause the hosts for which other workers wait."""
        for name, wait_s in waits.items():
            host, wait_here_s = self.hosts[name], wait_s + _MARGIN_S
            is_own = wait_s < self._own.get(name, 0.0) + _MIN_PAUSE_S
            if not is_own and host.ready_in_s < wait_here_s - _MIN_PAUSE_S:
                self._learned[name] = monotonic() + wait_here_s
                host.pause(wait_here_s)
