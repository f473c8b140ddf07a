"""``stats``, ``verify`` and ``retry`` on the catalogue and the store of a cluster."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cluster import Cluster, kill, pages_of, pictures_of
from tests.e2e.command import TIMEOUT_S, finish, scrapy, wait_until
from tests.e2e.test_cluster_runs import MissingForAWhile
from tests.e2e.test_kills import Signalling
from tests.pictures import exhibits
from tests.standin.listing_faults import HtmlListing
from tests.standin.picture_faults import HeldPictures
from wallpapers.demo.standin import StandIn

pytestmark = pytest.mark.slow


def stats(running: Cluster) -> dict[str, Any]:
    """Return what ``scrapy stats --json`` prints."""
    result = scrapy("stats", "--json", *running.settings)
    assert result.status == 0, result.log
    values: dict[str, Any] = json.loads(result.output)
    return values


def runs(running: Cluster, *names: str) -> list[tuple[Any, ...]]:
    """Return these values of each run, the first one first."""
    return [tuple(run[name] for name in names) for run in reversed(stats(running)["runs"])]


def test_a_run_with_failures_is_in_the_statistics_and_can_be_retried(running: Cluster) -> None:
    with MissingForAWhile(exhibits(90)) as standin:
        running.start_worker()
        assert running.wait_for(standin, "-a", "limit=80").status == 3
        values = stats(running)
        standin.is_repaired = True
        standin.asked.clear()
        words = ("retry", "baidu_wallpaper", *running.settings)
        retried = scrapy(*words)
        assert not pages_of(standin)
        assert pictures_of(standin).total() == 27
    assert values["sources"]["baidu_wallpaper"] == {
        "stored": 53,
        "filtered": 0,
        "failed": 27,
        "listed": 0,
        "hidden": 0,
    }
    assert values["failures"] == [{"host": "127.0.0.1", "reason": "http_404", "count": 27}]
    (run,) = values["runs"]
    assert (run["source"], run["state"], run["outcome"]) == ("baidu_wallpaper", "ended", "failures")
    assert run["arguments"] == {"endpoint": f"{standin.origin}/***", "limit": "80"}
    assert (run["stored"], run["failed"], run["known"], run["left"]) == (53, 27, 0, 0)
    assert run["bytes"] == sum(entry["bytes"] for entry in values["pictures"].values())
    assert run["began_at"] <= run["ended_at"]
    assert retried.status == 0
    assert retried.output == "Retrying 27 failed wallpapers of baidu_wallpaper\n"
    assert stats(running)["sources"]["baidu_wallpaper"]["stored"] == 80
    assert runs(running, "state", "exit_status", "stored") == [("ended", 3, 53), ("ended", 0, 27)]


def test_a_retry_in_the_cluster_corrects_the_figures_of_its_run(running: Cluster) -> None:
    with MissingForAWhile(exhibits(90)) as standin:
        running.start_worker()
        assert running.wait_for(standin).status == 3
        standin.is_repaired = True
        assert running.run("retry", "1").status == 0
        ended = [("ended", 0, 90, 0)]
        wait_until(lambda: runs(running, "state", "exit_status", "stored", "failed") == ended)
        assert running.run("retry").status == 0
        assert runs(running, "state", "exit_status", "stored", "failed") == ended


def test_a_killed_worker_leaves_right_figures_and_whole_files(running: Cluster) -> None:
    with Signalling(exhibits(300)) as standin:
        waiting = running.start_waiting(standin)
        victim = running.start_worker()
        assert standin.wait_for(100)
        kill(victim)
        assert runs(running, "state", "exit_status") == [("running", None)]
        running.start_worker()
        assert finish(waiting).status == 0
    assert runs(running, "state", "exit_status", "stored") == [("ended", 0, 300)]
    assert stats(running)["sources"]["baidu_wallpaper"]["stored"] == 300
    verified = scrapy("verify", *running.settings)
    assert verified.status == 0, verified.log
    assert verified.output.startswith("300 whole, 0 damaged, 0 missing, 0 moved, 0 not in the")
    retried = scrapy("retry", *running.settings)
    assert (retried.status, retried.output) == (0, "Nothing to retry: no failed wallpapers\n")


def test_the_status_of_each_run_is_that_of_a_crawl(running: Cluster) -> None:
    """A run that was cancelled has what is left, until it is resumed."""
    with HtmlListing([]) as gone, HeldPictures(exhibits(60)) as standin:
        running.start_worker()
        assert running.wait_for(gone).status == 4
        number = running.submit(standin)
        assert standin.held.wait(TIMEOUT_S)
        assert running.run("cancel", str(number)).status == 0
        wait_until(lambda: runs(running, "exit_status") == [(4,), (130,)])
        (_, (stored, left)) = runs(running, "stored", "left")
        assert stored + left == 60
        assert left >= 55
        standin.release()
        assert running.run("retry", str(number)).status == 0
        wait_until(
            lambda: runs(running, "exit_status", "stored", "left") == [(4, 0, 0), (0, 60, 0)]
        )
    text = scrapy("stats", "--runs", *running.settings).output
    assert "4 listing" in text
    assert "0 complete" in text


def test_a_run_that_nobody_waits_for_is_in_the_statistics(running: Cluster) -> None:
    with StandIn(exhibits(30)) as standin:
        running.submit(standin)
        assert runs(running, "state", "exit_status") == [("running", None)]
        running.start_worker()
        wait_until(lambda: runs(running, "exit_status", "stored") == [(0, 30)])
