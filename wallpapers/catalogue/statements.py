"""Build the statements of a crawl once, because building them takes longer than executing."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import ColumnElement, Table, and_, bindparam, case, func, not_, or_, select, update

from wallpapers.catalogue.rows import TEMPORARY
from wallpapers.catalogue.schema import findings, pictures, wallpapers

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite
    from sqlalchemy.sql.dml import ReturningInsert

    Insert = sqlite.Insert | postgresql.Insert

PICTURE = select(pictures).where(pictures.c.sha256 == bindparam("sha256"))
# On a file system that ignores case, paths that differ only in case are one file. ``folded`` is
# what names.folded returns for ``path``.
_folded_path = func.lower(pictures.c.path)
_has_path = or_(pictures.c.path == bindparam("path"), _folded_path == bindparam("folded"))
AT_PATH = select(pictures).where(_has_path)
# Any number that no other lock has; it is released when the transaction ends.
ONE_AT_A_TIME = select(func.pg_advisory_xact_lock(7_262_002))
SAME_BYTES_OR_PATH = select(pictures).where(
    or_(pictures.c.sha256 == bindparam("sha256"), _has_path)
)
ANY_BYTES_OR_PATHS = select(pictures.c.sha256, pictures.c.path).where(
    or_(
        pictures.c.sha256.in_(bindparam("sha256s", expanding=True)),
        pictures.c.path.in_(bindparam("paths", expanding=True)),
        _folded_path.in_(bindparam("folded", expanding=True)),
    )
)
OTHERS_SHARING = select(func.count()).where(
    wallpapers.c.sha256 == bindparam("sha256"),
    ~and_(wallpapers.c.source == bindparam("source"), wallpapers.c.id == bindparam("id")),
)
# A subquery, because PostgreSQL may join all findings of the listing for each wallpaper.
_found_at = (
    select(findings.c.found_at)
    .where(
        findings.c.source == wallpapers.c.source,
        findings.c.id == wallpapers.c.id,
        findings.c.listing == bindparam("listing"),
    )
    .scalar_subquery()
)
WITH_PICTURE = (
    select(
        wallpapers.c.id,
        wallpapers.c.url,
        wallpapers.c.state,
        wallpapers.c.preview,
        wallpapers.c.noai,
        wallpapers.c.claimed_by,
        _found_at.label("found_at"),
        wallpapers.c.hidden_at,
        *(column for column in pictures.c if column.name != "stored_at"),
    )
    .select_from(wallpapers.outerjoin(pictures, wallpapers.c.sha256 == pictures.c.sha256))
    .where(
        wallpapers.c.source == bindparam("source"),
        wallpapers.c.id.in_(bindparam("ids", expanding=True)),
    )
)
_OF_KEY = update(wallpapers).where(
    wallpapers.c.source == bindparam("of_source"), wallpapers.c.id == bindparam("of_id")
)
CLAIM = _OF_KEY.values(claimed_by=bindparam("run"))
RENEW_ITEM = _OF_KEY.values(item=bindparam("new_item"))

_DECISIONS = ("hidden_at", "starred_at")  # of the user; no run changes them
_LISTED = ("listing", "item", "endpoint")  # determined by the listing


class Statements(NamedTuple):
    """The statements that write, which differ between dialects."""

    new_wallpaper: Insert
    new_finding: Insert
    new_picture: Insert
    new_pictures: ReturningInsert[tuple[str]]  # returns the sha256 of those that are new
    put_listed: Insert  # updates only the columns of the listing, if they differ
    put: Insert
    put_unstored: Insert  # keeps what was stored before


@cache
def statements_of(dialect: str) -> Statements:
    """Return the statements of *dialect*, ``sqlite`` or ``postgresql``."""
    insert = insert_of(dialect)
    new_wallpaper, new_picture = insert(wallpapers), insert(pictures)
    new_finding = insert(findings)

    def put(*kept: str) -> Insert:
        changes: dict[str, Any] = {
            column.name: new_wallpaper.excluded[column.name]
            for column in wallpapers.columns
            if column.name not in {"source", "id", "listed_at", *_DECISIONS, *kept}
        }
        # A failure adds one; anything else resets it to 0.
        attempts = new_wallpaper.excluded.attempts
        changes["attempts"] = attempts * (wallpapers.c.attempts + 1)
        # A retry does not know the endpoint, so it keeps the recorded one.
        changes["endpoint"] = func.coalesce(new_wallpaper.excluded.endpoint, wallpapers.c.endpoint)
        if kept:
            changes |= _kept_reason(new_wallpaper)
        return new_wallpaper.on_conflict_do_update(index_elements=["source", "id"], set_=changes)

    return Statements(
        new_wallpaper.on_conflict_do_nothing(),
        new_finding.on_conflict_do_update(
            index_elements=["source", "id", "listing"],
            set_={"found_at": new_finding.excluded.found_at},
            where=findings.c.found_at == "",
        ),
        new_picture.on_conflict_do_nothing(),
        new_picture.on_conflict_do_nothing().returning(pictures.c.sha256),
        new_wallpaper.on_conflict_do_update(
            index_elements=["source", "id"],
            set_={name: new_wallpaper.excluded[name] for name in _LISTED},
            where=wallpapers.c.item != new_wallpaper.excluded.item,
        ),
        put(),
        put("sha256", "url", "preview", "noai"),
    )


def _kept_reason(new: Insert) -> dict[str, Any]:
    """Return the columns of a failure; a temporary one keeps those of a permanent one."""
    is_less_informative = and_(
        wallpapers.c.state == "failed",
        new.excluded.state == "failed",
        _is_temporary(new.excluded.reason),
        not_(_is_temporary(wallpapers.c.reason)),
    )
    return {
        name: case((is_less_informative, wallpapers.c[name]), else_=new.excluded[name])
        for name in ("reason", "host", "tried")
    }


def _is_temporary(reason: ColumnElement[str]) -> ColumnElement[bool]:
    return or_(*(reason == name for name in TEMPORARY), reason.like("http_5__"))


def insert_of(dialect: str) -> Callable[[Table], Insert]:
    """Return the insert of *dialect*, which has ON CONFLICT; importing both would cost 2 MB."""
    if dialect == "sqlite":
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]
    return insert
