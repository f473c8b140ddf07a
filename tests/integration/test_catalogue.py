"""The contract of the catalogue, on every database that it supports."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import threading
import zipfile
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import URL, inspect, make_url

from tests.integration.conftest import Open
from wallpapers.catalogue import schema
from wallpapers.catalogue.catalogue import Catalogue
from wallpapers.catalogue.entries import Entries
from wallpapers.catalogue.held import Holder
from wallpapers.catalogue.queries import MOST_SHARING
from wallpapers.catalogue.upgrade import upgrade
from wallpapers.errors import CatalogueError
from wallpapers.items import StoredImage, Wallpaper
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.reasons import Verdict
from wallpapers.run.records import RunBeginning, RunEnd

PROJECT = Path(__file__).parents[2]


def wallpaper(identity: str = "1", **more: object) -> Wallpaper:
    fields = {"source": "s", "listing": "国家地理", "title": "a\\'\x7f", **more}
    return Wallpaper(identity, [f"http://a.test/{identity}.jpg"], **fields)  # type: ignore[arg-type]


def image(checksum: str = "aa", path: str = "s/1.jpg", size: int = 10) -> StoredImage:
    return StoredImage(
        url="http://a.test/1.jpg",
        path=path,
        checksum=checksum,
        status="downloaded",
        width=1600,
        height=900,
        format="JPEG",
        size=size,
    )


def after(found: list[Wallpaper]) -> str:
    return found[-1].id if found else ""


def put(catalogue: Catalogue, store: dict[str, int], new: Wallpaper, stored: StoredImage) -> str:
    """Have *new* stored as *stored*; return the status that it got."""
    store[stored["path"]] = stored["size"]
    (entered,) = catalogue.run(lambda entries: entries.record_all([(new, stored)]))
    assert entered is not None
    assert not entered.refused_as
    return entered.image["status"]


def test_what_is_new_is_listed_and_not_held(open_it: Open) -> None:
    catalogue = open_it()
    for _ in range(2):
        assert catalogue.run(lambda entries: entries.enter_listed([wallpaper()])) == {}
    assert catalogue.run(lambda entries: entries.count("state")) == {("listed",): 1}


def test_what_is_stored_is_held_by_the_next_program(open_it: Open, store: dict[str, int]) -> None:
    assert put(open_it(), store, wallpaper(), image()) == "downloaded"
    held = open_it().run(lambda entries: entries.enter_listed([wallpaper(), wallpaper("2")]))
    assert list(held) == [("s", "1")]
    assert held["s", "1"].whole
    assert held["s", "1"].image == {**image(), "status": "uptodate"}


@pytest.mark.parametrize("size", [None, 9])
def test_a_row_whose_file_is_gone_or_of_another_size_is_not_whole(
    open_it: Open, store: dict[str, int], size: int | None
) -> None:
    catalogue = open_it()
    put(catalogue, store, wallpaper(), image())
    del store["s/1.jpg"]
    if size:
        store["s/1.jpg"] = size
    held = catalogue.run(lambda entries: entries.enter_listed([wallpaper()]))
    assert not held["s", "1"].whole


def test_the_same_bytes_have_one_path(open_it: Open, store: dict[str, int]) -> None:
    catalogue = open_it()
    put(catalogue, store, wallpaper(), image())
    assert put(catalogue, store, wallpaper("2"), image(path="s/2.jpg")) == "duplicate"
    held = catalogue.run(lambda entries: entries.enter_listed([wallpaper("2")]))
    assert held["s", "2"].image["path"] == "s/1.jpg"


def test_many_at_once_are_entered_as_one_by_one(open_it: Open, store: dict[str, int]) -> None:
    catalogue = open_it()
    put(catalogue, store, wallpaper("0"), image("00", "s/0.jpg"))
    said = [
        ("1", "aa", "s/1.jpg"),
        ("2", "aa", "s/2.jpg"),  # the bytes of the one before
        ("3", "00", "s/3.jpg"),  # bytes that were there
        ("4", "bb", "s/0.jpg"),  # a path that was there
        *((f"n{number}", f"c{number}", f"s/n{number}.jpg") for number in range(1_100)),
    ]
    pairs = [(wallpaper(name), image(checksum, path)) for name, checksum, path in said]
    store |= {path: 10 for _, _, path in said}
    entered = catalogue.run(lambda entries: entries.record_all(pairs))
    images = [one.image if one else None for one in entered]
    assert [one and (one["status"], one["path"]) for one in images[:4]] == [
        ("downloaded", "s/1.jpg"),
        ("duplicate", "s/1.jpg"),
        ("duplicate", "s/0.jpg"),
        None,  # nothing is written: the path is that of another content
    ]
    assert {one["status"] for one in images[4:] if one} == {"downloaded"}
    asked = [wallpaper(name) for name, _, _ in said]
    held = open_it().run(lambda entries: entries.enter_listed(asked))
    assert all(held["s", name].image["checksum"] == checksum for name, checksum, _ in said[4:])
    assert held["s", "2"].image["path"] == "s/1.jpg"
    assert held["s", "3"].image["checksum"] == "00"
    assert ("s", "4") not in held


def test_the_same_bytes_move_where_they_are_whole(open_it: Open, store: dict[str, int]) -> None:
    catalogue = open_it()
    put(catalogue, store, wallpaper(), image())
    del store["s/1.jpg"]
    assert put(catalogue, store, wallpaper("2"), image(path="s/2.jpg")) == "downloaded"
    held = catalogue.run(lambda entries: entries.enter_listed([wallpaper("1")]))
    assert held["s", "1"].image["path"] == "s/2.jpg"


def test_a_path_with_other_bytes_is_left_to_its_holder(
    open_it: Open, store: dict[str, int]
) -> None:
    catalogue = open_it()
    put(catalogue, store, wallpaper(), image())
    put(catalogue, store, wallpaper("2"), image())
    new = partial(Entries.record, wallpaper=wallpaper(), image=image("bb"))
    assert catalogue.run(new) is None
    asked = partial(Entries.holder, path="s/1.jpg", wallpaper=wallpaper())
    assert catalogue.run(asked) == Holder("s/1.jpg", "aa", is_whole=True, has_others=True)
    catalogue.run(lambda entries: entries.mark("aa", damaged=True))
    assert catalogue.run(asked) == Holder("s/1.jpg", "aa", is_whole=False, has_others=True)
    catalogue.run(lambda entries: entries.forget("aa"))
    assert catalogue.run(asked) is None
    assert catalogue.run(lambda entries: entries.count("state")) == {("listed",): 2}
    put(catalogue, store, wallpaper(), image("bb"))
    assert catalogue.run(asked) == Holder("s/1.jpg", "bb", is_whole=True, has_others=False)


def test_a_file_of_another_wallpaper_is_not_adopted(open_it: Open, store: dict[str, int]) -> None:
    catalogue = open_it()
    put(catalogue, store, wallpaper(), image())
    adopt = partial(Entries.adopt, image=image())
    assert catalogue.run(lambda entries: adopt(entries, wallpaper("2"))) is None
    assert catalogue.run(lambda entries: adopt(entries, wallpaper())) is not None


def test_a_preview_stays_one_until_the_original_is_stored(
    open_it: Open, store: dict[str, int]
) -> None:
    catalogue = open_it()

    def is_preview() -> bool:
        held = catalogue.run(lambda entries: entries.enter_listed([wallpaper()]))["s", "1"]
        return held.image.get("preview", False)

    put(catalogue, store, wallpaper(), {**image(), "preview": True})
    assert is_preview()
    catalogue.run(lambda entries: entries.fail(wallpaper(), "http_404", "a.test", "..."))
    assert is_preview()
    put(catalogue, store, wallpaper(), image("bb", "s/1-original.jpg"))
    assert not is_preview()


def test_bytes_that_stand_for_many_are_a_placeholder(open_it: Open, store: dict[str, int]) -> None:
    catalogue = open_it()
    for number in range(MOST_SHARING):
        put(catalogue, store, wallpaper(f"{number}"), image())
    sixth = catalogue.run(lambda entries: entries.record(wallpaper("x"), image(path="s/x.jpg")))
    assert sixth is not None
    assert sixth.refused_as == "placeholder"
    assert sixth.image["path"] == "s/1.jpg"
    assert put(catalogue, store, wallpaper("3"), image()) == "downloaded"  # one of the five


def test_failures_are_remembered_and_come_back_as_they_were(
    open_it: Open, store: dict[str, int]
) -> None:
    catalogue = open_it()
    failing = [wallpaper(f"{number}", tags=["海"]) for number in range(5)]
    for one in failing * 2:
        catalogue.run(
            partial(Entries.fail, wallpaper=one, reason="timeout", host="a.test", tried="...")
        )
    put(catalogue, store, failing[4], image())
    again: list[Wallpaper] = []
    while page := catalogue.run(partial(Entries.failed, source="s", after=after(again), most=3)):
        again += [failed.wallpaper for failed in page if failed.wallpaper]
    assert again == failing[:4]
    assert catalogue.run(lambda e: e.count("attempts", state="failed")) == {(2,): 4}
    assert catalogue.run(lambda e: e.count("attempts", state="stored")) == {(0,): 1}
    assert catalogue.run(lambda e: e.count("host", "reason", state="failed")) == {
        ("a.test", "timeout"): 4
    }


def test_a_failure_does_not_forget_what_was_stored(open_it: Open, store: dict[str, int]) -> None:
    catalogue = open_it()
    put(catalogue, store, wallpaper(), image())
    catalogue.run(lambda entries: entries.fail(wallpaper(), "http_404", "a.test", "..."))
    held = catalogue.run(lambda entries: entries.enter_listed([wallpaper()]))["s", "1"]
    assert (held.state, held.whole) == ("failed", True)


def test_a_run_is_recorded_with_its_end(open_it: Open) -> None:
    catalogue = open_it()
    for name, source in (("1-aaaaaaaa", "s"), ("2-bbbbbbbb", "s"), ("3-cccccccc", "t")):
        beginning = RunBeginning(name, source, {"word": "风景", "limit": "5"})
        catalogue.run(lambda entries, run=beginning: entries.runs.begin(run))  # type: ignore[misc]
    assert catalogue.run(lambda entries: entries.runs.last_ended()) == {}
    end = RunEnd("1-aaaaaaaa", ExitStatus.COMPLETE, {Verdict.STORED: 3}, 4, 2**40)
    catalogue.close(end)
    catalogue = open_it()
    latest = catalogue.run(lambda entries: entries.runs.latest(3))
    assert {run.beginning.id: run.end for run in latest if run.end} == {
        end.id: replace(end, verdicts={**dict.fromkeys(Verdict, 0), Verdict.STORED: 3})
    }
    assert latest[0].beginning.arguments == {"word": "风景", "limit": "5"}
    assert len(catalogue.run(lambda entries: entries.runs.latest(2))) == 2
    (ended,) = [run for run in latest if run.end]
    assert catalogue.run(lambda entries: entries.runs.last_ended()) == {"s": ended}
    assert catalogue.run(lambda entries: entries.runs.last_complete()) == {"s": ended.ended_at}
    assert catalogue.run(lambda entries: entries.runs.count_by_status()) == {
        ("s", 0): 1,
        ("s", None): 1,
        ("t", None): 1,
    }


def test_work_that_raises_leaves_nothing(open_it: Open) -> None:
    catalogue = open_it()

    def half(entries: Entries) -> None:
        entries.enter_listed([wallpaper()])
        raise KeyError

    with pytest.raises(KeyError):
        catalogue.run(half)
    assert catalogue.run(lambda entries: entries.count("state")) == {}


def test_a_thousand_wallpapers_are_taken_up_at_once(open_it: Open, store: dict[str, int]) -> None:
    catalogue = open_it()
    many = [wallpaper(f"{number}") for number in range(1_200)]
    catalogue.run(lambda entries: entries.enter_listed(many))
    for one in many[::100]:
        put(catalogue, store, one, image(f"sum{one.id}", f"s/{one.id}.jpg"))
    assert len(catalogue.run(lambda entries: entries.enter_listed(many))) == 12


def test_two_programs_at_once_keep_one_of_each(
    open_it: Open, store: dict[str, int], url: URL
) -> None:
    """Sixteen contents under forty names each, stored by four programs in different orders."""
    open_it()
    work = [(f"{number}", f"sum{number % 16}") for number in range(80)]
    failures: list[BaseException] = []
    for number, content in work:
        store[f"s/{number}-{content}.jpg"] = 10

    def program(seed: int) -> None:
        catalogue = Catalogue.open(url, lambda path, size: store.get(path) == size)
        mine = work.copy()
        random.Random(seed).shuffle(mine)
        try:
            for number, content in mine:
                new, content_of_it = wallpaper(number), image(content, f"s/{number}-{content}.jpg")
                catalogue.run(partial(Entries.record, wallpaper=new, image=content_of_it))
        except BaseException as error:
            failures.append(error)
        finally:
            catalogue.close()

    threads = [threading.Thread(target=program, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    catalogue = open_it()
    assert catalogue.run(lambda entries: entries.formats()) == {"JPEG": (16, 160)}
    assert catalogue.run(lambda entries: entries.count("sha256")) == {
        (f"sum{number}",): 5 for number in range(16)
    }


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
def test_previews_of_an_older_catalogue_are_told_by_their_names(
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


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    url = make_url("postgresql+psycopg://me:canary-123@127.0.0.1:1/db")
    with pytest.raises(CatalogueError) as raised:
        Catalogue.open(url, lambda path, size: True)
    assert "postgresql+psycopg://me:***@127.0.0.1:1/db" in str(raised.value)
    assert "canary" not in str(raised.value)
    assert "\n" not in str(raised.value)


# SQLite alone


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A catalogue of 300 wallpapers in a file."""
    path = tmp_path / "catalogue.db"
    catalogue = open_file(path)
    for number in range(300):
        stored = image(f"{number:064}", f"s/{number}.jpg")
        catalogue.run(partial(Entries.record, wallpaper=wallpaper(f"{number}"), image=stored))
    catalogue.close()
    return path


