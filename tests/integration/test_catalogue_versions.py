"""Catalogues of older and later versions, and databases of other programs."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import URL, inspect

from tests.e2e.command import PROJECT
from tests.integration.catalogue_rows import image, wallpaper
from tests.integration.conftest import Open
from wallpapers.catalogue import schema
from wallpapers.catalogue.upgrade import upgrade
from wallpapers.errors import CatalogueError


def test_the_steps_lead_to_the_tables_that_are_used(open_it: Open, url: URL) -> None:
    open_it()
    engine = sqlalchemy.create_engine(url)
    for table in schema.TABLES:
        # SQLite calls a key of its own nullable where the statement does not repeat NOT NULL.
        columns = {
            column["name"]: column["nullable"] and not column.get("primary_key")
            for column in inspect(engine).get_columns(table.name)
        }
        assert columns == {column.name: column.nullable for column in table.columns}
    engine.dispose()


@pytest.mark.parametrize("version", range(1, schema.VERSION))
def test_an_older_catalogue_is_upgraded_with_all_that_it_holds(
    open_it: Open, store: dict[str, int], url: URL, version: int
) -> None:
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        upgrade(connection, to=version)
        for statement in FIRST_ROWS:
            connection.execute(sqlalchemy.text(statement))
    engine.dispose()
    store["s/1.jpg"] = 10
    catalogue = open_it()
    held = catalogue.run(lambda entries: entries.enter_listed([wallpaper()]))["s", "1"]
    assert held.whole
    assert held.image == {**image(), "status": "uptodate"}


@pytest.mark.parametrize(
    ("path", "item", "is_preview"),
    [
        ("s/1-preview.jpg", "{}", True),
        ("s/1-preview-0123456789.webp", '{"previews": ["http://a.test/1.jpg"]}', True),
        ("s/1-preview.jpg", '{"image_urls": ["http://a.test/1.jpg"], "previews": []}', False),
        ("s/1-previews.jpg", "{}", False),
        ("s/1-preview/1.jpg", "{}", False),
    ],
)
def test_previews_of_an_older_catalogue_are_recognized_by_their_names(
    open_it: Open, store: dict[str, int], url: URL, path: str, item: str, is_preview: bool
) -> None:
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        upgrade(connection, to=3)
        for statement in FIRST_ROWS:
            connection.execute(sqlalchemy.text(statement))
        connection.execute(sqlalchemy.text("UPDATE pictures SET path = :path"), {"path": path})
        connection.execute(sqlalchemy.text("UPDATE wallpapers SET item = :item"), {"item": item})
    engine.dispose()
    held = open_it().run(lambda entries: entries.enter_listed([wallpaper()]))["s", "1"]
    assert held.image.get("preview", False) == is_preview


# As the first version wrote them.
FIRST_ROWS = (
    "INSERT INTO pictures (sha256, path, size, width, height, format, stored_at) "
    "VALUES ('aa', 's/1.jpg', 10, 1600, 900, 'JPEG', '2026-11-23T00:00:00+00:00')",
    "INSERT INTO wallpapers (source, id, listing, state, sha256, url, reason, host, tried, "
    "attempts, listed_at, changed_at, item) VALUES ('s', '1', 'l', 'stored', 'aa', "
    "'http://a.test/1.jpg', '', '', '', 0, '2026-11-23T00:00:00+00:00', "
    "'2026-11-23T00:00:00+00:00', '{}')",
)


def test_a_catalogue_of_a_later_version_is_left_alone(open_it: Open, url: URL) -> None:
    open_it()
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE catalogue_version SET version = 99"))
    engine.dispose()
    with pytest.raises(CatalogueError, match="schema 99 is newer than supported"):
        open_it()


def test_another_programs_database_is_left_alone(open_it: Open, url: URL) -> None:
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE pictures (name TEXT)"))
    engine.dispose()
    with pytest.raises(CatalogueError, match="contains other tables"):
        open_it()


def test_the_steps_are_taken_from_an_egg(tmp_path: Path) -> None:
    egg = tmp_path / "wallpapers.egg"
    with zipfile.ZipFile(egg, "w") as archive:
        for path in (PROJECT / "wallpapers").rglob("*.py"):
            archive.write(path, path.relative_to(PROJECT))
    code = (
        "import sys; from sqlalchemy import URL; "
        "from wallpapers.catalogue import catalogue as c; assert '.egg' in c.__file__; "
        "url = URL.create('sqlite', database=sys.argv[1]); "
        "print(c.Catalogue.open(url, lambda path, size: True).run(lambda e: e.formats()))"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "c.db")]
    done = subprocess.run(
        words,
        env={"PYTHONPATH": str(egg)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "{}\n"
