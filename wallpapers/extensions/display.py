"""Draw the progress of a run at the bottom of a terminal: a bar, counts, and what is unusual."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

_MIN_BAR, _MAX_BAR = 4, 60  # columns
_GAP = "  "


@dataclass(frozen=True)
class Snapshot:
    """The progress of a run at one moment."""

    done: int  # wallpapers with a verdict
    listed: int
    total: int | None  # wallpapers of the listing, if it names the number
    rate_mb_s: float
    left_s: float | None  # the estimated time to the end
    counts: list[str]  # the most important first
    notes: list[str]  # what the run waits for, one line each

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        from rich.text import Text

        yield self._bar(options.max_width)
        if self.listed:
            yield self._counts(options.max_width)
        for note in self.notes:
            yield Text(note, style="yellow")

    def _counts(self, width: int) -> RenderableType:
        """Return the counts that fit into a line."""
        from rich.text import Text

        return Text(_fitting(self.counts, width), no_wrap=True, overflow="ellipsis")

    def _bar(self, width: int) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        of = f"{self.total:,}" if self.total else f"{self.listed:,}+"  # more may be listed
        parts = [f"{self.done:,} of {of}"] if self.listed else []
        if self.left_s is not None:
            parts.append(f"{duration(self.left_s)} left")
        if self.listed:
            parts.append(f"{self.rate_mb_s:.1f} MB/s")
        text = _fitting(parts, width - _MIN_BAR - len(_GAP))
        bar_width = max(_MIN_BAR, min(_MAX_BAR, width - len(text) - len(_GAP)))
        bar = ProgressBar(total=self.total, completed=self.done, width=bar_width)
        grid = Table.grid(padding=(0, len(_GAP), 0, 0))
        grid.add_row(bar, Text(text, no_wrap=True, overflow="ellipsis"))
        return grid


def _fitting(parts: list[str], width: int) -> str:
    """Join as many of *parts* as fit into *width* columns, at least the first one."""
    fitting = list(parts)
    while len(fitting) > 1 and len(_GAP.join(fitting)) > width:
        fitting.pop()
    return _GAP.join(fitting)


def duration(seconds: float) -> str:
    """Return *seconds* as ``m:ss`` or ``h:mm:ss``."""
    minutes, rest_s = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest_s:02}" if hours else f"{minutes}:{rest_s:02}"


class LiveDisplay:
    """Show a snapshot below the log, until it is stopped."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live

        self._live = Live(console=console, transient=True, auto_refresh=False)

    def start(self) -> None:
        self._live.start()

    def update(self, snapshot: Snapshot) -> None:
        self._live.update(snapshot, refresh=True)

    def stop(self) -> None:
        """Remove the display and restore the cursor."""
        self._live.stop()
