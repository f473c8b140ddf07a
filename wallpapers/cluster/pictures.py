"""Read the wallpapers of a page that have no verdict yet, and record their verdicts.

Each worker that begins a page increases its ``turn``. If a worker was frozen and another one has
taken over its task, the turn has changed when the first one continues, so it changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from sqlalchemy import BindParameter, and_, bindparam, exists, func, select, text, update

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


class Start(Enum):
    """Whether a wallpaper may be processed alone."""

    BEGUN = auto()
    POSTPONED = auto()  # another one that has killed a worker is being processed
    TAKEN_OVER = auto()  # its page, by another worker


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
    def parameters(self) -> dict[str, int]:
        """The page, as parameters of the statements."""
        return {"of_run": self.run, "of_page": self.number}

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


# Statements are built once, because building takes longer than executing.
_run: BindParameter[int] = bindparam("of_run")
_number: BindParameter[int] = bindparam("of_page")
_PAGE = (cluster_pages.c.run == _run, cluster_pages.c.number == _number)
_WITHOUT_VERDICT = (
    cluster_wallpapers.c.run == _run,
    cluster_wallpapers.c.page == _number,
    cluster_wallpapers.c.verdict.is_(None),
)
_BEGIN = (
    update(cluster_pages)
    .where(
        *_PAGE,
        cluster_runs.c.id == cluster_pages.c.run,
        cluster_runs.c.state != ListingState.CANCELLED,
    )
    .values(tries=cluster_pages.c.tries + 1, turn=cluster_pages.c.turn + 1)
    .returning(cluster_pages.c.tries, cluster_pages.c.turn)
)
_OPEN = (
    select(
        cluster_wallpapers.c.source,
        cluster_wallpapers.c.id,
        cluster_wallpapers.c.was_stored,
        cluster_wallpapers.c.tries,
        wallpapers.c.item,
    )
    .outerjoin(
        wallpapers,
        and_(
            wallpapers.c.source == cluster_wallpapers.c.source,
            wallpapers.c.id == cluster_wallpapers.c.id,
        ),
    )
    .where(*_WITHOUT_VERDICT)
    .order_by(cluster_wallpapers.c.tries)  # those during which a worker died come last
)
_LOCK = select(cluster_pages.c.turn).where(*_PAGE).with_for_update()
_GIVE_BACK = (
    update(cluster_pages)
    .where(*_PAGE, cluster_pages.c.tries > 0)
    .values(tries=cluster_pages.c.tries - 1)
)
_TRIES = select(cluster_wallpapers.c.tries).where(
    cluster_wallpapers.c.run == _run,
    cluster_wallpapers.c.source == bindparam("of_source"),
    cluster_wallpapers.c.id == bindparam("of_id"),
)
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(7262005)")
# The pages whose images living workers are downloading.
AT_WORK = (
    text(
        """
        SELECT CAST(job.args ->> 'run' AS BIGINT) AS run,
            CAST(job.args ->> 'page' AS INTEGER) AS page
        FROM procrastinate_jobs job
        JOIN procrastinate_workers worker ON worker.id = job.worker_id
        WHERE job.status = 'doing' AND job.task_name = 'pictures'
            AND worker.last_heartbeat > now() - make_interval(secs => :lease_s)
        """
    )
    .columns(cluster_wallpapers.c.run, cluster_wallpapers.c.page)
    .subquery("at_work")
)
# A try that fails the wallpaper if its worker dies.
_LAST_TRY_ELSEWHERE = (
    select(cluster_wallpapers.c.id)
    .join(
        AT_WORK,
        and_(
            AT_WORK.c.run == cluster_wallpapers.c.run, AT_WORK.c.page == cluster_wallpapers.c.page
        ),
    )
    .where(cluster_wallpapers.c.tries >= MAX_KILLS, cluster_wallpapers.c.verdict.is_(None))
    .limit(1)
)
_COUNT_TRY = (
    update(cluster_wallpapers)
    .where(
        cluster_wallpapers.c.run == _run,
        cluster_wallpapers.c.source == bindparam("of_source"),
        cluster_wallpapers.c.id == bindparam("of_id"),
        cluster_wallpapers.c.verdict.is_(None),
    )
    .values(tries=cluster_wallpapers.c.tries + bindparam("change"))
)
_settled = parameter_rows(
    cluster_wallpapers.c[name] for name in ("source", "id", "verdict", "reason", "size", "host")
)
_SETTLE = (
    update(cluster_wallpapers)
    .where(
        *_WITHOUT_VERDICT,
        cluster_wallpapers.c.source == _settled.c.source,
        cluster_wallpapers.c.id == _settled.c.id,
    )
    .values({name: _settled.c[name] for name in ("verdict", "reason", "size", "host")})
)
_IS_OPEN = select(exists().where(*_WITHOUT_VERDICT))
_CLOSE = (
    update(cluster_pages)
    .where(*_PAGE, cluster_pages.c.settled_at.is_(None))
    .values(settled_at=func.now())
)


def begin(entries: Entries, run: int, number: int) -> OpenPage | None:
    """Count a try, and return the wallpapers without a verdict; None if the run was cancelled.

    Some wallpapers get their verdict here: those that have killed too many workers, and those whose
    rows in the catalogue are missing or damaged.
    """
    parameters = {"of_run": run, "of_page": number}
    begun = entries.connection.execute(_BEGIN, parameters).one_or_none()
    if begun is None:
        return None
    left: list[Wallpaper] = []
    failed: list[Settled] = []
    was_stored: set[Key] = set()
    for row in entries.connection.execute(_OPEN, parameters):
        key = row.source, row.id
        item = wallpaper_of(row.item)
        if row.tries >= MAX_KILLS:
            failed.append(Settled(key, Verdict.FAILED, FailureReason.KILLS))
        elif item is None:
            failed.append(Settled(key, Verdict.FAILED, FailureReason.BAD_URL))
        else:
            item.source, item.id = key
            left.append(item)
            if row.was_stored:
                was_stored.add(key)
    page = OpenPage(run, number, begun.tries, begun.turn, left, frozenset(was_stored))
    if failed or not left:
        settle(entries, page, failed)
    return page


def give_back(entries: Entries, page: OpenPage) -> None:
    """Subtract the try of a page whose worker is alive."""
    entries.connection.execute(_GIVE_BACK, page.parameters)


def _is_mine(entries: Entries, page: OpenPage) -> bool:
    """Lock the page, and return whether no other worker has taken it over."""
    return bool(entries.connection.execute(_LOCK, page.parameters).scalar_one() == page.turn)


def begin_alone(entries: Entries, page: OpenPage, key: Key, lease_s: float) -> Start:
    """Count a try of a wallpaper that is processed alone.

    If the next death of its worker would fail it, it is processed while no other such wallpaper is,
    in the whole cluster: if several workers die at the same time, only one of them may be blamed.
    *lease_s* is the time without a heartbeat after which a worker counts as dead.
    """
    if not _is_mine(entries, page):
        return Start.TAKEN_OVER
    connection = entries.connection
    tries = connection.execute(_TRIES, _key_of(page, key)).scalar_one()
    if tries >= MAX_KILLS - 1:
        connection.execute(_ONE_AT_A_TIME)
        if connection.execute(_LAST_TRY_ELSEWHERE, {"lease_s": lease_s}).first() is not None:
            return Start.POSTPONED
    _count_try(entries, page, key, 1)
    return Start.BEGUN


def _key_of(page: OpenPage, key: Key) -> dict[str, int | str]:
    return {"of_run": page.run, "of_source": key[0], "of_id": key[1]}


def _count_try(entries: Entries, page: OpenPage, key: Key, change: int) -> None:
    entries.connection.execute(_COUNT_TRY, {**_key_of(page, key), "change": change})


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
        connection.execute(_SETTLE, {**page.parameters, "rows": rows})
    if connection.execute(_IS_OPEN, page.parameters).scalar_one():
        return PageState.OPEN
    connection.execute(_CLOSE, page.parameters)
    return PageState.SETTLED
