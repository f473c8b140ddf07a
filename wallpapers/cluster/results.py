"""Read the wallpapers of a run from the catalogue, as items of a feed with their verdicts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, and_, bindparam, func, select, text

from wallpapers.catalogue.cluster_tables import cluster_pages, cluster_wallpapers
from wallpapers.catalogue.rows import image_for, wallpaper_of
from wallpapers.catalogue.schema import pictures, wallpapers
from wallpapers.cluster import runs
from wallpapers.cluster.pictures import Settled
from wallpapers.cluster.runs import ListingState
from wallpapers.items import StoredImage, Wallpaper
from wallpapers.pipelines.results import with_size_note
from wallpapers.run.reasons import Verdict

_STATUSES = {
    Verdict.STORED: "downloaded",
    Verdict.KNOWN: "uptodate",
    Verdict.DUPLICATE: "duplicate",
}
_MAX_PAGES = 50  # read at a time

_SNAPSHOT = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
# Statements are built once, because building takes longer than executing.
_run: BindParameter[int] = bindparam("of_run")
_LISTED = select(func.coalesce(func.sum(cluster_pages.c.listed), 0)).where(
    cluster_pages.c.run == _run
)
_SETTLED = (
    select(cluster_pages.c.number, cluster_pages.c.repeated, cluster_pages.c.rejected)
    .where(cluster_pages.c.run == _run, cluster_pages.c.settled_at.is_not(None))
    .order_by(cluster_pages.c.settled_at)
)
_WALLPAPERS = (
    select(
        cluster_wallpapers.c.source,
        cluster_wallpapers.c.id,
        cluster_wallpapers.c.verdict,
        cluster_wallpapers.c.reason.label("why"),
        cluster_wallpapers.c.host.label("failed_at"),
        cluster_wallpapers.c.size.label("size_bytes"),
        *(wallpapers.c[name] for name in ("item", "url", "preview", "noai")),
        *(column for column in pictures.c if column.name != "stored_at"),
    )
    .outerjoin_from(
        cluster_wallpapers,
        wallpapers,
        and_(
            wallpapers.c.source == cluster_wallpapers.c.source,
            wallpapers.c.id == cluster_wallpapers.c.id,
        ),
    )
    .outerjoin(pictures, pictures.c.sha256 == wallpapers.c.sha256)
    .where(cluster_wallpapers.c.run == _run, cluster_wallpapers.c.page == bindparam("of_page"))
)


@dataclass(frozen=True)
class SettledPage:
    """A page whose wallpapers have their verdicts."""

    number: int
    repeated: int
    rejected: Counter[str]
    items: list[tuple[Wallpaper, Settled]]


@dataclass(frozen=True)
class Progress:
    """The changes of a run since it was last read."""

    pages: list[SettledPage]
    listed: int  # wallpapers of all pages that were read
    state: ListingState
    message: str  # why the listing failed
    another_may_work: bool  # another listing of the source
    is_done: bool  # nothing more will come


def progress_of(connection: Connection, run: int, seen: Set[int]) -> Progress:
    """Return the pages of *run* that are settled now and not in *seen*.

    This must be the first statement of a transaction, all of which then reads one snapshot: a page
    that is retried between two statements would have wallpapers without a verdict.
    """
    connection.execute(_SNAPSHOT)
    submitted = runs.run_of(connection, run)
    is_settled = submitted.state is not ListingState.READING and (
        submitted.state is ListingState.CANCELLED or runs.is_settled(connection, run)
    )
    parameters = {"of_run": run}
    listed = int(connection.execute(_LISTED, parameters).scalar_one())
    settled = connection.execute(_SETTLED, parameters).all()
    new = [page for page in settled if page.number not in seen]
    return Progress(
        [_page(connection, run, page) for page in new[:_MAX_PAGES]],
        listed,
        submitted.state,
        submitted.message,
        submitted.another_may_work,
        is_settled and len(new) <= _MAX_PAGES,
    )


def _page(connection: Connection, run: int, page: Row[Any, Any, Any]) -> SettledPage:
    items = list(_items(connection, run, page.number))
    return SettledPage(page.number, page.repeated, Counter(json.loads(page.rejected)), items)


def _items(connection: Connection, run: int, page: int) -> Iterator[tuple[Wallpaper, Settled]]:
    for row in connection.execute(_WALLPAPERS, {"of_run": run, "of_page": page}):
        # Without a readable row in the catalogue, only the key is known.
        item = wallpaper_of(row.item) or Wallpaper(row.id, [""])
        item.source, item.id = row.source, row.id
        verdict = Verdict(row.verdict)
        if verdict in _STATUSES and row.path:
            item.images = [_image(row, item, _STATUSES[verdict])]
        yield item, Settled((row.source, row.id), verdict, row.why, row.size_bytes, row.failed_at)


def _image(row: Row[Any], item: Wallpaper, status: str) -> StoredImage:
    image: StoredImage = {**image_for(row), "status": status}
    return image if row.preview else with_size_note(image, item)
