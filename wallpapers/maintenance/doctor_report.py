"""What a look at a source showed: a row of the table, its advice, the exit status. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from wallpapers.listings.drift import Drift
from wallpapers.run.exit_status import ExitStatus

COLUMNS = ("source", "answers", "speaks its protocol", "entries", "drift", "picture", "time")
_LONGEST_CELL = 120  # characters; an answer may say anything
_LONGEST_ADVICE = 2_000


@dataclass
class CheckUp:
    """What one source answered; texts are one line each."""

    source: str
    answers: bool = False  # with anything at all
    how: str = ""  # it refuses, in a word: HTML, antiFlag, captcha, redirect, robots, timeout ...
    refusal: str = ""  # what came in place of a page, or why nothing came
    otherwise: bool = False  # a page came, but only to another way of asking than the first
    entries: int = 0
    drift: Drift = field(default_factory=Drift)
    picture: str = ""  # what the picture is, where one was served
    no_picture: str = ""  # why not the first
    seconds: float = 0.0
    advice: str = ""  # about the refusal

    @property
    def answers_well(self) -> bool:
        """Does it list wallpapers, and are its pictures served?"""
        return self.answers and not self.refusal and bool(self.picture)

    @property
    def has_changed(self) -> bool:
        """Does it answer otherwise than it did?"""
        return self.otherwise or bool(self.drift)

    def row(self) -> tuple[str, ...]:
        """Return the cells of a table, as in COLUMNS."""
        speaks = "only when asked otherwise" if self.otherwise else "yes"
        return (
            self.source,
            "yes" if self.answers else "no",
            self.refusal[:_LONGEST_CELL] or speaks,
            f"{self.entries:,}",
            str(self.drift) or "none",
            self.picture or self.no_picture[:_LONGEST_CELL] or "not asked for",
            f"{self.seconds:.1f} s",
        )

    def advices(self) -> Iterator[str]:
        """Yield what to do about it, if it is not well: one line each."""
        if self.refusal:
            yield f"{self.source}: {self.advice or self.refusal}"[:_LONGEST_ADVICE]
        elif not self.answers_well:
            yield (
                f"{self.source}: its pictures could not be had, the first because of "
                f"{self.no_picture or 'a fault: see the log'}; if a crawl fails alike, their host "
                "wants something else by now: look at one in a browser"
            )[:_LONGEST_ADVICE]
        if self.otherwise and not self.refusal:
            yield (
                f"{self.source}: it answered only when it was asked in another way, which names "
                "fewer originals; look for a newer version of wallpapers"
            )
        if self.drift:
            yield (
                f"{self.source}: its entries are not as they were ({self.drift}); what is new "
                "does no harm, what is missing may: look for a newer version of wallpapers"
            )

    def as_json(self) -> dict[str, Any]:
        """Return all of it, for a program to read."""
        return {**asdict(self), "seconds": round(self.seconds, 3), "advice": list(self.advices())}


def status(checkups: Sequence[CheckUp]) -> int:
    """Return the exit status of ``scrapy doctor``: that of the worst source."""
    if not all(checkup.answers_well for checkup in checkups):
        return ExitStatus.LISTING
    if any(checkup.has_changed for checkup in checkups):
        return ExitStatus.FAILURES
    return ExitStatus.COMPLETE


def table(checkups: Sequence[CheckUp]) -> str:
    """Return a table of all, and below it a line of advice for each that is not well."""
    rows = [COLUMNS, *(checkup.row() for checkup in checkups)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, *(advice for checkup in checkups for advice in checkup.advices())])