def open_file(path: Path, *, check: bool = False) -> Catalogue:
    url = URL.create("sqlite", database=str(path))
    return Catalogue.open(url, lambda path, size: True, check=check)


def test_a_catalogue_that_was_cut_opens_or_says_so(file: Path, tmp_path: Path) -> None:
    content = file.read_bytes()
    told = opened = 0
    for seed in range(100):
        cut = tmp_path / f"{seed}" / "c.db"
        cut.parent.mkdir()
        cut.write_bytes(content[: random.Random(seed).randrange(len(content))])
        try:
            catalogue = open_file(cut)
        except CatalogueError as error:
            told += f"/catalogue-aside && for f in {cut} " in str(error)
            continue
        rows = catalogue.run(lambda entries: entries.count("state"))
        assert rows in ({}, {("stored",): 300})
        catalogue.close()
        opened += 1
    assert told + opened == 100
    assert told > 90


def test_a_file_that_is_no_database_is_named_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    path.write_text("something else, and long enough to be looked at" * 30)
    with pytest.raises(CatalogueError, match=r"not a database; .* mkdir"):
        open_file(path)


def test_the_remedy_works_as_it_is_printed(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[8192:40960] = bytes(32768)
    file.write_bytes(content)
    with pytest.raises(CatalogueError) as raised:
        open_file(file, check=True)
    beside = file.with_name(f"{file.name}-and-more")
    beside.write_text("is none of its files")
    subprocess.run(str(raised.value).partition("finds them: ")[2], shell=True, check=True)
    open_file(file).close()
    assert beside.exists()


def test_a_catalogue_that_another_program_holds_is_named(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wallpapers.catalogue.catalogue._LOCK_TIMEOUT_S", 0.1)
    with closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(CatalogueError, match=r"locked; another program holds it"):
            open_file(file)


def checks_of(path: Path, *, check: bool = False) -> list[str]:
    """Open the catalogue at *path*; return the integrity checks that this took."""
    asked: list[str] = []

    def executed(_1: object, _2: object, statement: str, *_: object) -> None:
        asked.append(statement)

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", executed)
    try:
        open_file(path, check=check).close()
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", executed)
    return [statement for statement in asked if "_check" in statement]


def left_by_an_earlier_system(path: Path) -> None:
    """Leave the mark of a program that had *path* open when the system ended."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO sessions VALUES ('dead', 'another boot')")
        connection.commit()


def test_a_catalogue_that_was_closed_is_opened_without_reading_it_whole(file: Path) -> None:
    assert checks_of(file) == []
    assert checks_of(file, check=True) == ["PRAGMA integrity_check(1)"]


def test_a_catalogue_in_use_is_opened_without_reading_it_whole(file: Path) -> None:
    first = open_file(file)
    assert checks_of(file) == []
    first.close()


def test_a_catalogue_of_a_killed_program_is_opened_without_reading_it_whole(file: Path) -> None:
    """What the program wrote is with the system, which keeps it."""
    code = (
        "import os, sys; from sqlalchemy import URL; "
        "from wallpapers.catalogue.catalogue import Catalogue; "
        "Catalogue.open(URL.create('sqlite', database=sys.argv[1]), lambda path, size: True); "
        "os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(file)], check=False, cwd=PROJECT)
    assert killed.returncode == -9
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchall() == [(1,)]
    assert checks_of(file) == []


def test_a_catalogue_that_was_open_when_the_system_ended_is_checked_once(file: Path) -> None:
    left_by_an_earlier_system(file)
    assert checks_of(file) == ["PRAGMA quick_check(1)"]
    assert checks_of(file) == []


def test_damage_that_the_end_of_the_system_left_is_found_at_the_start(file: Path) -> None:
    left_by_an_earlier_system(file)
    damage(file)
    for _ in range(2):
        with pytest.raises(CatalogueError, match=r"malformed|damaged"):
            open_file(file)


def test_damage_that_is_found_late_is_found_at_the_start_of_the_next_run(file: Path) -> None:
    damage(file)
    catalogue = open_file(file)
    with pytest.raises(CatalogueError, match=r"malformed; the pictures are not touched"):
        catalogue.run(lambda entries: entries.count("item"))
    catalogue.close()
    with pytest.raises(CatalogueError, match=r"malformed|damaged"):
        open_file(file)


def damage(file: Path) -> None:
    """Overwrite a page of the table of wallpapers."""
    with closing(sqlite3.connect(file)) as connection:
        ((page, size),) = connection.execute(
            "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_master "
            "WHERE name = 'wallpapers'"
        )
        (inner,) = connection.execute("SELECT count(*) FROM wallpapers").fetchone()
        assert inner == 300
    content = bytearray(file.read_bytes())
    root = (page - 1) * size
    assert content[root] == 5  # an inner page, whose first child is
    cell = int.from_bytes(content[root + 12 : root + 14])
    child = int.from_bytes(content[root + cell : root + cell + 4])
    content[(child - 1) * size : child * size] = bytes([0xFF]) * size
    file.write_bytes(content)


def test_a_full_disk_takes_nothing_back(file: Path) -> None:
    catalogue = open_file(file)

    def too_much(entries: Entries) -> None:
        entries._connection.exec_driver_sql("PRAGMA max_page_count = 1")
        entries.enter_listed(
            [wallpaper(f"new{number}", title="x" * 5_000) for number in range(100)]
        )

    with pytest.raises(CatalogueError, match="database or disk is full"):
        catalogue.run(too_much)
    catalogue.close()
    catalogue = open_file(file)
    assert catalogue.run(lambda entries: entries.count("state")) == {("stored",): 300}
    catalogue.close()


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
