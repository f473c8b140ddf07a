"""Summarize the catalogue: wallpapers, images, failures and runs, as values for JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wallpapers.listings.text import one_line
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.reasons import Verdict
from wallpapers.run.records import CLUSTER_PREFIX

if TYPE_CHECKING:
    from wallpapers.catalogue.entries import Entries
    from wallpapers.catalogue.runs import RecordedRun

STATES = ("stored", "filtered", "failed", "listed", "hidden")


def contents(entries: Entries) -> dict[str, Any]:
    """Return the numbers of wallpapers by source and state, of images by format, of failures."""
    sources: dict[str, dict[str, int]] = {}
    for (source, state), count in by_state(entries).items():
        states = sources.setdefault(printable(source), dict.fromkeys(STATES, 0))
        states[printable(state)] = states.get(printable(state), 0) + count
    failures = entries.count("host", "reason", state="failed", hidden=False)
    return {
        "sources": dict(sorted(sources.items())),
        "pictures": {
            printable(name): {"count": count, "bytes": size}
            for name, (count, size) in entries.formats().items()
        },
        "failures": [
            {"host": printable(host), "reason": printable(reason), "count": count}
            for (host, reason), count in failures.items()
        ],
    }


def by_state(entries: Entries) -> Counter[tuple[str, str]]:
    """Return the number of wallpapers by source and state; ``hidden`` counts as a state here."""
    counts = Counter(entries.count("source", "state"))
    for (source, state), count in entries.count("source", "state", hidden=True).items():
        counts[source, state] -= count
        counts[source, "hidden"] += count
    return counts


def runs(
    entries: Entries, most: int, is_running: Callable[[str], bool | None]
) -> list[dict[str, Any]]:
    """Return the *most* runs that began last, the latest first.

    The state of a run is ``ended``, ``running``, ``killed``, or ``unknown`` if *is_running*, called
    with the id of a run without an end, returns None.
    """
    return [_described(run, is_running) for run in entries.runs.latest(most)]


def _described(run: RecordedRun, is_running: Callable[[str], bool | None]) -> dict[str, Any]:
    end, arguments = run.end, run.beginning.arguments
    state = "ended" if end else _state_without_end(run.beginning.id, is_running)
    return {
        "source": printable(run.beginning.source),
        "arguments": {printable(name): printable(value) for name, value in arguments.items()},
        "began_at": run.began_at,
        "ended_at": run.ended_at,
        "state": state,
        "exit_status": end and end.exit_status,
        "outcome": end and outcome(end.exit_status),
        **{verdict.value: end and end.verdicts[verdict] for verdict in Verdict},
        "left": end and end.left,
        "bytes": end and end.stored_bytes,
    }


def _state_without_end(run: str, is_running: Callable[[str], bool | None]) -> str:
    if run.startswith(CLUSTER_PREFIX):  # it continues when a dead worker is replaced
        return "running"
    return _STATES_WITHOUT_END[is_running(run)]


_STATES_WITHOUT_END = {True: "running", False: "killed", None: "unknown"}


def outcome(exit_status: int) -> str:
    """Return the name of an exit status, as in the stat ``wallpapers/outcome``."""
    try:
        return ExitStatus(exit_status).name.lower()
    except ValueError:  # of another version
        return str(exit_status)


def printable(value: object) -> str:
    """Return *value* as one line of text; a table that was edited by hand may contain any type."""
    return one_line(value if isinstance(value, str) else repr(value))
