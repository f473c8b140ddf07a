"""Build the table at the end of a run: listed = stored + known + duplicate + filtered + failed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO

from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.ledger import RunLedger
from wallpapers.run.listings import WANTED
from wallpapers.run.program import program_name
from wallpapers.run.reasons import Verdict, by_reason

_TITLE = "Wallpapers of this run"
_GAP = "  "  # between columns on a terminal
_MIN_NOTE = 14  # columns; long names of hosts are cut to leave room for it
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
        return "\n".join([_TITLE, *lines, self.outcome, *self.hints])

    def for_terminal(self, width: int) -> str:
        """Return the table in at most *width* columns, with long notes wrapped in their column."""
        from rich.cells import cell_len
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        rows = [(title, f"{count:,}", note) for title, count, note in self.rows()]
        title_width, count_width, note_width = (
            max(cell_len(cell) for cell in column) for column in zip(*rows, strict=True)
        )
        room = width - count_width - 2 * len(_GAP)
        note_width = min(note_width, max(room - title_width, _MIN_NOTE))
        table = Table.grid(padding=(0, len(_GAP), 0, 0))
        table.add_column(no_wrap=True, max_width=room - note_width)
        table.add_column(no_wrap=True, justify="right")
        table.add_column(max_width=note_width)
        for row in rows:
            table.add_row(*map(Text, row))
        console = Console(file=StringIO(), width=width, color_system=None)
        with console.capture() as capture:
            console.print(table)
        lines = [line.rstrip() for line in capture.get().splitlines()]
        return "\n".join(["", _TITLE, *lines, self.outcome, *self.hints])

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
