"""A disk that fails, or a process that is killed, at any point: the next run repairs everything."""

from __future__ import annotations

import errno
import itertools
import json
import os
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Crawl
from tests.crashpoints import Points, watched
from tests.e2e.command import FAST, finish, scrapy, start_python
from tests.invariants import check_whole
from tests.pictures import exhibits
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.standin import StandIn
from wallpapers.run.exit_status import ExitStatus

PICTURES = 6
THUMBS = {"IMAGES_THUMBS": {"small": (32, 32)}}
QUICK_STRIDE = 13
LEAST_POINTS = 40


def fail_at(crawl: Crawl, standin: StandIn, number: int, code: int) -> bool:
    """Crawl with a disk that fails at point *number*; False = the run ended before."""

    def harm() -> None:
        raise OSError(code, os.strerror(code))

    points = Points(crawl.store.parent, number, harm)
    with watched(points):
        run = crawl(standin, THUMBS)
    if points.passed < number:
        assert run.exit_status is ExitStatus.COMPLETE
        return False
    if run.exit_status is ExitStatus.COMPLETE:
        # All is stored; the commit that failed was to note that the catalogue was closed.
        with closing(sqlite3.connect(crawl.store / FILE_NAME)) as catalogue:
            assert catalogue.execute("SELECT count(*) FROM sessions").fetchone() == (1,)
    else:
        assert run.exit_status is ExitStatus.STORE
        assert len(run.errors()) == 1
    healed = crawl(standin, THUMBS)
    assert healed.exit_status is ExitStatus.COMPLETE
    assert healed.stats["wallpapers/stored"] + healed.stats["wallpapers/known"] == PICTURES
    return True


@pytest.mark.parametrize(
    ("code", "stride"),
    [
        pytest.param(errno.ENOSPC, QUICK_STRIDE, id="ENOSPC at some"),
        pytest.param(errno.ENOSPC, 1, id="ENOSPC at every point", marks=pytest.mark.slow),
        pytest.param(errno.EIO, 1, id="EIO at every point", marks=pytest.mark.slow),
        pytest.param(errno.EDQUOT, 1, id="EDQUOT at every point", marks=pytest.mark.slow),
    ],
)
def test_a_failing_disk_leaves_no_partial_file(
    crawl: Crawl, code: int, stride: int, tmp_path: Path
) -> None:
    with StandIn(exhibits(PICTURES)) as standin:
        for number in itertools.count(1, stride):
            crawl.move_to(tmp_path / f"{number}")
            if not fail_at(crawl, standin, number, code):
                break
    assert number > LEAST_POINTS


@pytest.mark.parametrize(
    "stride",
    [QUICK_STRIDE * 3, pytest.param(1, marks=pytest.mark.slow)],
    ids=["some", "every point"],
)
def test_a_killed_process_leaves_no_partial_file(crawl: Crawl, stride: int, tmp_path: Path) -> None:
    with StandIn(exhibits(PICTURES)) as standin:
        for number in itertools.count(1, stride):
            if not kill_at(standin, tmp_path / f"{number}", number):
                break
    assert number > LEAST_POINTS


def kill_at(standin: StandIn, folder: Path, number: int) -> bool:
    """Kill a crawl at point *number*, look at what is left, and run it again.

    False = the run ended before.
    """
    folder.mkdir()
    feed = folder / "out.json"
    feed.write_text('["yesterday"]')
    words = (
        *("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *FAST, "-O", str(feed)),
        *("-s", f"IMAGES_STORE={folder / 'store'}", "-s", 'IMAGES_THUMBS={"small": [32, 32]}'),
    )
    killer = (sys.executable, "-m", "tests.crashpoints", str(number), str(folder))
    process = start_python(*words, instead=killer)
    status = finish(process).status
    if status == 0:
        return False
    assert status == -signal.SIGKILL
    check_whole(folder / "store", killed=True)
    assert json.loads(feed.read_text()) == ["yesterday"] or len(json.loads(feed.read_text())) == 6

    standin.asked.clear()
    whole_before = len(list((folder / "store" / "baidu_wallpaper").rglob("*.jpg")))
    assert scrapy(*words).status == 0
    check_whole(folder / "store")
    assert len(json.loads(feed.read_text())) == PICTURES
    pictures = [path for path in standin.asked if path.startswith("/image/")]
    assert len(pictures) == PICTURES - whole_before
    return True
