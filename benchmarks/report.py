"""Tell the figures: tables of every scenario, and which targets are met."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from benchmarks.programs import PROGRAMS
from benchmarks.results import Entry, Outcome, Run
from benchmarks.scenarios import OURS, SCENARIOS
from benchmarks.targets import TARGETS


def markdown(outcomes: Mapping[str, Outcome]) -> str:
    """Return the report over what was measured, best first within a scenario."""
    lines = ["# Measured", "", *_targets(outcomes)]
    for name, outcome in outcomes.items():
        lines += ["", *_scenario(name, outcome)]
    return "\n".join(lines) + "\n"


def _targets(outcomes: Mapping[str, Outcome]) -> Iterator[str]:
    yield "| scenario | target | measured | |"
    yield "|---|---|---|---|"
    for target in TARGETS:
        measured, verdict = target.verdict(outcomes.get(target.scenario))
        yield f"| {target.scenario} | {target.text} | {measured} | {verdict} |"


def _scenario(name: str, outcome: Outcome) -> Iterator[str]:
    machine = outcome.machine
    yield f"## {name}: {SCENARIOS[name].what}"
    yield ""
    yield (
        f"{outcome.pictures:,} pictures, medians of {outcome.rounds} rounds, {machine['date']}. "
        f"{machine['processor']}, {machine['memory']}, {machine['system']}, "
        f"Python {machine['python']}, Scrapy {machine['scrapy']}, Pillow {machine['pillow']}, "
        f"nginx {machine['nginx']}; load before: {machine['load']}."
    )
    yield ""
    columns = ["program", "version", *_COLUMNS]
    optional = [
        (title, what)
        for title, what in _OPTIONAL.items()
        if any(what(entry) for entry in outcome.entries.values())
    ]
    columns += [title for title, _ in optional]
    yield "| " + " | ".join(columns) + " |"
    yield "|---|---|" + "---:|" * (len(columns) - 2)
    ours = outcome.entries.get(OURS, Entry(OURS))
    for entry in sorted(outcome.entries.values(), key=_slowness):
        if entry.missing:
            yield f"| {entry.program} | not measured: {entry.missing} |"
            continue
        cells = [_bold(entry.program), entry.version, *_figures(entry, ours, outcome.pictures)]
        cells += [what(entry) for _, what in optional]
        yield "| " + " | ".join(cells) + " |"


def _figures(entry: Entry, ours: Entry, pictures: int) -> list[str]:
    few = f" ({entry.runs[0].count} of them)" if entry.runs[0].count < pictures else ""
    return [
        _number(entry.median(lambda run: run.speed), 1),
        _number(entry.ratio(ours, lambda run: run.speed), 2),
        _number(entry.median(lambda run: run.seconds), 2) + few,
        _number(entry.median(lambda run: run.last_file_s), 2),
        _number(entry.cpu_ms, 2),
        _number(entry.median(lambda run: run.peak_mb), 0),
    ]


def _crawl(run: Run) -> float | None:
    return run.crawl_s if run.count > 1 else None


def _early_peak(run: Run) -> float | None:
    return run.early_peak_mb if run.count >= 10_000 else None


def _slowness(entry: Entry) -> float:
    return -(entry.median(lambda run: run.speed) or 0)


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _bold(name: str) -> str:
    return f"**{name}**" if PROGRAMS[name].name == OURS else name


_COLUMNS = ("images/s", "of ours", "s", "until the last file", "CPU ms/image", "peak MB")
_OPTIONAL: dict[str, Callable[[Entry], str]] = {
    "max. concurrent": lambda entry: _number(entry.median(lambda run: run.most_at_once), 0),
    "first request, s": lambda entry: _number(entry.median(lambda run: run.first_request_s), 2),
    "listing to last file, s": lambda entry: _number(entry.median(_crawl), 2),
    "peak MB until a tenth": lambda entry: _number(entry.median(_early_peak), 0),
    "reactor late, worst ms": lambda entry: _number(entry.median(lambda run: run.gap_worst_ms), 0),
    "p99 ms": lambda entry: _number(entry.median(lambda run: run.gap_p99_ms), 1),
}
