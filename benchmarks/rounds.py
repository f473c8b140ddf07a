"""Run the programs of a scenario in turn, round after round, and make each prove its work."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import measure, pictures, proof
from benchmarks.measure import Taken
from benchmarks.pictures import Picture
from benchmarks.programs import PROGRAMS
from benchmarks.programs.program import Job, Program
from benchmarks.results import Entry, Outcome, Run
from benchmarks.scenarios import Scenario
from benchmarks.server import Server

TIMEOUT_S = 1800.0


@dataclass(frozen=True)
class Bench:
    """The server and the folders of one invocation; all of them on a tmpfs, if there is one."""

    server: Server
    cache: Path
    work: Path
    tell: Callable[[str], None]

    def measure(self, scenario: Scenario, names: list[str], asked: int, rounds: int) -> Outcome:
        """Measure a scenario; the entry of a program that cannot be measured has the reason."""
        counts = {name: scenario.count(asked, serial=PROGRAMS[name].serial) for name in names}
        most = max(counts.values())
        self.tell(f"{scenario.name}: {scenario.what}; {most} pictures, {rounds} rounds")
        served = pictures.make(scenario.kind, most, self.cache)
        outcome = Outcome(scenario.name, most, rounds, {})
        for name in names:
            entry = outcome.entries[name] = Entry(name)
            entry.missing = PROGRAMS[name].missing()
            if not entry.missing:
                entry.version = PROGRAMS[name].version()
                self._attempt(entry, partial(self._warm_up, scenario, entry, served))
        for number in range(rounds):
            turn = number % len(names)  # so that nobody always follows the same neighbour
            for name in names[turn:] + names[:turn]:
                entry = outcome.entries[name]
                part = served[: counts[name]]
                work = partial(self._measure, scenario, entry, part, number)
                self._attempt(entry, work)
        for name in names:
            shutil.rmtree(self.work / name, ignore_errors=True)
        return outcome

    def _attempt(self, entry: Entry, work: Callable[[], None]) -> None:
        """Do *work* unless the program failed before; a failure takes its figures away."""
        if entry.missing:
            return
        try:
            work()
        except proof.NotDoneError as error:
            entry.missing = str(error)
            entry.runs.clear()
            self.tell(f"  {entry.program}: not measured: {error}")

    def _warm_up(self, scenario: Scenario, entry: Entry, served: list[Picture]) -> None:
        """Run over one picture: what starting costs, and whether it works at all."""
        taken, job = self._run(scenario, entry.program, served[:1], way="pictures")
        entry.start_cpu_s = taken.cpu_s
        shutil.rmtree(job.store)
        if scenario.known:
            self._run(scenario, entry.program, served)

    def _measure(self, scenario: Scenario, entry: Entry, part: list[Picture], number: int) -> None:
        taken, job = self._run(scenario, entry.program, part)
        run = self._judged(scenario, taken, job, number)
        entry.runs.append(run)
        if not scenario.known:
            shutil.rmtree(job.store)
        self.tell(
            f"  round {number + 1} {entry.program:14} {run.seconds:7.2f} s "
            f"{run.speed:7.1f} images/s {run.cpu_s:6.2f} s CPU {run.peak_mb:6.0f} MB"
        )

    def _run(
        self, scenario: Scenario, name: str, part: list[Picture], way: str = ""
    ) -> tuple[Taken, Job]:
        """Run a program over *part* and assert that it did it. Raises NotDoneError."""
        program = PROGRAMS[name]
        scratch = self.work / name
        scratch.mkdir(parents=True, exist_ok=True)
        listing = self.server.serve("now", scenario.kind, way or scenario.way, part)
        addresses = scratch / "addresses.txt"
        addresses.write_text("\n".join(listing.addresses) + "\n")
        connections = program.connections or scenario.connections
        job = Job(
            listing.endpoint,
            addresses,
            scratch / "store",
            scratch,
            len(part),
            connections,
            scenario.full,
        )
        command = program.command(job)
        self.server.forget()
        taken = measure.run(command, scratch, TIMEOUT_S)
        if taken.status != 0:
            raise proof.NotDoneError(f"exit status {taken.status}: {taken.last_words}")
        _prove(program, scenario, job, part)
        return taken, job

    def _judged(self, scenario: Scenario, taken: Taken, job: Job, number: int) -> Run:
        # Not when a file got its final name: that time changes if its other name is removed later.
        written = sorted(path.stat().st_mtime for path in proof.stored(job.store))
        requests = self.server.picture_requests() if scenario.known else None
        if requests:
            raise proof.NotDoneError(f"{requests} requests for pictures that were known")
        gaps = json.loads(job.gaps.read_text()) if scenario.full else {}
        first = self.server.first_request() - taken.started if scenario.first_request else None
        return Run(
            round=number,
            count=job.count,
            seconds=taken.seconds,
            cpu_s=taken.cpu_s,
            peak_mb=taken.peak_mb,
            last_file_s=taken.seconds if scenario.known else written[-1] - taken.started,
            first_request_s=first,
            picture_requests=requests,
            most_at_once=self.server.most_at_once() if scenario.throttled else None,
            early_peak_mb=taken.peak_until(written[len(written) // 10]),
            gap_worst_ms=gaps.get("worst"),
            gap_p99_ms=gaps.get("p99"),
        )


def _prove(program: Program, scenario: Scenario, job: Job, part: list[Picture]) -> None:
    if program.keeps_bytes:
        proof.assert_same_bytes(job.store, part)
    else:
        proof.assert_pictures(job.store, scenario.kind, len(part))
    if scenario.full:
        proof.assert_thumbnails(job.store, ("small", "big"), len(part))
