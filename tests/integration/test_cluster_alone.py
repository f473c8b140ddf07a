"""Wallpapers that are processed alone, because their worker may die."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from scrapy.settings import Settings
from sqlalchemy import text

from tests.integration.catalogue_rows import wallpaper
from tests.postgresql import PostgreSQL
from wallpapers.catalogue.entries import Entries
from wallpapers.cluster import pages, pictures, runs
from wallpapers.cluster.database import open_catalogue
from wallpapers.cluster.pages import Listing
from wallpapers.cluster.pictures import OpenPage, Start
from wallpapers.cluster.queue import Queue
from wallpapers.listings.page import Page, Position

LEASE_S = 30.0


def begin_pages(entries: Entries) -> list[OpenPage]:
    """Submit a run with two pages of one wallpaper each, which have killed a worker each.

    A worker is doing the task of the first page.
    """
    queue = Queue()
    run = runs.submit(entries.connection, queue, "s", {}, Position())
    begun = []
    for name in ("1", "2"):
        at = pages.begin(entries, run)
        assert at is not None
        page = Page([wallpaper(name)], entries=1)
        pages.record(entries, queue, Listing("s", None, 0, None), at, page, "")
        page_begun = pictures.begin(entries, run, at.number)
        assert page_begun is not None
        begun.append(page_begun)
        assert begin_alone(entries, page_begun) is Start.BEGUN
    entries.connection.execute(text("INSERT INTO procrastinate_workers DEFAULT VALUES"))
    entries.connection.execute(
        text(
            "UPDATE procrastinate_jobs SET status = 'doing', "
            "worker_id = (SELECT id FROM procrastinate_workers) "
            "WHERE task_name = 'pictures' AND args ->> 'page' = '1'"
        )
    )
    return begun


def begin_alone(entries: Entries, page: OpenPage) -> Start:
    one = page.wallpapers[0]
    return pictures.begin_alone(entries, page, (one.source, one.id), LEASE_S)


def test_of_wallpapers_that_may_fail_with_their_worker_one_is_processed_at_a_time(
    postgresql_of_wheel: PostgreSQL,
) -> None:
    """If several workers die at the same time, only one of the wallpapers may be blamed."""
    settings = Settings({"WALLPAPERS_CATALOGUE": postgresql_of_wheel.new_database()})
    with closing(open_catalogue(settings, installs=True)) as catalogue:
        first, second = catalogue.run(begin_pages)
        assert catalogue.run(lambda entries: begin_alone(entries, first)) is Start.BEGUN
        assert catalogue.run(lambda entries: begin_alone(entries, second)) is Start.POSTPONED
        catalogue.run(let_the_worker_die)
        assert catalogue.run(lambda entries: begin_alone(entries, second)) is Start.BEGUN
        of_another_turn = replace(first, turn=first.turn - 1)
        taken_over = catalogue.run(lambda entries: begin_alone(entries, of_another_turn))
        assert taken_over is Start.TAKEN_OVER


def let_the_worker_die(entries: Entries) -> None:
    past = "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 seconds'"
    entries.connection.execute(text(past))
