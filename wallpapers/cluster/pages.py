"""Record a page of a listing in one transaction: its wallpapers, the next page, and the tasks.

Because of this transaction, nothing is lost or done twice. If the worker is killed before it, the
page is unread; if it is killed afterwards, everything that follows is in the database.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, bindparam, func, select, true, update

from wallpapers.catalogue.bulk import insert_all, parameter_rows
from wallpapers.catalogue.cluster_tables import cluster_pages, cluster_runs, cluster_wallpapers
from wallpapers.catalogue.entries import Entries
from wallpapers.catalogue.listed import enter_current
from wallpapers.cluster import claims, runs
from wallpapers.cluster.errors import ListingUnreadableError
from wallpapers.cluster.queue import Queue
from wallpapers.cluster.runs import ListingState
from wallpapers.items import Wallpaper
from wallpapers.listings.page import Page, Position

_MAX_TRIES = 5  # of a page whose workers die
_NEW_WALLPAPERS = cluster_wallpapers.insert()
_given = parameter_rows([cluster_wallpapers.c.id])
# Without the lateral join, PostgreSQL may read all wallpapers of the run for each page.
_LISTED = select(_given.c.id).join(
    select(cluster_wallpapers.c.id)
    .where(
        cluster_wallpapers.c.run == bindparam("run"),
        cluster_wallpapers.c.source == bindparam("source"),
        cluster_wallpapers.c.id == _given.c.id,
    )
    .limit(1)
    .lateral(),
    true(),
)


@dataclass(frozen=True)
class NextPage:
    """The page of a listing that is to be read next."""

    run: int
    number: int
    position: Position
    protocol: str
    tries: int  # earlier ones, in which the worker died
    turn: int

    @property
    def kills_workers(self) -> bool:
        """Whether the page has killed so many workers that it is not tried again."""
        return self.tries >= _MAX_TRIES


@dataclass(frozen=True)
class Listing:
    """The properties of a spider that the transaction needs."""

    source: str
    endpoint: str | None  # origin, recorded with the wallpapers
    limit: int  # wallpapers; 0 = all
    max_offset: int | None  # from which the source repeats its results


def begin(entries: Entries, run: int) -> NextPage | None:
    """Return the page to read, and count the try; None if there is nothing more to read."""
    connection = entries.connection
    if runs.run_of(connection, run).state is not ListingState.READING:
        return None
    row = connection.execute(
        select(cluster_pages)
        .where(cluster_pages.c.run == run, cluster_pages.c.read_at.is_(None))
        .with_for_update()
    ).one_or_none()
    if row is None:
        return None
    tried = update(cluster_pages).where(
        cluster_pages.c.run == run, cluster_pages.c.number == row.number
    )
    connection.execute(tried.values(tries=row.tries + 1, turn=row.turn + 1))
    position = Position(**json.loads(row.position))
    return NextPage(run, row.number, position, row.protocol, row.tries, row.turn + 1)


def give_back(entries: Entries, page: NextPage) -> None:
    """Subtract the try of a page whose worker is alive."""
    unread = (*_row_of(page), cluster_pages.c.read_at.is_(None), cluster_pages.c.tries > 0)
    taken_back = update(cluster_pages).where(*unread)
    entries.connection.execute(taken_back.values(tries=cluster_pages.c.tries - 1))


def fail(entries: Entries, page: NextPage, error: ListingUnreadableError) -> None:
    """Record that the listing failed, unless another worker has taken it over."""
    mine = select(cluster_pages.c.number).where(*_mine(page)).with_for_update()
    if entries.connection.execute(mine).first() is not None:
        why: dict[str, str | bool] = {
            "message": str(error),
            "another_may_work": error.another_may_work,
        }
        runs.set_state(entries.connection, page.run, ListingState.FAILED, **why)


def _mine(page: NextPage) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for a page that is unread and that no other worker has begun."""
    return (
        *_row_of(page),
        cluster_pages.c.read_at.is_(None),
        cluster_pages.c.turn == page.turn,
    )


