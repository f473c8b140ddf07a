"""Record the listings in which each wallpaper was found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, Row

from wallpapers.catalogue.bulk import insert_all
from wallpapers.catalogue.chunks import chunks
from wallpapers.catalogue.rows import item_of, now
from wallpapers.catalogue.statements import RENEW_ITEM, Statements
from wallpapers.items import Wallpaper

_MAX_LISTING = 300  # characters; a PostgreSQL index entry holds 2,700 bytes


class Findings:
    """The findings of wallpapers that were just listed; only new ones are written.

    Findings of older versions have no time, and their items lack fields. For these, both are
    written again.
    """

    def __init__(self, listed: Iterable[Wallpaper]) -> None:
        self._unrecorded: dict[tuple[str, str], dict[str, Wallpaper]] = defaultdict(dict)
        self._outdated: list[Wallpaper] = []
        for wallpaper in listed:
            listing = wallpaper.listing[:_MAX_LISTING]
            self._unrecorded[wallpaper.source, listing][wallpaper.id] = wallpaper

    def query_parameters(self) -> Iterator[dict[str, Any]]:
        """Yield parameters for WITH_PICTURE, each for some wallpapers of one listing."""
        for (source, listing), wallpapers in self._unrecorded.items():
            for ids in chunks(list(wallpapers)):
                yield {"source": source, "listing": listing, "ids": ids}

    def note(self, parameters: dict[str, Any], row: Row[Any]) -> None:
        """Note whether the finding of *row*, a result for *parameters*, is recorded."""
        if row.found_at is None:
            return
        wallpapers = self._unrecorded[parameters["source"], parameters["listing"]]
        if row.found_at:
            del wallpapers[row.id]
        else:
            self._outdated.append(wallpapers[row.id])

    def write(self, connection: Connection, statements: Statements) -> None:
        """Write the new findings, after the rows of their wallpapers."""
        time = now()
        if new := [
            {"source": source, "listing": listing, "id": identity, "found_at": time}
            for (source, listing), wallpapers in self._unrecorded.items()
            if listing
            for identity in sorted(wallpapers)  # so that two programs do not block each other
        ]:
            insert_all(connection, statements.new_finding, new)
        if self._outdated:
            connection.execute(
                RENEW_ITEM,
                [
                    {"of_source": one.source, "of_id": one.id, "new_item": item_of(one)}
                    for one in self._outdated
                ],
            )
