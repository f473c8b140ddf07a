"""Draw what was measured, so that it is seen at one look."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.results import Entry, Outcome
from benchmarks.scenarios import OURS, SCENARIOS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_OURS_COLOUR = "#1a6e8e"
_OTHER_COLOUR = "#b9c4cc"
_LIMIT_COLOUR = "#e3d3b0"

# Panels: scenario, what is shown, how it is had.
_PANELS: tuple[tuple[str, str, Callable[[Entry], float | None]], ...] = (
    ("fast", "images/s", lambda entry: entry.median(lambda run: run.speed)),
    ("fast", "CPU ms/image (less is better)", lambda entry: entry.cpu_ms),
    ("slow", "images/s", lambda entry: entry.median(lambda run: run.speed)),
    ("huge", "peak MB (less is better)", lambda entry: entry.median(lambda run: run.peak_mb)),
    ("full", "images/s", lambda entry: entry.median(lambda run: run.speed)),
    ("known", "s (less is better)", lambda entry: entry.median(lambda run: run.seconds)),
)


def draw(outcomes: Mapping[str, Outcome], path: Path) -> None:
    """Write the chart of what there is. Raises ImportError without matplotlib."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    panels = [panel for panel in _PANELS if panel[0] in outcomes]
    if not panels:
        return
    rows = -(-len(panels) // 2)
    figure, axes = pyplot.subplots(rows, 2, figsize=(11, 3.4 * rows), squeeze=False)
    cells: list[Any] = list(axes.flat)
    for cell in cells[len(panels) :]:
        cell.set_axis_off()
    for cell, (name, unit, what) in zip(cells, panels, strict=False):
        _panel(cell, outcomes[name], f"{name}: {SCENARIOS[name].what}", unit, what)
    figure.tight_layout(rect=(0, 0.035, 1, 1))
    figure.text(0.01, 0.01, _footer(outcomes), fontsize=7, color="#666666")
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)


def _panel(
    axes: Axes, outcome: Outcome, title: str, unit: str, what: Callable[[Entry], float | None]
) -> None:
    found = [(what(entry), _label(entry, outcome)) for entry in outcome.entries.values()]
    bars = sorted((value, name) for value, name in found if value is not None)
    if "less" in unit:
        bars.reverse()
    names = [name for _, name in bars]
    values = [value for value, _ in bars]
    drawn = axes.barh(names, values, color=[_colour(name) for name in names])
    axes.bar_label(drawn, fmt="%.3g" if max(values, default=0) < 100 else "%.0f", padding=3)
    axes.set_title(title, fontsize=8, loc="left")
    axes.set_xlabel(unit, fontsize=8)
    axes.tick_params(labelsize=8)
    axes.margins(x=0.12)
    axes.set_xlim(left=0)
    if len(names) < 6:
        axes.set_ylim(-3 + len(names) / 2, 2 + len(names) / 2)
    axes.spines[["top", "right"]].set_visible(False)


def _label(entry: Entry, outcome: Outcome) -> str:
    """Name the program, and how many connections it took where that was more than allowed."""
    concurrent = entry.median(lambda run: run.most_at_once) or 0
    if SCENARIOS[outcome.scenario].allows(concurrent):
        return entry.program
    return f"{entry.program} ({concurrent:.0f} concurrent)"


def _colour(name: str) -> str:
    return {OURS: _OURS_COLOUR, "curl": _LIMIT_COLOUR}.get(name, _OTHER_COLOUR)


def _footer(outcomes: Mapping[str, Outcome]) -> str:
    outcome = next(iter(outcomes.values()))
    machine = outcome.machine
    return (
        f"{outcome.pictures:,} pictures, median of {outcome.rounds} rounds, {machine['date']}; "
        f"{machine['processor']}, {machine['memory']}, {machine['system']}; "
        f"Python {machine['python']}, Scrapy {machine['scrapy']}, nginx {machine['nginx']}"
    )
