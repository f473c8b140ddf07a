"""Two programs that write the same rows of a PostgreSQL catalogue in the same moment."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import Connection, make_url, text

from tests.e2e.command import wait_until
from tests.postgresql import PostgreSQL
from wallpapers.catalogue.catalogue import Catalogue
from wallpapers.catalogue.entries import Entries

# Enough for psycopg to receive the error while it still sends rows.
LOOKS = {f"{number:064}": "broken (no image)" for number in range(500)}


def open_it(address: str) -> Catalogue:
    url = make_url(address).set(drivername="postgresql+psycopg")
    return Catalogue.open(url, lambda path, size: True)


def is_waited_for(connection: Connection) -> bool:
    """Return whether another transaction waits for a lock."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    return bool(connection.execute(waiting).scalar_one())


def test_a_conflict_is_resolved_without_a_line_in_the_log(
    postgresql_of_wheel: PostgreSQL, caplog: pytest.LogCaptureFixture
) -> None:
    address = postgresql_of_wheel.new_database()
    with (
        closing(open_it(address)) as one,
        closing(open_it(address)) as other,
        ThreadPoolExecutor(1) as threads,
    ):

        def write_both(entries: Entries) -> Future[None]:
            entries.looks.put_looks(LOOKS)
            writing = threads.submit(other.run, lambda entries: entries.looks.put_looks(LOOKS))
            wait_until(lambda: is_waited_for(entries.connection))
            return writing

        one.run(write_both).result()
    assert caplog.text == ""
