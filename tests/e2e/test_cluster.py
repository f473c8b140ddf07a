"""Many workers, one queue: runs without faults, and what users do wrong."""

from __future__ import annotations

import json
from pathlib import Path

import psutil
import pytest

from tests.cluster import Cluster, pages_of, pictures_of
from tests.e2e.command import TIMEOUT_S, finish, finish_all, scrapy
from tests.pictures import exhibit, exhibits
from tests.postgresql import PostgreSQL
from tests.standin.picture_faults import MissingPicture
from wallpapers.demo.standin import StandIn


def words_of(text: str) -> str:
    """Return *text* with one space between its words."""
    return " ".join(text.split())


@pytest.mark.slow
def test_two_workers_share_a_run_and_request_everything_once(running: Cluster) -> None:
    with StandIn(exhibits(300)) as standin:
        waiting = running.start_waiting(standin)
        running.start_worker()
        running.start_worker()
        result = finish(waiting)
        assert pictures_of(standin).total() == len(pictures_of(standin)) == 300
        assert set(pages_of(standin).values()) == {1}
    assert result.status == 0
    assert "listed 300 stored 300" in words_of(result.log)
    assert running.verdicts() == {"stored": 300}
    running.check_store(300)


@pytest.mark.slow
def test_a_second_run_requests_pages_only(running: Cluster) -> None:
    with StandIn(exhibits(120)) as standin:
        running.start_worker()
        assert running.wait_for(standin).status == 0
        standin.asked.clear()
        assert running.wait_for(standin).status == 0
        assert pictures_of(standin).total() == 0
        assert set(pages_of(standin).values()) == {1}
    assert running.verdicts(2) == {"known": 120}


@pytest.mark.slow
def test_two_runs_that_share_wallpapers_request_each_image_once(running: Cluster) -> None:
    with StandIn(exhibits(200)) as standin:
        waiting = [running.start_waiting(standin, "-a", f"limit={most}") for most in (150, 200)]
        running.start_worker()
        running.start_worker()
        assert [result.status for result in finish_all(waiting)] == [0, 0]
        assert pictures_of(standin).total() == len(pictures_of(standin)) == 200
    assert running.verdicts(1).total() + running.verdicts(2).total() == 350
    assert running.verdicts(1)["stored"] + running.verdicts(2)["stored"] == 200
    running.check_store(200)


def test_the_feed_and_status_of_a_run_are_those_of_a_crawl(
    running: Cluster, tmp_path: Path
) -> None:
    with MissingPicture(exhibits(70)) as standin:
        running.start_worker()
        result = running.wait_for(standin, "-O", str(tmp_path / "cluster.jsonl"))
        words = ("crawl", *running.words(standin), "-s", f"IMAGES_STORE={tmp_path / 'plain'}")
        plain = scrapy(*words, "-O", str(tmp_path / "plain.jsonl"))
    assert result.status == plain.status == 3
    feeds = [
        sorted(map(json.loads, (tmp_path / f"{name}.jsonl").read_text().splitlines()), key=str)
        for name in ("cluster", "plain")
    ]
    assert feeds[0] == feeds[1]
    assert "failed 69 http_404 69" in words_of(result.log)
    status = running.run("status", "1")
    assert "failed at 127.0.0.1: http_404 69" in status.output


@pytest.mark.slow
def test_a_worker_of_several_that_is_killed_is_replaced(running: Cluster) -> None:
    with StandIn(exhibits(120)) as standin:
        parent = running.start_worker("--processes", "2")
        running.wait_for_workers(2)
        victim, _ = psutil.Process(parent.pid).children()
        victim.kill()
        running.wait_for_workers(3)
        assert running.wait_for(standin).status == 0
        parent.terminate()
        assert parent.wait(TIMEOUT_S) == 0
    assert not running.store.joinpath(".parts").exists()
    running.check_store(120)


@pytest.mark.slow
def test_the_filters_and_the_limit_of_a_run_hold(running: Cluster) -> None:
    shown = [exhibit(number, width=96 if number % 3 else 10) for number in range(90)]
    with StandIn(shown) as standin:
        running.start_worker()
        words = ("-a", "limit=75", "-a", "min_width=50", "-a", "rn=30")
        assert running.wait_for(standin, *words).status == 0
    assert running.verdicts() == {"stored": 50, "filtered": 25}


def test_a_listing_that_cannot_be_read_ends_the_wait_with_4(running: Cluster) -> None:
    with StandIn([]) as standin:
        running.start_worker()
        result = running.wait_for(standin)
    assert result.status == 4
    assert "No wallpapers found in the listing" in result.log
    assert "No wallpapers found in the listing" in running.run("status", "1").output


def test_a_source_that_raises_fails_its_listing(running: Cluster) -> None:
    """A listing that waited for its page for ever would also keep others of the source waiting."""
    running.spider = "photos"
    running.settings += ("-s", "SPIDER_MODULES=tests.standin.raising_source")
    with StandIn(exhibits(4)) as standin:
        running.start_worker()
        result = running.wait_for(standin)
    assert result.status == 4
    assert "The spider failed: KeyError: 'imgs'" in result.log
    (running.logs / "worker-0").unlink()  # it has the traceback


def test_a_database_without_the_queue_names_the_command(postgresql_of_wheel: PostgreSQL) -> None:
    url = postgresql_of_wheel.new_database()
    for words in (("crawl", "bing_wallpaper"), ("work",), ("status",)):
        result = scrapy("cluster", *words, "-s", f"WALLPAPERS_CATALOGUE={url}")
        assert result.status == 1
        assert "create it with: " in result.log
        assert " cluster init -s 'WALLPAPERS_CATALOGUE=" in result.log
        assert len(result.log.splitlines()) == 1


def test_a_mistake_is_one_line_with_its_status(running: Cluster, closed_port: int) -> None:
    away = f"WALLPAPERS_CATALOGUE=postgresql://me:SesameOpen@127.0.0.1:{closed_port}/catalogue"
    cases = {
        ("init", "-s", "WALLPAPERS_CATALOGUE="): (1, "needs its catalogue in PostgreSQL"),
        ("work", "-s", away): (5, "Connection refused"),
        ("crawl", "bing_wallpaper", "-a", "n=abc"): (1, "unknown argument 'n'"),
        ("crawl", "wallhaven", "-a", "limit=-1"): (1, "limit must be a number 0 or more"),
        ("crawl", "wallhaven", "-a", "reread_days=7"): (
            1,
            "reread_days has no effect in a cluster",
        ),
        ("status", "7"): (1, "there is no run 7; none was submitted"),
    }
    for words, (status, message) in cases.items():
        result = running.run(*words)
        assert (result.status, len(result.log.splitlines())) == (status, 1), result.log
        assert message in result.log
        assert "SesameOpen" not in result.log
    for words in (("crawl", "nothing"), ("explode",), ("status", "x"), ()):
        result = running.run(*words)
        assert result.status == 2
        assert "Traceback" not in result.log
