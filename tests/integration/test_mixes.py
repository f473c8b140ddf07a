"""Whatever goes wrong together: the account adds up, nothing is torn, the next run heals."""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.conftest import Crawl, Run
from tests.crashpoints import Points, watched
from tests.standin.mixed import LISTING_FAULTS, PAGE, REASONS, Mix, Mixed
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.catalogue.queries import MOST_SHARING
from wallpapers.run.exit_status import ExitStatus

Check = Callable[[Crawl], None]

_pictures = st.lists(st.one_of(st.none(), st.sampled_from(sorted(REASONS, key=str))), max_size=25)
_mixes = st.builds(
    lambda pictures, twins, listing, page: Mix(tuple(pictures), frozenset(twins), listing, page),
    _pictures,
    st.sets(st.integers(0, 24), max_size=MOST_SHARING),
    st.sampled_from(LISTING_FAULTS),
    st.integers(0, 3),
)
_disk_failures = st.one_of(
    st.none(), st.tuples(st.integers(1, 150), st.sampled_from([errno.ENOSPC, errno.EIO]))
)


def expected_ending(mix: Mix) -> ExitStatus:
    if mix.listing_fails:
        return ExitStatus.LISTING
    return ExitStatus.FAILURES if any(mix.pictures) else ExitStatus.COMPLETE


def crawl_mix(crawl: Crawl, standin: Mixed, disk: tuple[int, int] | None) -> Run:
    if disk is None:
        return crawl(standin, rn=PAGE)
    number, code = disk

    def harm() -> None:
        raise OSError(code, os.strerror(code))

    with watched(points := Points(crawl.store.parent, number, harm)):
        run = crawl(standin, rn=PAGE)
    event("the disk failed" if points.passed >= number else "the disk held")
    if points.passed >= number and run.exit_status is not ExitStatus.STORE:
        # All is settled; the commit that failed was to note that the catalogue was closed.
        with closing(sqlite3.connect(crawl.store / FILE_NAME)) as catalogue:
            assert catalogue.execute("SELECT count(*) FROM sessions").fetchone() == (1,)
    else:
        assert (run.exit_status is ExitStatus.STORE) == (points.passed >= number)
    return run


def check(crawl: Crawl, mix: Mix, disk: tuple[int, int] | None) -> None:
    """Crawl *mix* with all that is wrong with it, then healed, then once more."""
    with tempfile.TemporaryDirectory() as folder, Mixed(mix) as standin:
        crawl.move_to(Path(folder))
        run = crawl_mix(crawl, standin, disk)
        event(run.exit_status.name)
        if run.exit_status is not ExitStatus.STORE:
            assert run.exit_status is expected_ending(mix)
            check_reasons(run, mix)
        standin.healed = True
        healed = crawl(standin, rn=PAGE)
        if not mix.pictures:
            assert healed.exit_status is ExitStatus.LISTING  # it names no wallpaper at all
            return
        assert healed.exit_status is ExitStatus.COMPLETE
        assert len(healed.items) == len(mix.pictures)
        standin.asked.clear()
        again = crawl(standin, rn=PAGE)
    assert again.stats["wallpapers/known"] == len(mix.pictures)
    assert not any(path.startswith("/image/") for path in standin.asked)


def check_reasons(run: Run, mix: Mix) -> None:
    """Assert that each wallpaper has the verdict of its own fault."""
    failed: dict[str, int] = {}
    for item in run.items:
        fault = mix.pictures[int(item["title"].split()[-1])]
        assert bool(item["images"]) == (fault is None)
        if fault is not None:
            failed[REASONS[fault]] = failed.get(REASONS[fault], 0) + 1
    prefix = "wallpapers/failed/"
    told = {key.removeprefix(prefix): n for key, n in run.stats.items() if key.startswith(prefix)}
    assert told == failed


@pytest.mark.parametrize(
    "examples", [8, pytest.param(200, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_any_mix_of_faults_adds_up_and_heals(crawl: Crawl, examples: int) -> None:
    @settings(
        max_examples=examples,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(mix=_mixes, disk=_disk_failures)
    def any_mix(mix: Mix, disk: tuple[int, int] | None) -> None:
        check(crawl, mix, disk)

    any_mix()
