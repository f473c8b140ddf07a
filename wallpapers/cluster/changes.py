"""Retry the failures of a run, resume a cancelled run, or cancel a run."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, and_, select, text, update

from wallpapers.catalogue.cluster_tables import cluster_pages, cluster_runs, cluster_wallpapers
from wallpapers.catalogue.entries import Entries
from wallpapers.cluster import runs
from wallpapers.cluster.queue import Queue
from wallpapers.cluster.records import lock_end, record_ends, remove_end
from wallpapers.cluster.runs import ListingState
from wallpapers.run.reasons import Verdict

_CANCEL_TASKS = text(
    "SELECT procrastinate_cancel_job_v1(id, false, true) FROM procrastinate_jobs "
    "WHERE status = 'todo' AND CAST(args ->> 'run' AS BIGINT) = :run"
)


@dataclass(frozen=True)
class Retried:
    """The numbers of wallpapers and listings that are tried again."""

    wallpapers: int
    listings: int


def is_ending(connection: Connection, run: int) -> bool:
    """Return whether *run* was cancelled, but workers still have tasks of it."""
    if runs.run_of(connection, run).state is not ListingState.CANCELLED:
        return False
    return runs.has_tasks(connection, run)


def retry(connection: Connection, queue: Queue, numbers: Collection[int]) -> Retried:
    """Retry what failed in the runs with these *numbers*, and resume those that were cancelled.

    Without numbers, retry what failed in all runs that were not cancelled. Raises ArgumentError.
    """
    if not numbers:
        uncancelled = select(cluster_runs.c.id).where(
            cluster_runs.c.state != ListingState.CANCELLED
        )
        numbers = connection.execute(uncancelled.order_by(cluster_runs.c.id)).scalars().all()
    retried = [_retry_run(connection, queue, number) for number in numbers]
    return Retried(sum(one.wallpapers for one in retried), sum(one.listings for one in retried))


def _retry_run(connection: Connection, queue: Queue, number: int) -> Retried:
    lock_end(connection, number)
    submitted = runs.run_of(connection, number)
    was_cancelled = submitted.state is ListingState.CANCELLED
    failed = _reopen_failed(connection, number)
    pages = set(failed)
    if was_cancelled:
        left = select(cluster_pages.c.number).where(
            cluster_pages.c.run == number,
            cluster_pages.c.read_at.is_not(None),
            cluster_pages.c.settled_at.is_(None),
        )
        pages |= set(connection.execute(left).scalars())
    begun = update(cluster_pages).where(cluster_pages.c.run == number)
    for page in sorted(pages):
        again = {"settled_at": None, "tries": 0}
        connection.execute(begun.where(cluster_pages.c.number == page).values(again))
        queue.add_pictures(connection, number, page)
    listings = 0
    if was_cancelled or submitted.state is ListingState.FAILED:
        unread = begun.where(cluster_pages.c.read_at.is_(None)).values(tries=0)
        listings = connection.execute(unread).rowcount
        state = ListingState.READING if listings else ListingState.ENDED
        mine = update(cluster_runs).where(cluster_runs.c.id == number)
        connection.execute(mine.values(state=state, message="", problem=""))
        if listings:
            queue.add_listing(connection, number, submitted.source)
    if pages or was_cancelled or submitted.state is ListingState.FAILED:
        remove_end(connection, number)
    return Retried(len(failed), listings)


def _reopen_failed(connection: Connection, number: int) -> list[int]:
    """Remove the verdicts of failed wallpapers of settled pages; return their pages."""
    is_settled = (
        select(cluster_pages.c.number)
        .where(
            cluster_pages.c.run == number,
            cluster_pages.c.number == cluster_wallpapers.c.page,
            cluster_pages.c.settled_at.is_not(None),
        )
        .exists()
    )
    again = (
        update(cluster_wallpapers)
        .where(
            and_(cluster_wallpapers.c.run == number, is_settled),
            cluster_wallpapers.c.verdict == Verdict.FAILED,
        )
        .values(verdict=None, reason="", host="", tries=0)
        .returning(cluster_wallpapers.c.page)
    )
    return list(connection.execute(again).scalars())


def cancel(entries: Entries, run: int) -> bool:
    """Cancel *run*; return False if it has already ended. Raises ArgumentError."""
    connection = entries.connection
    submitted = runs.run_of(connection, run)
    if submitted.state is ListingState.CANCELLED:
        return True
    if submitted.state is not ListingState.READING and runs.is_settled(connection, run):
        return False
    mine = update(cluster_runs).where(cluster_runs.c.id == run)
    connection.execute(mine.values(state=ListingState.CANCELLED))
    connection.execute(_CANCEL_TASKS, {"run": run})
    record_ends(entries)
    return True
