"""Catalogues of each database that is supported, and files to put into a storage."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from tests.integration.storages import New
from tests.postgresql import PostgreSQL, postgresql
from wallpapers.catalogue.catalogue import Catalogue

Open = Callable[[], Catalogue]


@pytest.fixture(scope="session")
def postgresql_of_system() -> Iterator[PostgreSQL]:
    with postgresql(of_system=True) as running:
        yield running


of_system = pytest.mark.system("initdb", package="postgresql")


@pytest.fixture(
    params=[
        "sqlite",
        "postgresql_of_wheel",
        pytest.param("postgresql_of_system", marks=of_system),
    ]
)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    if request.param == "sqlite":
        return URL.create("sqlite", database=str(tmp_path / "catalogue.db"))
    server: PostgreSQL = request.getfixturevalue(request.param)
    return make_url(server.new_database()).set(drivername="postgresql+psycopg")


@pytest.fixture
def store() -> dict[str, int]:
    """A store as the catalogue sees it: paths and sizes."""
    return {}


@pytest.fixture
def open_it(url: URL, store: dict[str, int]) -> Iterator[Open]:
    opened: list[Catalogue] = []

    def open_one() -> Catalogue:
        opened.append(Catalogue.open(url, lambda path, size: store.get(path) == size))
        return opened[-1]

    yield open_one
    for catalogue in opened:
        catalogue.close()


@pytest.fixture
def new(loop: asyncio.AbstractEventLoop) -> Iterator[New]:
    making = New(loop)
    yield making
    making.remove_parts()
