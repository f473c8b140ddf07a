"""Print the catalogue as metrics, in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from wallpapers.maintenance.statistics import by_state, outcome, printable

if TYPE_CHECKING:
    from wallpapers.catalogue.entries import Entries


def exposition(entries: Entries) -> str:
    """Return the metrics; for each source, those of the run that ended last."""
    registry = CollectorRegistry()
    for metrics in (_contents(entries), _runs(entries), _last_runs(entries)):
        registry.register(_Collected(list(metrics)))
    return generate_latest(registry).decode()


class _Collected(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        return self._metrics


def _gauge(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"wallpapers_{name}", meaning, labels=labels)


def _contents(entries: Entries) -> Iterator[Metric]:
    listed = _gauge("catalogue_wallpapers", "Wallpapers in the catalogue", "source", "state")
    for labels, count in by_state(entries).items():
        listed.add_metric([printable(label) for label in labels], count)
    yield listed
    failed = _gauge("catalogue_failed_wallpapers", "Failed wallpapers", "source", "reason")
    by_reason = entries.count("source", "reason", state="failed", hidden=False)
    for labels, count in by_reason.items():
        failed.add_metric([printable(label) for label in labels], count)
    yield failed
    images = _gauge("store_images", "Images in the store", "format")
    size = _gauge("store_bytes", "Bytes of the images in the store", "format")
    for name, (count, size_bytes) in entries.formats().items():
        images.add_metric([printable(name)], count)
        size.add_metric([printable(name)], size_bytes)
    yield from (images, size)


def _runs(entries: Entries) -> Iterator[Metric]:
    ended = CounterMetricFamily(
        "wallpapers_runs", "Runs that have ended", labels=("source", "outcome")
    )
    unfinished = _gauge("runs_without_end", "Runs that are running or were killed", "source")
    for (source, status), count in entries.runs.count_by_status().items():
        if status is None:
            unfinished.add_metric([printable(source)], count)
        else:
            ended.add_metric([printable(source), outcome(status)], count)
    yield from (ended, unfinished)
    complete = _gauge(
        "last_complete_timestamp_seconds", "End of the last run with exit status 0", "source"
    )
    for source, ended_at in entries.runs.last_complete().items():
        complete.add_metric([printable(source)], _timestamp(ended_at))
    yield complete


def _last_runs(entries: Entries) -> Iterator[Metric]:
    began = _gauge("last_run_start_timestamp_seconds", "Start of the last run", "source")
    ended = _gauge("last_run_end_timestamp_seconds", "End of the last run", "source")
    status = _gauge("last_run_exit_status", "Exit status of the last run", "source")
    counts = _gauge("last_run_wallpapers", "Wallpapers of the last run", "source", "verdict")
    left = _gauge("last_run_left_wallpapers", "Wallpapers left for the next run", "source")
    size = _gauge("last_run_stored_bytes", "Bytes that the last run stored", "source")
    for name, run in entries.runs.last_ended().items():
        source = printable(name)
        assert run.ended_at is not None
        assert run.end is not None
        began.add_metric([source], _timestamp(run.began_at))
        ended.add_metric([source], _timestamp(run.ended_at))
        status.add_metric([source], run.end.exit_status)
        for verdict, count in run.end.verdicts.items():
            counts.add_metric([source, verdict.value], count)
        left.add_metric([source], run.end.left)
        size.add_metric([source], run.end.stored_bytes)
    yield from (began, ended, status, counts, left, size)


def _timestamp(iso_time: str) -> float:
    return datetime.fromisoformat(iso_time).timestamp()
