"""The results of a run, which a waiting process reads while others write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import sqlalchemy
from scrapy.settings import Settings

from tests.integration.catalogue_rows import wallpaper
from tests.postgresql import PostgreSQL
from wallpapers.catalogue.catalogue import Catalogue
from wallpapers.catalogue.entries import Entries
from wallpapers.cluster import changes, pages, pictures, runs
from wallpapers.cluster.database import open_catalogue
from wallpapers.cluster.pages import Listing
from wallpapers.cluster.pictures import Settled
from wallpapers.cluster.queue import Queue
from wallpapers.cluster.results import progress_of
from wallpapers.listings.page import Page, Position
from wallpapers.run.reasons import FailureReason, Verdict


def settle_a_failure(entries: Entries) -> None:
    """Submit a run with one page, whose only wallpaper fails."""
    queue = Queue()
    run = runs.submit(entries.connection, queue, "s", {}, Position())
    at = pages.begin(entries, run)
    assert at is not None
    page = Page([wallpaper("1")], entries=1, ended=True)
    pages.record(entries, queue, Listing("s", None, 0, None), at, page, "")
    begun = pictures.begin(entries, run, at.number)
    assert begun is not None
    pictures.settle(entries, begun, [Settled(("s", "1"), Verdict.FAILED, FailureReason.TIMEOUT)])


@contextmanager
def before_statement(words: str, work: Callable[[], object]) -> Iterator[None]:
    """Call *work* once, before the first statement with *words* is executed."""
    left = [work]

    def executing(_1: object, _2: object, statement: str, *_: object) -> None:
        if words in statement and left:
            left.pop()()

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", executing)
    yield
    sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", executing)


def test_a_page_that_is_retried_meanwhile_is_read_as_it_was_settled(
    postgresql_of_wheel: PostgreSQL,
) -> None:
    settings = Settings({"WALLPAPERS_CATALOGUE": postgresql_of_wheel.new_database()})
    with (
        closing(open_catalogue(settings, installs=True)) as waiting,
        closing(open_catalogue(settings)) as other,
    ):
        waiting.run(settle_a_failure)
        with before_statement("AS failed_at", lambda: retry(other)):
            progress = waiting.run(lambda entries: progress_of(entries.connection, 1, set()))
        assert waiting.run(lambda entries: runs.account_of(entries.connection, 1)).open == 1
    assert [settled.verdict for _, settled in progress.pages[0].items] == [Verdict.FAILED]


def retry(catalogue: Catalogue) -> None:
    catalogue.run(lambda entries: changes.retry(entries.connection, Queue(), [1]))
