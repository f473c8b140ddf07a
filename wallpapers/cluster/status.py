"""Describe the state of a cluster: workers, queue, runs and failures."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

from wallpapers.cluster import runs
from wallpapers.run.reasons import Verdict

_MAX_ROWS = 20
_WORKERS = text(
    """
    SELECT worker.id, coalesce(replace(name.name, 'wallpapers ', ''), '') AS name,
        extract(epoch FROM now() - worker.last_heartbeat) AS age_s,
        (SELECT count(*) FROM procrastinate_jobs job
            WHERE job.worker_id = worker.id AND job.status = 'doing') AS tasks
    FROM procrastinate_workers worker LEFT JOIN cluster_workers name ON name.id = worker.id
    ORDER BY worker.id
    """
)
_QUEUED = text(
    "SELECT task_name, status::text AS status, count(*) AS count FROM procrastinate_jobs "
    "GROUP BY 1, 2 ORDER BY 1, 2"
)
_RUNS = text("SELECT id FROM cluster_runs ORDER BY id DESC LIMIT :most")
_PER_SECOND = text(
    "SELECT coalesce(sum(listed), 0) / 60.0 FROM cluster_pages "
    "WHERE settled_at > now() - interval '60 seconds'"
)
_FAILURES = text(
    "SELECT host, reason, count(*) AS count FROM cluster_wallpapers "
    "WHERE run = :run AND verdict = 'failed' GROUP BY 1, 2 ORDER BY 3 DESC LIMIT :most"
)


def status_of(connection: Connection, run: int | None) -> str:
    """Return the state of the cluster, or of one *run*. Raises ArgumentError."""
    lines = _of_run(connection, run) if run is not None else _of_cluster(connection)
    return "\n".join(lines)


def _of_cluster(connection: Connection) -> Iterator[str]:
    yield "Workers"
    for row in connection.execute(_WORKERS):
        yield f"  {row.id} {row.name}: {row.tasks} tasks, heartbeat {row.age_s:.0f} s ago"
    yield "Queue"
    for row in connection.execute(_QUEUED):
        yield f"  {row.task_name}: {row.count:,} {row.status}"
    yield f"Wallpapers per second, last minute: {connection.execute(_PER_SECOND).scalar_one():.1f}"
    yield "Runs"
    for number in connection.execute(_RUNS, {"most": _MAX_ROWS}).scalars().all():
        yield f"  {_line(connection, number)}"


def _of_run(connection: Connection, number: int) -> Iterator[str]:
    run = runs.run_of(connection, number)
    yield _line(connection, number)
    if run.message:
        yield f"Listing failed: {run.message}"
    if run.problem:
        yield f"Last problem of a worker: {run.problem}"
    for row in connection.execute(_FAILURES, {"run": number, "most": _MAX_ROWS}):
        yield f"  failed at {row.host or 'no host'}: {row.reason} {row.count:,}"


def _line(connection: Connection, number: int) -> str:
    run, account = runs.run_of(connection, number), runs.account_of(connection, number)
    counts = ", ".join(f"{account.verdicts[verdict]:,} {verdict}" for verdict in Verdict)
    return (
        f"{number} {run.source}: listing {run.state}, {account.pages:,} pages, "
        f"{account.listed:,} listed = {counts}, {account.open:,} open"
    )
