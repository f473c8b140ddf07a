"""Give the tasks of dead workers back to the queue; procrastinate leaves this to its users."""

from __future__ import annotations

from sqlalchemy import text

from wallpapers.catalogue.entries import Entries

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
_ALIVE = text(
    "SELECT count(*) FROM procrastinate_workers "
    "WHERE last_heartbeat > now() - make_interval(secs => :lease_s)"
)


def take_over(entries: Entries, me: int | None, lease_s: float) -> int:
    """Give back the tasks of workers without a heartbeat for *lease_s*; return their number.

    *me* is the number of this worker, whose heartbeat is late after it was frozen.
    """
    connection = entries.connection
    if not connection.execute(_ONE_AT_A_TIME).scalar_one():
        return 0
    given_back = connection.execute(_GIVE_BACK, {"me": me, "lease_s": lease_s})
    return len(given_back.all())


def count_alive(entries: Entries, lease_s: float) -> int:
    """Return the number of workers with a heartbeat within *lease_s*."""
    return int(entries.connection.execute(_ALIVE, {"lease_s": lease_s}).scalar_one())
