"""A worker introduces itself once, however many tasks it begins at the same time."""

from __future__ import annotations

from tests.cluster import Cluster
from tests.e2e.command import wait_until


def test_tasks_that_begin_together_introduce_their_worker_once(running: Cluster) -> None:
    assert running.run("look").output == "0 images to look at, in 256 tasks\n"
    running.start_worker("-s", "WALLPAPERS_CLUSTER_TASKS=8")
    wait_until(lambda: running.rows("SELECT count(*) FROM procrastinate_jobs") == [(0,)])
    log = running.log_of(0)
    assert log.count(" is ready\n") == 1, log
