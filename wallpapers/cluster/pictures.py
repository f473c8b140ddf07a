"""Read the wallpapers of a page that have no verdict yet, and record their verdicts.

Each worker that begins a page increases its ``turn``. If a worker was frozen and another one has
taken over its task, the turn has changed when the first one continues, so it changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, select, update

from wallpapers.catalogue.bulk import parameter_rows
from wallpapers.catalogue.cluster_tables import cluster_pages, cluster_runs, cluster_wallpapers
from wallpapers.catalogue.entries import Entries
from wallpapers.catalogue.rows import wallpaper_of
from wallpapers.catalogue.schema import wallpapers
from wallpapers.cluster.runs import ListingState
from wallpapers.items import Key, Wallpaper
from wallpapers.run.reasons import FailureReason, Verdict

MAX_KILLS = 2  # workers that a wallpaper may kill while it is alone


class PageState(Enum):
    """The state of a page, for the worker that has begun it."""

    OPEN = auto()  # wallpapers without a verdict
    SETTLED = auto()
    TAKEN_OVER = auto()  # by another worker


@dataclass(frozen=True)
class Settled:
    """The verdict on one wallpaper."""

    key: Key
    verdict: Verdict
    reason: str = ""
    size_bytes: int = 0
    host: str = ""


@dataclass(frozen=True)
class OpenPage:
    """The wallpapers of a page that have no verdict."""

    run: int
    number: int
    tries: int  # this one included
    turn: int
    wallpapers: Sequence[Wallpaper]
    was_stored: frozenset[Key]

    @property
    def is_suspicious(self) -> bool:
        """Whether a worker has died, so that the wallpapers are processed one by one."""
        return self.tries > 1

    def as_found(self, settled: Settled) -> Settled:
        """Return *settled*, as stored instead of known if an earlier turn stored the image."""
        if (
            settled.verdict is Verdict.KNOWN
            and self.turn > 1
            and settled.key not in self.was_stored
        ):
            return replace(settled, verdict=Verdict.STORED)
        return settled


_MINE = and_(
    cluster_wallpapers.c.run == bindparam("of_run"),
    cluster_wallpapers.c.source == bindparam("of_source"),
    cluster_wallpapers.c.id == bindparam("of_id"),
    cluster_wallpapers.c.verdict.is_(None),
)
_SAME_KEY = and_(
    wallpapers.c.source == cluster_wallpapers.c.source,
    wallpapers.c.id == cluster_wallpapers.c.id,
)
_settled = parameter_rows(
    cluster_wallpapers.c[name] for name in ("source", "id", "verdict", "reason", "size", "host")
)
_SETTLE = (
    update(cluster_wallpapers)
    .where(
        cluster_wallpapers.c.run == bindparam("of_run"),
        cluster_wallpapers.c.page == bindparam("of_page"),
        cluster_wallpapers.c.source == _settled.c.source,
        cluster_wallpapers.c.id == _settled.c.id,
        cluster_wallpapers.c.verdict.is_(None),
    )
    .values({name: _settled.c[name] for name in ("verdict", "reason", "size", "host")})
)


def begin(entries: Entries, run: int, number: int) -> OpenPage | None:
    """Count a try, and return the wallpapers without a verdict; None if the run was cancelled.

    A wallpaper that has killed too many workers gets its verdict here.
    """
    connection = entries.connection
    state = select(cluster_runs.c.state).where(cluster_runs.c.id == run)
    if connection.execute(state).scalar_one() == ListingState.CANCELLED:
        return None
    begun = (
        update(cluster_pages)
        .where(cluster_pages.c.run == run, cluster_pages.c.number == number)
        .values(tries=cluster_pages.c.tries + 1, turn=cluster_pages.c.turn + 1)
        .returning(cluster_pages.c.tries, cluster_pages.c.turn)
    )
    tries, turn = connection.execute(begun).one()
    page = OpenPage(run, number, tries, turn, [], frozenset())
    if killers := _killers(entries, page):
        settle(entries, page, killers)
    rows = connection.execute(
        select(cluster_wallpapers, wallpapers.c.item)
        .join(wallpapers, _SAME_KEY)
        .where(*_without_verdict(page))
        .order_by(cluster_wallpapers.c.tries)  # those during which a worker died come last
    ).all()
    if not rows:
        settle(entries, page, [])
    left: list[Wallpaper] = []
    for row in rows:
        if item := wallpaper_of(row.item):
            item.source, item.id = row.source, row.id
            left.append(item)
    stored = frozenset((row.source, row.id) for row in rows if row.was_stored)
    return replace(page, wallpapers=left, was_stored=stored)


def _without_verdict(page: OpenPage) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for the wallpapers of a page that have no verdict."""
    return (
        cluster_wallpapers.c.run == page.run,
        cluster_wallpapers.c.page == page.number,
        cluster_wallpapers.c.verdict.is_(None),
    )


