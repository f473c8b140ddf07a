"""Run a program once, and measure its resources from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[1]
_SUPERVISOR = Path(__file__).with_name("supervisor.py")


@dataclass(frozen=True)
class Taken:
    """What one run took, children of the program included."""

    status: int
    started: float  # seconds since 1970
    seconds: float  # from the start of the process to its end
    cpu_s: float  # user and system
    peak_mb: float
    samples: tuple[tuple[float, float], ...]  # seconds since 1970, MB
    log: str

    @property
    def last_words(self) -> str:
        """The last line of the log that is not empty."""
        lines = [line.strip() for line in self.log.splitlines() if line.strip()]
        return lines[-1][-300:] if lines else "and says nothing"

    def peak_until(self, moment: float) -> float:
        """Return the largest sample until *moment*, MB."""
        return max((mb for at, mb in self.samples if at <= moment), default=0.0)


def run(command: Sequence[str | Path], scratch: Path, timeout_s: float) -> Taken:
    """Run *command* and wait for its end. *scratch* takes its log.

    Every program starts in the project's folder and with the same environment.
    """
    report, log = scratch / "taken.json", scratch / "log.txt"
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONUTF8": "1", "NO_COLOR": "1"}
    subprocess.run(
        [sys.executable, "-I", "-S", _SUPERVISOR, report, log, str(timeout_s), *command],
        check=True,
        cwd=PROJECT,
        env=environment,
    )
    answer = json.loads(report.read_text())
    samples = tuple((at, size / 1e6) for at, size in answer["samples"])
    # The kernel knows the true peak of the largest process; samples see the sum of several.
    peak = max(answer["largest_bytes"] / 1e6, *(mb for _, mb in samples), 0.0)
    return Taken(
        status=answer["status"],
        started=answer["started"],
        seconds=answer["seconds"],
        cpu_s=answer["cpu_s"],
        peak_mb=peak,
        samples=samples,
        log=log.read_text(errors="replace"),
    )
