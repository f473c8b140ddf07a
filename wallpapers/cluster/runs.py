"""Submit runs, and read their state and counts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import Connection, and_, bindparam, func, select, text, update

from wallpapers.catalogue.cluster_tables import cluster_pages, cluster_runs, cluster_wallpapers
from wallpapers.cluster.queue import Queue
from wallpapers.errors import ArgumentError
from wallpapers.listings.page import Position
from wallpapers.run.reasons import Verdict

_TASKS = text(
    "SELECT count(*) FROM procrastinate_jobs "
    "WHERE status IN ('todo', 'doing') AND CAST(args ->> 'run' AS BIGINT) = :run"
)
_RUN = select(cluster_runs).where(cluster_runs.c.id == bindparam("run"))


class ListingState(StrEnum):
    """How far the listing of a run was read."""

    READING = "reading"
    ENDED = "ended"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class ClusterRun:
    """A run as it was submitted, and the state of its listing."""

    id: int
    source: str
    arguments: dict[str, str]
    state: ListingState
    message: str  # why the listing failed
    another_may_work: bool  # another listing of the source
    problem: str  # what last kept a worker from storing


@dataclass
class Account:
    """The counts of a run over all workers: listed = settled wallpapers + ``open``."""

    listed: int = 0
    open: int = 0  # wallpapers without a verdict
    pages: int = 0
    repeated: int = 0
    stored_bytes: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[Verdict] = field(default_factory=Counter)


def submit(
    connection: Connection, queue: Queue, source: str, arguments: Mapping[str, str], first: Position
) -> int:
    """Insert a run with its first page, and add its first task; return its number."""
    newest = connection.execute(select(func.max(cluster_runs.c.id))).scalar_one()
    run = (newest or 0) + 1
    connection.execute(
        cluster_runs.insert(),
        {
            "id": run,
            "source": source,
            "arguments": json.dumps(dict(arguments), ensure_ascii=False),
            "state": ListingState.READING,
            "message": "",
            "another_may_work": False,
            "problem": "",
        },
    )
    add_page(connection, run, 1, first, "")
    queue.add_listing(connection, run, source)
    return run


def add_page(
    connection: Connection, run: int, number: int, position: Position, protocol: str
) -> None:
    """Insert the row of the next page to read, at which paging continues."""
    connection.execute(
        cluster_pages.insert(),
        {
            "run": run,
            "number": number,
            "position": json.dumps(vars(position)),
            "protocol": protocol,
            "entries": 0,
            "listed": 0,
            "repeated": 0,
            "rejected": "{}",
            "tries": 0,
            "turn": 0,
        },
    )


def run_of(connection: Connection, run: int) -> ClusterRun:
    """Return the run with this number. Raises ArgumentError if there is none."""
    row = connection.execute(_RUN, {"run": run}).one_or_none()
    if row is None:
        newest = connection.execute(select(func.max(cluster_runs.c.id))).scalar_one()
        known = f"the newest is {newest}" if newest else "none was submitted"
        raise ArgumentError(f"there is no run {run}; {known}")
    state = ListingState(row.state)
    arguments = json.loads(row.arguments)
    return ClusterRun(
        row.id,
        row.source,
        arguments,
        state,
        row.message,
        row.another_may_work,
        row.problem,
    )


def set_state(connection: Connection, run: int, state: ListingState, **why: str | bool) -> None:
    """Record how and *why* the listing of *run* ended, unless that was recorded before."""
    connection.execute(
        update(cluster_runs)
        .where(cluster_runs.c.id == run, cluster_runs.c.state == ListingState.READING)
        .values(state=state, **why)
    )


def report_problem(connection: Connection, run: int, problem: str) -> None:
    """Record why a worker cannot store the images of *run*; "" = it can again."""
    connection.execute(
        update(cluster_runs)
        .where(cluster_runs.c.id == run, cluster_runs.c.problem != problem)
        .values(problem=problem)
    )


def account_of(connection: Connection, run: int) -> Account:
    """Return the counts of *run*."""
    account = Account()
    rows = connection.execute(
        select(cluster_wallpapers.c.verdict, func.count(), func.sum(cluster_wallpapers.c.size))
        .where(cluster_wallpapers.c.run == run)
        .group_by(cluster_wallpapers.c.verdict)
    )
    for verdict, count, size_bytes in rows:
        account.listed += count
        account.stored_bytes += int(size_bytes)
        if verdict is None:
            account.open = count
        else:
            account.verdicts[Verdict(verdict)] = count
    read = and_(cluster_pages.c.run == run, cluster_pages.c.read_at.is_not(None))
    pages = select(cluster_pages.c.repeated, cluster_pages.c.rejected).where(read)
    for repeated, rejected in connection.execute(pages):
        account.pages += 1
        account.repeated += repeated
        account.rejected += Counter(json.loads(rejected))
    return account


def is_settled(connection: Connection, run: int) -> bool:
    """Return whether every wallpaper of the pages that were read has a verdict."""
    left = select(cluster_pages.c.number).where(
        cluster_pages.c.run == run,
        cluster_pages.c.read_at.is_not(None),
        cluster_pages.c.settled_at.is_(None),
    )
    return connection.execute(left.limit(1)).first() is None


def has_tasks(connection: Connection, run: int) -> bool:
    """Return whether a task of *run* waits for a worker, or a worker is doing one."""
    return bool(connection.execute(_TASKS, {"run": run}).scalar_one())


def is_done(connection: Connection, run: int) -> bool:
    """Return whether *run* has no work left."""
    state = run_of(connection, run).state
    if state is ListingState.CANCELLED:
        return not has_tasks(connection, run)
    return state is not ListingState.READING and is_settled(connection, run)