def record(
    entries: Entries, queue: Queue, listing: Listing, at: NextPage, page: Page, protocol: str
) -> int | None:
    """Record *page*; return its number of new wallpapers, or None if another worker did it."""
    connection = entries.connection
    if not _is_unread(entries, at):
        return None
    new, repeated = _new_of(entries, listing, at.run, page.wallpapers)
    first_task = claims.name_of(at.run, at.number, turn=1)
    was_stored = enter_current(connection, new, listing.endpoint, first_task)
    read = {
        "read_at": func.now(),
        "settled_at": None if new else func.now(),
        "entries": page.entries,
        "listed": len(new),
        "repeated": repeated,
        "rejected": json.dumps(page.rejected),
        "protocol": protocol,
        "tries": 0,
        "turn": 0,  # from here on, turns of the tasks that download its images
    }
    connection.execute(update(cluster_pages).where(*_row_of(at)).values(read))
    if new:
        rows = [_wallpaper_row(at, one, was_stored=one.id in was_stored) for one in new]
        insert_all(connection, _NEW_WALLPAPERS, rows)
        queue.add_pictures(connection, at.run, at.number)
    if _is_last(entries, listing, at, page, len(new)):
        runs.set_state(connection, at.run, ListingState.ENDED)
    else:
        runs.add_page(connection, at.run, at.number + 1, at.position.after(page), protocol)
    return len(new)


def _row_of(page: NextPage) -> tuple[ColumnElement[bool], ...]:
    return cluster_pages.c.run == page.run, cluster_pages.c.number == page.number


def _is_unread(entries: Entries, page: NextPage) -> bool:
    """Lock the run and its page; return whether the page is unread and still to be read."""
    state = select(cluster_runs.c.state).where(cluster_runs.c.id == page.run)
    unread = select(cluster_pages.c.read_at.is_(None)).where(*_row_of(page))
    connection = entries.connection
    is_reading = connection.execute(state.with_for_update()).scalar_one() == ListingState.READING
    return bool(connection.execute(unread.with_for_update()).scalar_one() and is_reading)


def _wallpaper_row(page: NextPage, wallpaper: Wallpaper, *, was_stored: bool) -> dict[str, object]:
    return {
        "run": page.run,
        "source": wallpaper.source,
        "id": wallpaper.id,
        "page": page.number,
        "was_stored": was_stored,
    }


def _new_of(
    entries: Entries, listing: Listing, run: int, wallpapers: Sequence[Wallpaper]
) -> tuple[list[Wallpaper], int]:
    """Return the wallpapers that are new in this run, up to the limit, and count repeated ones."""
    parameters = {
        "run": run,
        "source": listing.source,
        "rows": [{"id": one.id} for one in wallpapers],
    }
    seen = set(entries.connection.execute(_LISTED, parameters).scalars())
    room = listing.limit - _listed(entries, run) if listing.limit else len(wallpapers)
    new: list[Wallpaper] = []
    repeated = 0
    for wallpaper in wallpapers:
        if len(new) >= room:
            break
        if wallpaper.id in seen:
            repeated += 1
            continue
        seen.add(wallpaper.id)
        new.append(replace(wallpaper, source=listing.source))
    return new, repeated


def _listed(entries: Entries, run: int) -> int:
    listed = select(func.coalesce(func.sum(cluster_pages.c.listed), 0))
    return int(entries.connection.execute(listed.where(cluster_pages.c.run == run)).scalar_one())


def _is_last(entries: Entries, listing: Listing, at: NextPage, page: Page, new: int) -> bool:
    if page.ended or not new:
        return True
    if listing.limit and _listed(entries, at.run) >= listing.limit:
        return True
    return listing.max_offset is not None and at.position.after(page).offset >= listing.max_offset
