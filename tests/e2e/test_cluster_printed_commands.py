"""The commands that ``scrapy cluster crawl --wait`` prints run as they were printed."""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster, cluster
from tests.e2e.command import PROJECT, TIMEOUT_S, Result, finish
from tests.e2e.shell import printed, shell
from tests.e2e.test_cluster_runs import MissingForAWhile
from tests.pictures import exhibits
from tests.postgresql import PostgreSQL
from tests.standin.listing_faults import HtmlListing
from tests.standin.picture_faults import HeldPictures

pytestmark = pytest.mark.slow


@pytest.fixture
def running(postgresql_of_wheel: PostgreSQL, tmp_path: Path) -> Iterator[Cluster]:
    url = postgresql_of_wheel.new_database().replace(":unused@", "@")  # a password is masked
    with cluster(url, tmp_path) as made:
        yield made


def paste(command: str) -> Result:
    """Run *command* as if it were pasted into a shell."""
    environment = {**os.environ, "SCRAPY_SETTINGS_MODULE": "wallpapers.settings"}
    return shell(command, PROJECT, environment)


def test_the_retry_of_failed_wallpapers_names_each_run(running: Cluster, tmp_path: Path) -> None:
    (tmp_path / "tags.txt").write_text("forest\nsea\n")
    with MissingForAWhile(exhibits(30)) as standin:
        running.start_worker()
        failed = running.wait_for(standin, "-a", f"tag=@{tmp_path / 'tags.txt'}")
        assert failed.status == 3
        standin.is_repaired = True
        result = paste(printed(failed.log, "to try them again, run:"))
        assert result.output == "Trying again: 20 wallpapers, 0 listings\n", result.log
        for run in (1, 2):
            verdicts = {"stored": 30} if run == 1 else {"stored": 10, "known": 20}
            running.wait_until(verdicts, run)
    running.check_store(30)


def test_a_listing_that_failed_suggests_one_command_with_the_feed_of_the_user(
    running: Cluster, tmp_path: Path
) -> None:
    feed = str(tmp_path / "items.jsonl")
    with HtmlListing([]) as gone:
        running.start_worker()
        failed = running.wait_for(gone, "-O", feed)
    assert failed.status == 4
    assert max(line.count("or try:") for line in failed.log.splitlines()) == 1
    command = shlex.split(printed(failed.log, "; or try:"))
    assert "baidu_search" in command
    assert command[command.index("-O") + 1] == feed


def test_the_cancellation_of_a_run_after_the_wait_was_interrupted(running: Cluster) -> None:
    with HeldPictures(exhibits(30)) as standin:
        waiting = running.start_waiting(standin)
        running.start_worker()
        assert standin.held.wait(TIMEOUT_S)
        waiting.send_signal(signal.SIGINT)
        interrupted = finish(waiting)
        assert interrupted.status == 130
        command = printed(interrupted.log, "the workers continue; to cancel the run, run:")
        assert paste(command).output == "Run 1 is cancelled\n"


def test_the_resumption_of_a_cancelled_run(running: Cluster) -> None:
    with HeldPictures(exhibits(30)) as standin:
        waiting = running.start_waiting(standin)
        running.start_worker()
        assert standin.held.wait(TIMEOUT_S)
        assert running.run("cancel", "1").status == 0
        cancelled = finish(waiting)
        assert cancelled.status == 130
        standin.release()
        command = printed(cancelled.log, "Run 1 was cancelled; to resume it, run:")
        assert paste(command).status == 0
        running.wait_until({"stored": 30})
    running.check_store(30)
