"""Runs that are cancelled, tried again, or submitted for each word."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from aiohttp import web

from tests.cluster import Cluster, pages_of, pictures_of
from tests.e2e.command import TIMEOUT_S, finish, wait_until
from tests.pictures import exhibits
from tests.standin.picture_faults import HeldPictures
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn


class MissingForAWhile(StandIn):
    """Answers requests for every third picture with 404, until it is repaired."""

    is_repaired = False

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        if not self.is_repaired and self.exhibits.index(exhibit) % 3 == 0:
            raise web.HTTPNotFound
        return await super().picture(request, exhibit)


@pytest.mark.slow
def test_retry_tries_what_failed_and_nothing_else(running: Cluster) -> None:
    with MissingForAWhile(exhibits(90)) as standin:
        running.start_worker()
        assert running.wait_for(standin).status == 3
        assert running.verdicts() == {"stored": 60, "failed": 30}
        standin.is_repaired = True
        standin.asked.clear()
        retried = running.run("retry", "1")
        assert retried.output == "Trying again: 30 wallpapers, 0 listings\n"
        running.wait_until({"stored": 90})
        assert pictures_of(standin).total() == 30
        assert not pages_of(standin)
    assert running.run("retry").output == "Trying again: 0 wallpapers, 0 listings\n"
    running.check_store(90)


def test_a_cancelled_run_ends_and_can_be_resumed(running: Cluster) -> None:
    with HeldPictures(exhibits(120)) as standin:
        waiting = running.start_waiting(standin)
        running.start_worker()
        assert standin.held.wait(TIMEOUT_S)
        assert running.run("cancel", "1").output == "Run 1 is cancelled\n"
        assert finish(waiting).status == 130
        assert running.rows("SELECT state FROM cluster_runs") == [("cancelled",)]
        standin.release()
        assert running.run("retry", "1").status == 0
        running.wait_until({"stored": 120})
        # The page after the last wallpapers may be read last.
        wait_until(lambda: running.rows("SELECT state FROM cluster_runs") == [("ended",)])
    assert running.run("cancel", "1").output == "Run 1 has already ended\n"
    assert "there is no run 9" in running.run("cancel", "9").log


def test_a_wallpaper_without_a_readable_row_in_the_catalogue_fails(running: Cluster) -> None:
    with HeldPictures(exhibits(60)) as standin:
        worker = running.start_worker()
        running.submit(standin)
        assert standin.held.wait(TIMEOUT_S)
        worker.terminate()
        worker.wait(TIMEOUT_S)
        removed, damaged = (exhibit.id for exhibit in standin.exhibits[-2:])
        with psycopg.connect(running.url) as connection:
            for table in ("findings", "wallpapers"):
                connection.execute(f"DELETE FROM {table} WHERE id = %s", [removed])
            connection.execute("UPDATE wallpapers SET item = '{}' WHERE id = %s", [damaged])
        standin.release()
        running.start_worker()
        running.wait_until({"stored": 58, "failed": 2})
    assert "failed at no host: bad_url 2" in running.run("status", "1").output


@pytest.mark.slow
def test_a_file_of_words_is_a_run_for_each_word(running: Cluster, tmp_path: Path) -> None:
    (tmp_path / "tags.txt").write_text("forest\n\n# lakes\nsea\n")
    with StandIn(exhibits(40)) as standin:
        running.start_worker()
        result = running.wait_for(standin, "-a", f"tag=@{tmp_path / 'tags.txt'}")
        assert pictures_of(standin).total() == 40
    assert result.status == 0
    assert running.rows("SELECT id, state FROM cluster_runs ORDER BY id") == [
        (1, "ended"),
        (2, "ended"),
    ]
    assert running.verdicts(1) + running.verdicts(2) == {"stored": 40, "known": 40}
