"""Record wallpapers as a listing describes them now, whether they have rows or not."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from wallpapers.catalogue.bulk import insert_all
from wallpapers.catalogue.findings import Findings
from wallpapers.catalogue.rows import listed_row
from wallpapers.catalogue.statements import statements_of
from wallpapers.items import Wallpaper


def enter_current(
    connection: Connection,
    listed: Iterable[Wallpaper],
    endpoint: str | None,
    claimed_by: str | None = None,
) -> None:
    """Insert or update the rows of *listed*, which are of one source, and their findings.

    *claimed_by* is the name of the claim of new rows.
    """
    by_id = {wallpaper.id: wallpaper for wallpaper in listed}
    rows = [listed_row(by_id[identity], endpoint, claimed_by) for identity in sorted(by_id)]
    statements = statements_of(connection.dialect.name)
    insert_all(connection, statements.put_listed, rows)
    Findings(by_id.values()).write(connection, statements)
