"""``cluster crawl --wait`` sees every page, whenever a worker settles it."""

from __future__ import annotations

import itertools
from typing import Any

import psycopg
from sqlalchemy import create_engine, event, make_url

from tests.cluster import Cluster
from tests.pictures import exhibits
from wallpapers.cluster.results import Progress, progress_of
from wallpapers.demo.standin import StandIn


def progress_while_a_page_is_settled(running: Cluster, after: int) -> tuple[Progress, bool]:
    """Read the progress of run 1; its page is settled after so many statements, if there are.

    Return it, and whether there were.
    """
    statements = itertools.count(1)
    settled = False

    def settle(*_: Any) -> None:
        nonlocal settled
        if next(statements) == after:
            settled = True
            with psycopg.connect(running.url) as worker:
                worker.execute("UPDATE cluster_pages SET settled_at = now()")

    with psycopg.connect(running.url) as worker:
        worker.execute("UPDATE cluster_pages SET settled_at = NULL")
    engine = create_engine(make_url(running.url).set(drivername="postgresql+psycopg"))
    try:
        with engine.begin() as connection:
            event.listen(connection, "after_cursor_execute", settle)
            return progress_of(connection, 1, set()), settled
    finally:
        engine.dispose()


def test_a_page_that_is_settled_meanwhile_is_not_lost(running: Cluster) -> None:
    with StandIn(exhibits(3)) as standin:
        running.start_worker()
        assert running.wait_for(standin, "-a", "limit=3").status == 0
    for after in itertools.count(1):
        progress, was_settled = progress_while_a_page_is_settled(running, after)
        if not was_settled:
            break
        assert not progress.is_done or [page.number for page in progress.pages] == [1], after
    assert after > 3
