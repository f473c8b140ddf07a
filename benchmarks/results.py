"""What was measured, as it is kept: one JSON file for each scenario, medians made when asked."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Run:
    """One run of one program."""

    round: int
    count: int
    seconds: float
    cpu_s: float
    peak_mb: float
    last_file_s: float  # from the start of the process until its last file was written
    first_request_s: float | None = None
    picture_requests: int | None = None
    most_at_once: int | None = None  # pictures on their way, where connections are throttled
    early_peak_mb: float | None = None  # until a tenth of the pictures stood
    gap_worst_ms: float | None = None
    gap_p99_ms: float | None = None

    @property
    def speed(self) -> float:
        """Images a second, from the start of the process to its end."""
        return self.count / self.seconds

    @property
    def crawl_s(self) -> float | None:
        """Seconds from the first request for the listing until the last file stood."""
        return self.last_file_s - self.first_request_s if self.first_request_s else None

    @property
    def crawl_speed(self) -> float | None:
        """Images a second within these seconds: what started before does not count."""
        return self.count / self.crawl_s if self.crawl_s else None


@dataclass
class Entry:
    """A program in a scenario: its runs, or why there are none."""

    program: str
    version: str = ""
    start_cpu_s: float = 0.0  # CPU of a run over one picture
    runs: list[Run] = field(default_factory=list)
    missing: str = ""

    def median(self, what: Callable[[Run], float | None]) -> float | None:
        """Return the median over the runs; None where it was not measured."""
        values = [value for run in self.runs if (value := what(run)) is not None]
        return median(values) if values else None

    @property
    def cpu_ms(self) -> float | None:
        """CPU of an image, start-up not counted, milliseconds."""
        return self.median(
            lambda run: (
                1000 * (run.cpu_s - self.start_cpu_s) / (run.count - 1) if run.count > 1 else None
            )
        )

    def ratio(self, other: Entry, what: Callable[[Run], float | None]) -> float | None:
        """Return the median of own over *other*, each within one round."""
        theirs = {run.round: what(run) for run in other.runs}
        ratios = [
            value / reference
            for run in self.runs
            if (value := what(run)) is not None and (reference := theirs.get(run.round))
        ]
        return median(ratios) if ratios else None


@dataclass
class Outcome:
    """A scenario as it was measured once."""

    scenario: str
    pictures: int
    rounds: int
    machine: dict[str, str]
    entries: dict[str, Entry] = field(default_factory=dict)


def save(outcome: Outcome, folder: Path) -> None:
    """Keep an outcome; what was kept of the scenario before is replaced, all of it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{outcome.scenario}.json"
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(outcome), indent=1) + "\n")
    os.replace(fresh, path)


def load(scenario: str, folder: Path) -> Outcome | None:
    """Return what is kept of a scenario."""
    path = folder / f"{scenario}.json"
    if not path.exists():
        return None
    kept = json.loads(path.read_text())
    entries = {
        name: Entry(**{**entry, "runs": [Run(**run) for run in entry["runs"]]})
        for name, entry in kept.pop("entries").items()
    }
    return Outcome(**kept, entries=entries)
