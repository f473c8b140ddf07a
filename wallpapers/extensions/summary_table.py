"""Build the table at the end of a run: listed = stored + known + duplicate + filtered + failed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.ledger import RunLedger
from wallpapers.run.listings import WANTED
from wallpapers.run.program import program_name
from wallpapers.run.reasons import Verdict, by_reason

_MAX_HOSTS = 10  # rows of failures by host


@dataclass(frozen=True)
class SummaryTable:
    """The counts of a run by verdict and reason, its outcome, and hints for the user."""

    ledger: RunLedger
    status: ExitStatus
    duration_s: float
    hints: list[str] = field(default_factory=list)  # one line each

    def __str__(self) -> str:
        rows = list(self.rows())
        width = max(len(title) for title, _, _ in rows)
        lines = [f"{title:<{width}} {count:>8,}  {note}".rstrip() for title, count, note in rows]
        return "\n".join(["Wallpapers of this run", *lines, self.outcome, *self.hints])

    @property
    def outcome(self) -> str:
        """The line that names the exit status."""
        return f"outcome: {self.status.name.lower()} (exit status {self.status})"

    def rows(self) -> Iterator[tuple[str, int, str]]:
        """Yield title, count and note of each row."""
        ledger = self.ledger
        yield "listed", ledger.listed, ""
        for verdict in Verdict:
            yield f"  {verdict}", ledger.verdicts[verdict], self._note(verdict)
        if ledger.wanted is not None:
            yield f"  {WANTED}", ledger.wanted, "dry run, nothing is stored"
        yield from self._failures_by_host()
        if ledger.left:
            yield "left for the next run", ledger.left, ""
        if ledger.rejected:
            yield "invalid entries", ledger.rejected.total(), by_reason(ledger.rejected)
        if ledger.repeated:
            yield "listed more than once", ledger.repeated, ""
        if ledger.moved:
            yield "moved files", ledger.moved, "found by their content"
        if ledger.missing:
            ways = f"{program_name()} hide, or WALLPAPERS_MISSING=hide"
            yield "missing files", ledger.missing, f"fetched again; to stop it: {ways}"

    def _note(self, verdict: Verdict) -> str:
        ledger = self.ledger
        if verdict is Verdict.STORED and ledger.bytes:
            return f"{ledger.bytes / 1e6:,.1f} MB in {self.duration_s:,.1f} s"
        return by_reason(ledger.reasons[verdict])

    def _failures_by_host(self) -> Iterator[tuple[str, int, str]]:
        hosts = sorted(self.ledger.failed_at.items(), key=lambda entry: -entry[1].total())
        for host, reasons in hosts[:_MAX_HOSTS]:
            title = f"    at {host}" if host else "    without a host"
            yield title, reasons.total(), by_reason(reasons)
        if rest := hosts[_MAX_HOSTS:]:
            failed = sum(reasons.total() for _, reasons in rest)
            yield f"    at {len(rest)} other hosts", failed, ""
