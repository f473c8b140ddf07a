"""Crawl a listing with a PostgreSQL on this machine, and a cluster whose workers are ready before.

Called as ``python workers.py WORKERS ENDPOINT STORE CONNECTIONS SCRATCH``; exits as the crawl does.
Without workers, the crawl is a plain one.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from wallpapers.cluster.demo import postgresql

_TIMEOUT_S = 60.0


def main(workers: int, endpoint: str, store: str, connections: int, scratch: Path) -> int:
    """Return the exit status of the crawl."""
    data = scratch / "postgresql"
    shutil.rmtree(data, ignore_errors=True)
    with postgresql(data) as address:
        options = {
            "WALLPAPERS_CATALOGUE": address,
            "IMAGES_STORE": store,
            # One of Scrapy's requests is kept for the listing.
            "CONCURRENT_REQUESTS": connections + 1,
            "CONCURRENT_REQUESTS_PER_DOMAIN": connections,
            "DOWNLOAD_SLOTS": json.dumps({"listing": {"concurrency": 1, "delay": 0}}),
        }
        settings = [word for name, value in options.items() for word in ("-s", f"{name}={value}")]
        crawl = ["crawl", "baidu_wallpaper", "-a", f"endpoint={endpoint}", "-a", "rn=100"]
        if not workers:
            return subprocess.run(_scrapy(*crawl, *settings), check=False).returncode
        with _workers(workers, address, settings):
            crawling = _scrapy("cluster", *crawl, "--wait", *settings)
            return subprocess.run(crawling, check=False).returncode


@contextmanager
def _workers(count: int, address: str, settings: Sequence[str]) -> Iterator[None]:
    """Run *count* workers, which are ready, until the end of the block."""
    subprocess.run(_scrapy("cluster", "init", *settings), check=True)
    started = [
        # The server counts the requests of each worker by this name.
        subprocess.Popen(_scrapy("cluster", "work", *settings, "-s", f"USER_AGENT=worker-{number}"))
        for number in range(count)
    ]
    try:
        _wait_for(address, count)
        yield
    finally:
        for worker in started:
            worker.terminate()
        for worker in started:
            worker.wait()


def _scrapy(*words: str) -> Sequence[str]:
    return [sys.executable, "-m", "scrapy", *words]


def _wait_for(address: str, workers: int) -> None:
    end_s = time.monotonic() + _TIMEOUT_S
    with psycopg.connect(address, autocommit=True) as connection:
        while time.monotonic() < end_s:
            ready = connection.execute("SELECT count(*) FROM cluster_workers").fetchone()
            if ready and ready[0] >= workers:
                return
            time.sleep(0.1)  # another process, which cannot wake this one
    raise SystemExit(f"{workers} workers were not ready after {_TIMEOUT_S:.0f} s")


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), Path(sys.argv[5])))