def _killers(entries: Entries, page: OpenPage) -> list[Settled]:
    """Return a verdict for each wallpaper that has killed too many workers."""
    too_many = cluster_wallpapers.c.tries >= MAX_KILLS
    rows = entries.connection.execute(
        select(cluster_wallpapers.c.source, cluster_wallpapers.c.id).where(
            *_without_verdict(page), too_many
        )
    )
    return [Settled((row.source, row.id), Verdict.FAILED, FailureReason.KILLS) for row in rows]


def give_back(entries: Entries, page: OpenPage) -> None:
    """Subtract the try of a page whose worker is alive."""
    mine = (cluster_pages.c.run == page.run, cluster_pages.c.number == page.number)
    taken_back = update(cluster_pages).where(*mine, cluster_pages.c.tries > 0)
    entries.connection.execute(taken_back.values(tries=cluster_pages.c.tries - 1))


def _is_mine(entries: Entries, page: OpenPage) -> bool:
    """Lock the page, and return whether no other worker has taken it over."""
    turn = select(cluster_pages.c.turn).where(
        cluster_pages.c.run == page.run, cluster_pages.c.number == page.number
    )
    return bool(entries.connection.execute(turn.with_for_update()).scalar_one() == page.turn)


def begin_alone(entries: Entries, page: OpenPage, key: Key) -> bool:
    """Count a try of a wallpaper that is processed alone; False = the page was taken over."""
    is_mine = _is_mine(entries, page)
    if is_mine:
        _count_try(entries, page, key, 1)
    return is_mine


def _count_try(entries: Entries, page: OpenPage, key: Key, change: int) -> None:
    source, identity = key
    parameters = {"of_run": page.run, "of_source": source, "of_id": identity}
    tried = update(cluster_wallpapers).where(_MINE)
    entries.connection.execute(tried.values(tries=cluster_wallpapers.c.tries + change), parameters)


def settle(
    entries: Entries, page: OpenPage, settled: Iterable[Settled], alone: Key | None = None
) -> PageState:
    """Record verdicts, and return the state of the page.

    *alone* is a wallpaper that was processed alone; its try is subtracted: the worker is alive.
    Nothing else is recorded of a page that another worker has taken over.
    """
    connection = entries.connection
    is_mine = _is_mine(entries, page)
    if alone:
        _count_try(entries, page, alone, -1)
    if not is_mine:
        return PageState.TAKEN_OVER
    rows = [
        {
            "source": one.key[0],
            "id": one.key[1],
            "verdict": one.verdict,
            "reason": one.reason,
            "size": one.size_bytes,
            "host": one.host,
        }
        for one in settled
    ]
    if rows:
        connection.execute(_SETTLE, {"of_run": page.run, "of_page": page.number, "rows": rows})
    is_open = exists().where(*_without_verdict(page))
    done = update(cluster_pages).where(
        cluster_pages.c.run == page.run,
        cluster_pages.c.number == page.number,
        cluster_pages.c.settled_at.is_(None),
        ~is_open,
    )
    connection.execute(done.values(settled_at=func.now()))
    return PageState.OPEN if connection.execute(select(is_open)).scalar_one() else PageState.SETTLED
