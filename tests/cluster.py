"""A cluster for tests: real workers, as processes, on a real PostgreSQL."""

from __future__ import annotations

import hashlib
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.e2e.command import (
    FAST,
    TIMEOUT_S,
    Process,
    Result,
    finish,
    scrapy,
    start,
    start_python,
    wait_until,
)
from tests.invariants import check_no_traceback
from wallpapers.demo.standin import StandIn

LEASE_S = 3
IN_FLIGHT = 31  # CONCURRENT_REQUESTS, of which the listing has one


class Cluster:
    """One database and one store, and the workers that were started for them."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.spider = "baidu_wallpaper"
        self.store = folder / "store"
        self.folder = folder
        self.workers: list[Process] = []
        self.settings: tuple[str, ...] = (
            *("-s", f"WALLPAPERS_CATALOGUE={url}", "-s", f"IMAGES_STORE={self.store}"),
            *("-s", f"WALLPAPERS_CLUSTER_LEASE={LEASE_S}", *FAST),
            *("-s", "WALLPAPERS_PATIENCE_BACKOFF=0.1"),
        )
        self.logs = folder / "logs"
        self.logs.mkdir()

    def run(self, *words: str) -> Result:
        """Run ``scrapy cluster`` with *words* to its end."""
        return scrapy("cluster", *self.settings, *words)

    def submit(self, standin: StandIn, *words: str) -> int:
        """Submit a run of *standin*, and return its number."""
        result = self.run("crawl", *self.words(standin), *words)
        assert result.status == 0, result.log
        return int(result.output.removeprefix("Run "))

    def start_waiting(self, standin: StandIn, *words: str) -> Process:
        """Start ``scrapy cluster crawl --wait``."""
        return start("cluster", "crawl", *self.words(standin), "--wait", *words, *self.settings)

    def wait_for(self, standin: StandIn, *words: str) -> Result:
        """Submit a run of *standin* and wait for its end."""
        return finish(self.start_waiting(standin, *words))

    def words(self, standin: StandIn) -> tuple[str, ...]:
        return (self.spider, "-a", f"endpoint={standin.endpoint}")

    def start_worker(self, *words: str, before: tuple[str, ...] = ()) -> Process:
        """Start a worker, whose log is kept; *before* are the words of a command that runs it."""
        words = ("cluster", "work", *words, *self.settings)
        with (self.logs / f"worker-{len(self.workers)}").open("w") as log:
            worker: Process = (
                start_python(*words, before=before, stdout=log, stderr=log)
                if before
                else start(*words, stdout=log, stderr=log)
            )
        self.workers.append(worker)
        return worker

    def end(self) -> None:
        """End the workers; what they logged has no traceback."""
        for worker in self.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGCONT)
                worker.terminate()
        for worker in self.workers:
            worker.wait(TIMEOUT_S)
        for log in self.logs.iterdir():
            check_no_traceback(log.read_text())

    def log_of(self, number: int) -> str:
        return (self.logs / f"worker-{number}").read_text()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()

    def verdicts(self, run: int = 1) -> Counter[str | None]:
        """Return the number of wallpapers of a run by verdict."""
        query = f"SELECT verdict, count(*) FROM cluster_wallpapers WHERE run = {run} GROUP BY 1"
        return Counter(dict(self.rows(query)))

    def wait_until(self, verdicts: dict[str, int], run: int = 1) -> None:
        """Wait until the wallpapers of a run have these verdicts."""
        wait_until(lambda: self.verdicts(run) == verdicts)

    def wait_for_workers(self, count: int) -> None:
        """Wait until so many workers are ready."""
        wait_until(lambda: self.rows("SELECT count(*) FROM cluster_workers") == [(count,)])

    def check_store(self, count: int) -> None:
        """Assert that *count* images are stored, each with its SHA-256, and nothing else."""
        rows = self.rows("SELECT path, sha256 FROM pictures")
        assert len(rows) == count
        for path, sha256 in rows:
            assert hashlib.sha256((self.store / path).read_bytes()).hexdigest() == sha256
        assert len(list(self.store.rglob("*.jpg"))) == count


@contextmanager
def cluster(url: str, folder: Path) -> Iterator[Cluster]:
    """Make the tables of a cluster; end its workers after the block."""
    made = Cluster(url, folder)
    result = made.run("init")
    assert result.status == 0, result.log
    try:
        yield made
    finally:
        made.end()


def pictures_of(standin: StandIn) -> Counter[str]:
    """Return how often each picture was asked for."""
    return Counter(path for path in standin.asked if path.startswith("/image/"))


def pages_of(standin: StandIn) -> Counter[str]:
    """Return how often each page of the listing was asked for, by its offset."""
    pages = (path for path in standin.asked if not path.startswith("/image/"))
    return Counter(path.partition("pn=")[2].partition("&")[0] for path in pages)


def kill(process: Process) -> None:
    """End a process as a power cut does."""
    process.kill()
    process.wait()
