"""Record a page of a listing in one transaction: its wallpapers, the next page, and the tasks.

Because of this transaction, nothing is lost or done twice. If the worker is killed before it, the
page is unread; if it is killed afterwards, everything that follows is in the database.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BindParameter, ColumnElement, bindparam, cast, func, select, true, update

from wallpapers.catalogue.bulk import parameter_rows
from wallpapers.catalogue.cluster_tables import cluster_pages, cluster_runs, cluster_wallpapers
from wallpapers.catalogue.entries import Entries
from wallpapers.catalogue.listed import enter_current
from wallpapers.catalogue.schema import wallpapers
from wallpapers.cluster import claims, runs
from wallpapers.cluster.errors import ListingUnreadableError
from wallpapers.cluster.queue import Queue
from wallpapers.cluster.runs import ListingState
from wallpapers.items import Wallpaper
from wallpapers.listings.page import Page, Position

_MAX_TRIES = 5  # of a page whose workers die

# Statements are built once, because building takes longer than executing. Without the lateral
# joins, PostgreSQL may read all wallpapers of the run or the catalogue for each page.
_run: BindParameter[int] = bindparam("of_run")
_source: BindParameter[str] = bindparam("of_source")
_number: BindParameter[int] = bindparam("of_page")
_given = parameter_rows([cluster_wallpapers.c.id])
_LISTED = select(_given.c.id).join(
    select(cluster_wallpapers.c.id)
    .where(
        cluster_wallpapers.c.run == _run,
        cluster_wallpapers.c.source == _source,
        cluster_wallpapers.c.id == _given.c.id,
    )
    .limit(1)
    .lateral(),
    true(),
)
_entered = (
    select((wallpapers.c.state == "stored").label("was_stored"))
    .where(wallpapers.c.source == _source, wallpapers.c.id == _given.c.id)
    .limit(1)
    .lateral()
)
_INSERT = cluster_wallpapers.insert().from_select(
    ["run", "source", "id", "page", "was_stored"],
    select(
        cast(_run, cluster_wallpapers.c.run.type),
        cast(_source, cluster_wallpapers.c.source.type),
        _given.c.id,
        cast(_number, cluster_wallpapers.c.page.type),
        _entered.c.was_stored,
    ).join(_entered, true()),
)
_BEGIN = (
    update(cluster_pages)
    .where(
        cluster_pages.c.run == _run,
        cluster_pages.c.read_at.is_(None),
        cluster_runs.c.id == cluster_pages.c.run,
        cluster_runs.c.state == ListingState.READING,
    )
    .values(tries=cluster_pages.c.tries + 1, turn=cluster_pages.c.turn + 1)
    .returning(
        cluster_pages.c.number,
        cluster_pages.c.position,
        cluster_pages.c.protocol,
        cluster_pages.c.tries,
        cluster_pages.c.turn,
    )
)
_PAGE = (cluster_pages.c.run == _run, cluster_pages.c.number == _number)
_LOCK = (
    select(cluster_runs.c.state, cluster_pages.c.read_at)
    .join(cluster_pages, cluster_pages.c.run == cluster_runs.c.id)
    .where(*_PAGE)
    .with_for_update()
)
_COUNT = select(func.coalesce(func.sum(cluster_pages.c.listed), 0)).where(
    cluster_pages.c.run == _run
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
    row = entries.connection.execute(_BEGIN, {"of_run": run}).one_or_none()
    if row is None:
        return None
    position = Position(**json.loads(row.position))
    return NextPage(run, row.number, position, row.protocol, row.tries - 1, row.turn)


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
    new, repeated = _new_of(entries, listing, at, page.wallpapers)
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
        first_task = claims.name_of(at.run, at.number, turn=1)
        enter_current(connection, new, listing.endpoint, first_task)
        connection.execute(_INSERT, _parameters(at, listing, new))
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
    parameters = {"of_run": page.run, "of_page": page.number}
    state, read_at = entries.connection.execute(_LOCK, parameters).one()
    return state == ListingState.READING and read_at is None


def _parameters(at: NextPage, listing: Listing, listed: Sequence[Wallpaper]) -> dict[str, object]:
    rows = [{"id": wallpaper.id} for wallpaper in listed]
    return {"of_run": at.run, "of_source": listing.source, "of_page": at.number, "rows": rows}


def _new_of(
    entries: Entries, listing: Listing, at: NextPage, listed: Sequence[Wallpaper]
) -> tuple[list[Wallpaper], int]:
    """Return the wallpapers that are new in this run, up to the limit, and count repeated ones."""
    parameters = _parameters(at, listing, listed)
    seen = set(entries.connection.execute(_LISTED, parameters).scalars())
    room = listing.limit - _listed(entries, at.run) if listing.limit else len(listed)
    new: list[Wallpaper] = []
    repeated = 0
    for wallpaper in listed:
        if len(new) >= room:
            break
        if wallpaper.id in seen:
            repeated += 1
            continue
        seen.add(wallpaper.id)
        new.append(wallpaper)
    return new, repeated


def _listed(entries: Entries, run: int) -> int:
    return int(entries.connection.execute(_COUNT, {"of_run": run}).scalar_one())


def _is_last(entries: Entries, listing: Listing, at: NextPage, page: Page, new: int) -> bool:
    if page.ended or not new:
        return True
    if listing.limit and _listed(entries, at.run) >= listing.limit:
        return True
    return listing.max_offset is not None and at.position.after(page).offset >= listing.max_offset
