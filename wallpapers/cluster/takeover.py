"""Return the tasks of dead workers to the queue, because procrastinate does not do so itself.

A worker without a heartbeat may be frozen in a transaction, whose locks would block all others. So
its connections are ended first.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from wallpapers.catalogue.cluster_tables import cluster_workers
from wallpapers.catalogue.entries import Entries
from wallpapers.cluster.database import process_name

_ONE_AT_A_TIME = text("SELECT pg_try_advisory_xact_lock(7262004)")
# In one statement, so that no two workers give the same task back.
_GIVE_BACK = text(
    """
    WITH stalled AS (
        SELECT job.id
        FROM procrastinate_jobs job
        LEFT JOIN procrastinate_workers worker ON worker.id = job.worker_id
        WHERE job.status = 'doing' AND job.worker_id IS DISTINCT FROM :me
            AND (worker.id IS NULL
                OR worker.last_heartbeat < now() - make_interval(secs => :lease_s))
        FOR UPDATE OF job SKIP LOCKED
    )
    SELECT procrastinate_retry_job_v2(id, now(), NULL::integer, NULL::varchar, NULL::varchar)
    FROM stalled
    """
)
# A worker has another number after each connection to the queue, and always the same name. Its
# connections are older than the lease, unless it has come back and is about to send a heartbeat.
_END_CONNECTIONS = text(
    """
    SELECT pg_terminate_backend(activity.pid)
    FROM pg_stat_activity activity
    WHERE activity.datname = current_database() AND activity.usename = current_user
        AND activity.backend_start < now() - make_interval(secs => :lease_s)
        AND activity.application_name IN (
            SELECT worker_name.name
            FROM cluster_workers worker_name
            LEFT JOIN procrastinate_workers worker ON worker.id = worker_name.id
            GROUP BY worker_name.name
            HAVING max(worker.last_heartbeat) < now() - make_interval(secs => :lease_s)
        )
    """
)
_HEARTBEAT = text("SELECT procrastinate_update_heartbeat_v1(:worker)")
_REGISTERED = text("SELECT count(*) FROM procrastinate_workers")
_ALIVE = text(
    "SELECT count(*) FROM procrastinate_workers "
    "WHERE last_heartbeat > now() - make_interval(secs => :lease_s)"
)


def take_over(entries: Entries, me: int | None, lease_s: float) -> int:
    """Return tasks of workers without a heartbeat for *lease_s* to the queue; return their number.

    *me* is the number of this worker, whose tasks stay, even if its own heartbeat is late.
    """
    connection = entries.connection
    connection.execute(_END_CONNECTIONS, {"lease_s": lease_s})  # one may hold the lock below
    if not connection.execute(_ONE_AT_A_TIME).scalar_one():
        return 0
    given_back = connection.execute(_GIVE_BACK, {"me": me, "lease_s": lease_s})
    return len(given_back.all())


def send_heartbeat(entries: Entries, worker: int) -> None:
    """Send a heartbeat of *worker*, because its queue sends none after a lost connection.

    Until its running tasks have ended, the queue does not connect again.
    """
    entries.connection.execute(_HEARTBEAT, {"worker": worker})


def introduce(entries: Entries, number: int) -> int:
    """Record this process as the worker *number*; return how many workers are registered."""
    row = insert(cluster_workers).values(id=number, name=process_name())
    entries.connection.execute(row.on_conflict_do_nothing())
    return int(entries.connection.execute(_REGISTERED).scalar_one())


def count_alive(entries: Entries, lease_s: float) -> int:
    """Return the number of workers with a heartbeat within *lease_s*."""
    return int(entries.connection.execute(_ALIVE, {"lease_s": lease_s}).scalar_one())
