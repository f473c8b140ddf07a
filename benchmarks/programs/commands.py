"""How each program is called; the README explains the choices."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import PROJECT
from benchmarks.programs.program import Job

_HERE = Path(__file__).parent
_VENVS = PROJECT / ".venv-bench"


def venv(name: str) -> Path:
    return _VENVS / name / "bin" / "python"


def _scrapy(settings: str, spider: str, job: Job, options: dict[str, object]) -> list[str]:
    """Return the command that crawls a listing with these settings."""
    words = ["/usr/bin/env", f"SCRAPY_SETTINGS_MODULE={settings}", f"BENCHMARK_GAPS={job.gaps}"]
    words += [sys.executable, "-m", "scrapy", "crawl", spider, "-a", f"endpoint={job.endpoint}"]
    for name, value in options.items():
        words += ["-s", f"{name}={value}"]
    return words


def wallpapers(job: Job) -> list[str]:
    settings = "benchmarks.programs.full" if job.full else "wallpapers.settings"
    options: dict[str, object] = {
        "IMAGES_STORE": job.store,
        # One of Scrapy's requests is kept for the listing.
        "CONCURRENT_REQUESTS": job.connections + 1,
        "CONCURRENT_REQUESTS_PER_DOMAIN": job.connections,
        "DOWNLOAD_SLOTS": json.dumps({"listing": {"concurrency": 1, "delay": 0}}),
    }
    return [*_scrapy(settings, "baidu_wallpaper", job, options), "-a", "rn=100"]


def workers(count: int) -> Callable[[Job], list[str]]:
    """Return how a cluster with *count* workers is called."""

    def command(job: Job) -> list[str]:
        words = [sys.executable, _HERE / "workers.py", count, job.endpoint, job.store]
        return [str(word) for word in (*words, job.connections, job.scratch)]

    return command


def _stock(pipeline: str, store: str, job: Job) -> list[str]:
    options: dict[str, object] = {
        "ITEM_PIPELINES": json.dumps({pipeline: 1}),
        store: job.store,
        "CONCURRENT_REQUESTS": job.connections + 1,
        "CONCURRENT_REQUESTS_PER_DOMAIN": job.connections,
    }
    settings = "full" if job.full else "settings"
    return _scrapy(f"benchmarks.programs.stock.{settings}", "listing", job, options)


def stock_images(job: Job) -> list[str]:
    return _stock("scrapy.pipelines.images.ImagesPipeline", "IMAGES_STORE", job)


def stock_files(job: Job) -> list[str]:
    return _stock("scrapy.pipelines.files.FilesPipeline", "FILES_STORE", job)


def script(name: str, python: Path) -> Callable[[Job], list[str]]:
    """Return how a script of this folder is called, that reads the listing by itself."""

    def command(job: Job) -> list[str]:
        words = [python, _HERE / name, job.endpoint, job.store, job.connections]
        return [str(word) for word in words]

    return command


def icrawler(job: Job) -> list[str]:
    words = [venv("icrawler"), _HERE / "icrawler_list.py", job.addresses, job.store]
    return [str(word) for word in (*words, job.connections)]


def gallery_dl(job: Job) -> list[str]:
    words = [venv("gallery-dl"), "-m", "gallery_dl", "--config-ignore", "--no-input", "--quiet"]
    options = ["-o", "cache.file=null", "--no-mtime", "-D", job.store, "-i", job.addresses]
    return [str(word) for word in (*words, *options)]


def img2dataset(job: Job) -> list[str]:
    words = [venv("img2dataset"), _HERE / "img2dataset_list.py", job.addresses, job.store]
    return [str(word) for word in (*words, job.count, job.connections)]


def curl(job: Job) -> list[str]:
    """Return curl's command; a store that is not there it would not make."""
    job.store.mkdir(parents=True, exist_ok=True)
    configuration = job.scratch / "curl.txt"
    lines = []
    for address in job.addresses.read_text().split():
        lines += [f'url = "{address}"', f'output = "{job.store / address.rsplit("/", 1)[1]}"']
    configuration.write_text("\n".join(lines))
    limits = ["--parallel", "--parallel-immediate", "--parallel-max", str(job.connections)]
    return ["curl", "-q", "--silent", "--show-error", "--fail", *limits, "-K", str(configuration)]
