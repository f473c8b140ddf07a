"""Build the report of ``scrapy doctor``: table, advice and exit status. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from wallpapers.listings.drift import Drift
from wallpapers.run.exit_status import ExitStatus

COLUMNS = ("source", "answers", "valid page", "entries", "drift", "picture", "time")
_MAX_CELL = 120  # characters; a response may contain any text
_MAX_ADVICE = 2_000


@dataclass
class SourceReport:
    """The result of checking one source; every text is one line."""

    source: str
    answers: bool = False  # any response was received
    problem: str = ""  # a keyword: HTML, antiFlag, captcha, redirect, robots, timeout ...
    problem_detail: str = ""  # what was received instead of a page, or why nothing was
    other_protocol: bool = False  # only another protocol than the first one returned a page
    entries: int = 0
    drift: Drift = field(default_factory=Drift)
    picture: str = ""  # format and size of the first good image
    picture_error: str = ""  # why the first image was rejected
    seconds: float = 0.0
    advice: str = ""  # for the problem

    @property
    def works(self) -> bool:
        """Whether the source lists wallpapers and serves an image."""
        return self.answers and not self.problem_detail and bool(self.picture)

    @property
    def has_changed(self) -> bool:
        """Whether the format or the protocol of the source has changed."""
        return self.other_protocol or bool(self.drift)

    def row(self) -> tuple[str, ...]:
        """Return the cells of the table, in the order of COLUMNS."""
        return (
            self.source,
            "yes" if self.answers else "no",
            self.problem_detail[:_MAX_CELL]
            or ("other protocol only" if self.other_protocol else "yes"),
            f"{self.entries:,}",
            str(self.drift) or "none",
            self.picture or self.picture_error[:_MAX_CELL] or "not requested",
            f"{self.seconds:.1f} s",
        )

    def advice_lines(self) -> Iterator[str]:
        """Yield one line of advice for each problem and change."""
        if self.problem_detail:
            yield f"{self.source}: {self.advice or self.problem_detail}"[:_MAX_ADVICE]
        elif not self.works:
            error = self.picture_error or "a bug; see the log"
            yield (
                f"{self.source}: images could not be downloaded (first error: {error}); if a crawl "
                "fails too, the host may have changed its requirements: open an image in a browser"
            )[:_MAX_ADVICE]
        if self.other_protocol and not self.problem_detail:
            yield (
                f"{self.source}: only the other protocol works, which lists fewer originals; "
                "update wallpapers"
            )
        if self.drift:
            yield (
                f"{self.source}: listing format changed ({self.drift}); new keys are harmless, "
                "missing ones may not be: update wallpapers"
            )

    def as_json(self) -> dict[str, Any]:
        """Return all fields as values for JSON; ``advice`` is the list of lines."""
        seconds = round(self.seconds, 3)
        return {**asdict(self), "seconds": seconds, "advice": list(self.advice_lines())}


def status(reports: Sequence[SourceReport]) -> int:
    """Return the exit status of ``scrapy doctor``, which is that of the worst source."""
    if not all(report.works for report in reports):
        return ExitStatus.LISTING
    if any(report.has_changed for report in reports):
        return ExitStatus.FAILURES
    return ExitStatus.COMPLETE


def table(reports: Sequence[SourceReport]) -> str:
    """Return the table of all sources, followed by the lines of advice."""
    rows = [COLUMNS, *(report.row() for report in reports)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, *(line for report in reports for line in report.advice_lines())])
