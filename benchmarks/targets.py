"""The project's own targets, each a ratio within one run where it can be one: met, or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.results import Entry, Outcome, Run
from benchmarks.scenarios import OURS, SCENARIOS, WITH_POSTGRESQL


@dataclass(frozen=True)
class Target:
    """A promise about one scenario; *measured* gives the figure, *limit* bounds it."""

    scenario: str
    text: str
    measured: Callable[[Outcome], float | None]
    limit: float
    unit: str = "x"
    at_least: bool = True

    def verdict(self, outcome: Outcome | None) -> tuple[str, str]:
        """Return what was measured and whether that is enough, as words."""
        value = self.measured(outcome) if outcome else None
        if value is None:
            return "–", "not measured"
        met = value >= self.limit if self.at_least else value <= self.limit
        return f"{value:.2f} {self.unit}", "met" if met else "**not met**"


def _speed(run: Run) -> float:
    return run.speed


def _busy_speed(run: Run) -> float:
    return run.count / min(run.seconds, run.last_file_s)


def _ours(outcome: Outcome) -> Entry:
    return outcome.entries.get(OURS, Entry(OURS))


def _times(
    other: str, what: Callable[[Run], float | None] = _speed
) -> Callable[[Outcome], float | None]:
    def measured(outcome: Outcome) -> float | None:
        if other not in outcome.entries:
            return None
        return _ours(outcome).ratio(outcome.entries[other], what)

    return measured


def _times_the_best_python(outcome: Outcome) -> float | None:
    """Return the least ratio over those that keep to the connections that are allowed.

    A peer that idles after its last file is not blamed for that here.
    """
    allows = SCENARIOS[outcome.scenario].allows
    ratios = [
        _times(entry.program, _busy_speed)(outcome)
        for entry in outcome.entries.values()
        if entry.program not in {OURS, "curl"}
        and allows(entry.median(lambda run: run.most_at_once) or 0)
    ]
    return min((ratio for ratio in ratios if ratio is not None), default=None)


def _one_to_two(outcome: Outcome) -> float | None:
    """Return how many times as fast two workers are as one."""
    one, two = outcome.entries.get("worker"), outcome.entries.get("workers-2")
    return two.ratio(one, lambda run: run.crawl_speed) if one and two else None


def _cost_of_a_worker(outcome: Outcome) -> float | None:
    """Return the time of a worker, compared with a plain crawl whose catalogue is the same."""
    worker, plain = outcome.entries.get("worker"), outcome.entries.get(WITH_POSTGRESQL)
    return worker.ratio(plain, lambda run: run.crawl_s) if worker and plain else None


def _own(what: Callable[[Run], float | None]) -> Callable[[Outcome], float | None]:
    return lambda outcome: _ours(outcome).median(what)


def _growth(run: Run) -> float | None:
    return None if run.early_peak_mb is None else run.peak_mb - run.early_peak_mb


TARGETS = (
    Target("fast", "8 x scrapy-images or more", _times("scrapy-images"), 8),
    Target("fast", "2 x scrapy-files or more", _times("scrapy-files"), 2),
    Target("fast", "1.2 x gevent or more", _times("gevent"), 1.2),
    Target("fast", "1 x 32 threads or more", _times("threads"), 1),
    Target(
        "fast",
        "CPU of an image 2.2 ms or less, start-up not counted",
        lambda outcome: _ours(outcome).cpu_ms,
        2.2,
        "ms",
        at_least=False,
    ),
    Target("slow", "0.95 x curl or more", _times("curl"), 0.95),
    Target(
        "slow",
        "ahead of every Python program that keeps to 64 connections",
        _times_the_best_python,
        1,
    ),
    Target(
        "huge",
        "peak memory 160 MB or less",
        _own(lambda run: run.peak_mb),
        160,
        "MB",
        at_least=False,
    ),
    Target("huge", "0.95 x curl or more", _times("curl"), 0.95),
    Target("full", "4 x scrapy-images or more", _times("scrapy-images"), 4),
    Target(
        "full",
        "reactor never blocked for more than 50 ms",
        lambda outcome: max((r.gap_worst_ms or 0 for r in _ours(outcome).runs), default=None),
        50,
        "ms",
        at_least=False,
    ),
    Target(
        "known",
        "3,000 known pictures in 3 s or less",
        _own(lambda run: run.seconds * 3000 / run.count),
        3,
        "s",
        at_least=False,
    ),
    Target(
        "memory",
        "peak after 20,000 pictures at most 20 MB above that after 2,000",
        _own(_growth),
        20,
        "MB",
        at_least=False,
    ),
    Target(
        "cluster",
        "one worker takes 1.15 x the time of a plain crawl with PostgreSQL or less",
        _cost_of_a_worker,
        1.15,
        at_least=False,
    ),
    Target("cluster-held", "two workers: 1.5 x one or more", _one_to_two, 1.5),
    Target(
        "start",
        "first request within 1.3 x the time of stock Scrapy",
        _times("scrapy-files", lambda run: run.first_request_s),
        1.3,
        at_least=False,
    ),
)
