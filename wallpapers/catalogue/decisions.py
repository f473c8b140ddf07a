"""Record which wallpapers the user hides and stars, and find the wallpapers that a user names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, and_, func, select, update

from wallpapers.catalogue.chunks import chunks
from wallpapers.catalogue.rows import now
from wallpapers.catalogue.schema import pictures, wallpapers
from wallpapers.items import Key

_others = wallpapers.alias()
# The sha256 of images all of whose wallpapers are hidden. With IS NOT NULL in place of coalesce,
# SQLite reads all wallpapers by the index of sha256, and not the hidden ones by their own.
HIDDEN_IMAGES = select(wallpapers.c.sha256).where(
    wallpapers.c.hidden_at.is_not(None),
    func.coalesce(wallpapers.c.sha256, "") != "",
    ~select(_others.c.id)
    .where(_others.c.sha256 == wallpapers.c.sha256, _others.c.hidden_at.is_(None))
    .exists(),
)


class Decisions:
    """Read and write the user's decisions within one transaction.

    Keys without a row are ignored. Each method that writes returns the number of wallpapers that
    it changed; calling it again changes nothing.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def hide(self, keys: Iterable[Key]) -> int:
        """Hide wallpapers: no crawl fetches them again."""
        return self._set(wallpapers.c.hidden_at, keys, now())

    def unhide(self, keys: Iterable[Key]) -> int:
        """Show hidden wallpapers again; a crawl fetches those whose files are gone."""
        return self._set(wallpapers.c.hidden_at, keys, None)

    def star(self, keys: Iterable[Key]) -> int:
        """Mark wallpapers as favourites."""
        return self._set(wallpapers.c.starred_at, keys, now())

    def unstar(self, keys: Iterable[Key]) -> int:
        """Remove the mark that ``star`` set."""
        return self._set(wallpapers.c.starred_at, keys, None)

    def hidden(self) -> list[Key]:
        """Return the hidden wallpapers, ordered by source and id."""
        return self._keys(wallpapers.c.hidden_at.is_not(None))

    def starred(self) -> list[Key]:
        """Return the starred wallpapers, ordered by source and id."""
        return self._keys(wallpapers.c.starred_at.is_not(None))

    def hidden_paths(self, keys: Iterable[Key]) -> list[str]:
        """Return the paths of the images of *keys* whose wallpapers are all hidden."""
        paths: dict[str, None] = {}
        for mine in _conditions(keys):
            rows = self._connection.execute(
                select(pictures.c.path)
                .join(wallpapers, wallpapers.c.sha256 == pictures.c.sha256)
                .where(mine, pictures.c.sha256.in_(HIDDEN_IMAGES))
            )
            paths |= dict.fromkeys(rows.scalars())
        return list(paths)

    # Find the wallpapers that a user names

    def existing(self, keys: Iterable[Key]) -> set[Key]:
        """Return those of *keys* that have a row."""
        return {key for mine in _conditions(keys) for key in self._keys(mine)}

    def keys_by_path(self, paths: Sequence[str]) -> dict[str, list[Key]]:
        """Return the wallpapers of the images whose rows have one of *paths*."""
        return self._keys_by(pictures.c.path, paths)

    def keys_by_checksum(self, checksums: Sequence[str]) -> dict[str, list[Key]]:
        """Return the wallpapers of the images with one of these sha256."""
        return self._keys_by(pictures.c.sha256, checksums)

    def keys_by_id(self, ids: Sequence[str]) -> dict[str, list[Key]]:
        """Return the wallpapers of any source that have one of *ids*."""
        return self._keys_by(wallpapers.c.id, ids)

    def _set(self, column: Column[Any], keys: Iterable[Key], value: str | None) -> int:
        changes = column.is_(None) if value else column.is_not(None)
        return sum(
            self._connection.execute(
                update(wallpapers).where(mine, changes).values({column: value})
            ).rowcount
            for mine in _conditions(keys)
        )

    def _keys(self, condition: ColumnElement[bool]) -> list[Key]:
        key = wallpapers.c.source, wallpapers.c.id
        rows = self._connection.execute(select(*key).where(condition).order_by(*key))
        return [(source, identity) for source, identity in rows]

    def _keys_by(self, column: Column[str], values: Sequence[str]) -> dict[str, list[Key]]:
        found: defaultdict[str, list[Key]] = defaultdict(list)
        joined = wallpapers.join(pictures, wallpapers.c.sha256 == pictures.c.sha256)
        tables = wallpapers if column.table is wallpapers else joined
        for chunk in chunks(values):
            rows = self._connection.execute(
                select(column, wallpapers.c.source, wallpapers.c.id)
                .select_from(tables)
                .where(column.in_(chunk))
                .order_by(wallpapers.c.source, wallpapers.c.id)
            )
            for value, source, identity in rows:
                found[value].append((source, identity))
        return dict(found)


def _conditions(keys: Iterable[Key]) -> Iterator[ColumnElement[bool]]:
    """Yield conditions that together select the rows of *keys*."""
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for source, identity in dict.fromkeys(keys):
        ids[source].append(identity)
    for source, theirs in ids.items():
        for chunk in chunks(theirs):
            yield and_(wallpapers.c.source == source, wallpapers.c.id.in_(chunk))
