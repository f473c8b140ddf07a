"""Record when each run began and ended, and how; a killed run has no end."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, select, update

from wallpapers.catalogue.schema import runs
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.reasons import Verdict
from wallpapers.run.records import RunBeginning, RunEnd


class RecordedRun(NamedTuple):
    """A run in the catalogue. Times are UTC, ISO 8601."""

    beginning: RunBeginning
    began_at: str
    ended_at: str | None
    end: RunEnd | None  # None = it is running, or was killed


class Runs:
    """The rows of all runs, within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self, run: RunBeginning) -> None:
        """Insert the row of a run, without an end."""
        row = {
            "id": run.id,
            "source": run.source,
            "arguments": json.dumps(dict(run.arguments)),
            "began_at": _now(),
        }
        self._connection.execute(runs.insert(), row)

    def end(self, end: RunEnd) -> None:
        """Write the end of a run into its row, if there is one."""
        values = {
            "ended_at": _now(),
            "exit_status": int(end.exit_status),
            **{verdict.value: end.verdicts.get(verdict, 0) for verdict in Verdict},
            "left_over": end.left,
            "bytes": end.stored_bytes,
        }
        self._connection.execute(update(runs).where(runs.c.id == end.id).values(values))

    def reopen(self, identity: str) -> None:
        """Remove the end of a run that continues."""
        columns = ("ended_at", "exit_status", *Verdict, "left_over", "bytes")
        end = dict.fromkeys(columns)
        self._connection.execute(update(runs).where(runs.c.id == identity).values(end))

    def latest(self, most: int) -> list[RecordedRun]:
        """Return the latest runs, at most *most*, in descending order."""
        rows = select(runs).order_by(runs.c.began_at.desc(), runs.c.id).limit(most)
        return [_recorded(row) for row in self._connection.execute(rows)]

    def last_ended(self) -> dict[str, RecordedRun]:
        """Return, for each source, the run that ended last."""
        last = (
            select(runs.c.source, func.max(runs.c.ended_at).label("ended_at"))
            .group_by(runs.c.source)
            .subquery()
        )
        same = (runs.c.source == last.c.source) & (runs.c.ended_at == last.c.ended_at)
        rows = self._connection.execute(select(runs).join(last, same).order_by(runs.c.source))
        return {row.source: _recorded(row) for row in rows}

    def last_complete(self) -> dict[str, str]:
        """Return, for each source, when a run last ended with status 0."""
        complete = runs.c.exit_status == int(ExitStatus.COMPLETE)
        ended = select(runs.c.source, func.max(runs.c.ended_at)).where(complete)
        rows = self._connection.execute(ended.group_by(runs.c.source))
        return {row[0]: row[1] for row in rows}

    def count_by_status(self) -> dict[tuple[str, int | None], int]:
        """Return the number of runs by source and exit status; None = without an end."""
        columns = (runs.c.source, runs.c.exit_status)
        counted = select(*columns, func.count()).group_by(*columns).order_by(runs.c.source)
        return {(row[0], row[1]): row[2] for row in self._connection.execute(counted)}


def _now() -> str:
    """Return the time in UTC, ISO 8601; several short runs may begin in one second."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _recorded(row: Row[Any]) -> RecordedRun:
    end = None
    if row.ended_at is not None:
        verdicts = {verdict: getattr(row, verdict) for verdict in Verdict}
        end = RunEnd(row.id, row.exit_status, verdicts, row.left_over, row.bytes)
    beginning = RunBeginning(row.id, row.source, json.loads(row.arguments))
    return RecordedRun(beginning, row.began_at, row.ended_at, end)
