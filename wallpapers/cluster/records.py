"""Record the runs of a cluster among the runs of the catalogue, which ``stats --runs`` prints.

The first process to find that a run has no work left writes its end.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, Text, cast, literal, select

from wallpapers.catalogue import schema
from wallpapers.catalogue.cluster_tables import cluster_runs
from wallpapers.catalogue.entries import Entries
from wallpapers.catalogue.runs import Runs
from wallpapers.cluster import runs
from wallpapers.cluster.runs import ListingState
from wallpapers.logs.masking import mask_argument
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.reasons import Verdict
from wallpapers.run.records import CLUSTER_PREFIX, RunBeginning, RunEnd

_OPEN = (
    select(cluster_runs.c.id)
    .join(schema.runs, schema.runs.c.id == literal(CLUSTER_PREFIX) + cast(cluster_runs.c.id, Text))
    .where(schema.runs.c.ended_at.is_(None), cluster_runs.c.state != ListingState.READING)
    .with_for_update(of=schema.runs, skip_locked=True)
)


def record_beginning(
    connection: Connection, run: int, source: str, arguments: Mapping[str, str]
) -> None:
    """Insert the row of *run*, which was submitted."""
    masked = {name: mask_argument(name, value) for name, value in arguments.items()}
    Runs(connection).begin(RunBeginning(f"{CLUSTER_PREFIX}{run}", source, masked))


def record_ends(entries: Entries) -> None:
    """Write the end of each run that has no work left."""
    connection = entries.connection
    for run in connection.execute(_OPEN).scalars().all():
        if runs.is_done(connection, run):
            Runs(connection).end(_end(connection, run))


def lock_end(connection: Connection, run: int) -> None:
    """Prevent others from recording the end of *run* until this transaction has ended."""
    mine = select(schema.runs.c.id).where(schema.runs.c.id == f"{CLUSTER_PREFIX}{run}")
    connection.execute(mine.with_for_update())


def remove_end(connection: Connection, run: int) -> None:
    """Record that *run* continues."""
    Runs(connection).reopen(f"{CLUSTER_PREFIX}{run}")


def _end(connection: Connection, run: int) -> RunEnd:
    account = runs.account_of(connection, run)
    match runs.run_of(connection, run).state:
        case ListingState.CANCELLED:
            status = ExitStatus.INTERRUPTED
        case ListingState.FAILED:
            status = ExitStatus.LISTING
        case _:
            failed = account.verdicts[Verdict.FAILED]
            status = ExitStatus.FAILURES if failed else ExitStatus.COMPLETE
    name = f"{CLUSTER_PREFIX}{run}"
    return RunEnd(name, status, account.verdicts, account.open, account.stored_bytes)
