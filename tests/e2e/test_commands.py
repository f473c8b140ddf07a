"""``scrapy verify``, ``retry`` and ``stats``, as a person types them."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import URL, create_engine

from tests.e2e.command import FAST, Result, finish, scrapy, start
from tests.invariants import check_whole
from tests.pictures import encoded, exhibit, exhibits, noise
from wallpapers.catalogue.catalogue import Catalogue
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.catalogue.upgrade import upgrade
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn


class Recovering(StandIn):
    """Serves only its first ``served`` pictures."""

    served = 5

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        if exhibit in self.exhibits[self.served :]:
            raise web.HTTPNotFound
        return await super().picture(request, exhibit)


class Referring(Recovering):
    """Notes the Referer of each picture that is asked for."""

    def __init__(self, shown: list[Exhibit]) -> None:
        super().__init__(shown)
        self.referers: list[str] = []

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        self.referers.append(request.headers.get("Referer", ""))
        return await super().picture(request, exhibit)


class Refusing(StandIn):
    """Answers one of ``statuses`` for each picture; None: it resets the connection."""

    statuses: Sequence[int | None]

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        status = self.statuses[self.exhibits.index(exhibit)]
        if status is not None:
            return web.Response(status=status)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()


def run(command: str, folder: Path, *words: str) -> Result:
    """Run a command on the store *folder*/store."""
    return scrapy(command, *words, "-s", f"IMAGES_STORE={folder / 'store'}", *FAST)


def crawl(standin: StandIn, folder: Path, *words: str) -> Result:
    endpoint = ("-a", f"endpoint={standin.endpoint}")
    return run("crawl", folder, "baidu_wallpaper", *endpoint, *words)


def pictures_of(folder: Path) -> list[Path]:
    return sorted((folder / "store" / "baidu_wallpaper").rglob("*.jpg"))


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_verify_finds_damage_that_the_next_crawl_repairs(tmp_path: Path) -> None:
    with StandIn(exhibits(6)) as standin:
        assert crawl(standin, tmp_path).status == 0
        assert run("verify", tmp_path).status == 0
        flipped, gone, *whole = pictures_of(tmp_path)
        before = flipped.read_bytes()
        flip_a_bit(flipped)
        gone.unlink()
        found = run("verify", tmp_path)
        assert found.status == 3
        assert found.output.splitlines() == [
            f"damaged: {flipped.relative_to(tmp_path / 'store')}",
            f"missing: {gone.relative_to(tmp_path / 'store')}",
            "4 whole, 1 damaged, 1 missing, 0 moved, 0 not in the catalogue, "
            "0 shared by five or more wallpapers, 0 hidden, in "
            f"{tmp_path / 'store'}",
            "The next crawl of the source downloads damaged and missing images again.",
        ]
        standin.asked.clear()
        assert crawl(standin, tmp_path).status == 0
        assert sum(path.startswith("/image/") for path in standin.asked) == 2
    assert flipped.read_bytes() == before
    assert run("verify", tmp_path).status == 0
    assert len(whole) == 4


def test_verify_reports_unknown_files_and_skips_other_stores(
    tmp_path: Path,
) -> None:
    with StandIn(
        [*exhibits(3), *(exhibit(9 + n, encoded(noise(77))) for n in range(6))]
    ) as standin:
        assert crawl(standin, tmp_path).status == 3
        other = tmp_path / "store" / "other"
        assert crawl(standin, other).status == 3
    (tmp_path / "store" / "mine.jpg").write_bytes(encoded(noise(5)))
    (tmp_path / "store" / "notes.txt").write_text("no picture")
    found = run("verify", tmp_path)
    assert found.status == 0
    assert "not in the catalogue: mine.jpg\n" in found.output
    assert (
        ".jpg (5)\n4 whole, 0 damaged, 0 missing, 0 moved, 1 not in the catalogue, 1 shared"
        in found.output
    )
    assert "other" not in found.output.replace(str(tmp_path), "")


def test_verify_reads_nothing_outside_of_the_store(tmp_path: Path) -> None:
    with StandIn(exhibits(2)) as standin:
        assert crawl(standin, tmp_path).status == 0
    first, second = pictures_of(tmp_path)
    for path, outside in ((first, "../outside.jpg"), (second, f"{tmp_path}/absolute.jpg")):
        (tmp_path / "store" / outside).write_bytes(path.read_bytes())
        with closing(sqlite3.connect(tmp_path / "store" / FILE_NAME)) as catalogue:
            mine = "UPDATE pictures SET path = ? WHERE path = ?"
            row = path.relative_to(tmp_path / "store").as_posix()
            assert catalogue.execute(mine, (outside, row)).rowcount == 1
            catalogue.commit()
    found = run("verify", tmp_path)
    assert found.status == 0
    for path, outside in ((first, "../outside.jpg"), (second, f"{tmp_path}/absolute.jpg")):
        row = path.relative_to(tmp_path / "store").as_posix()
        assert f"moved: {outside} -> {row}\n" in found.output
    assert "0 whole, 0 damaged, 0 missing, 2 moved, 0 not in the catalogue" in found.output


def test_verify_finds_moved_images_by_their_content(tmp_path: Path) -> None:
    with StandIn(exhibits(3)) as standin:
        assert crawl(standin, tmp_path).status == 0
        first, *_ = pictures_of(tmp_path)
        (tmp_path / "store" / "best").mkdir()
        first.rename(tmp_path / "store" / "best" / "renamed.jpg")
        found = run("verify", tmp_path)
        assert found.status == 0
        old = first.relative_to(tmp_path / "store")
        assert found.output.startswith(f"moved: {old} -> best/renamed.jpg\n2 whole, ")
        standin.asked.clear()
        assert crawl(standin, tmp_path).status == 0
    assert not any(path.startswith("/image/") for path in standin.asked)
    assert run("verify", tmp_path).output.startswith("3 whole, 0 damaged, 0 missing, 0 moved, ")


def test_verify_reports_unusual_files(tmp_path: Path) -> None:
    with StandIn(exhibits(4)) as standin:
        assert crawl(standin, tmp_path).status == 0
    fifo, loop, *_ = pictures_of(tmp_path)
    for path in (fifo, loop):
        path.unlink()
    os.mkfifo(fifo)
    loop.symlink_to(loop)
    (tmp_path / "store" / os.fsdecode(b"\xff.jpg")).write_bytes(encoded(noise(5)))
    found = run("verify", tmp_path)
    assert found.status == 3
    assert "2 whole, 0 damaged, 2 missing, 0 moved, 1 not in the catalogue" in found.output


def test_retry_requests_only_failed_wallpapers(tmp_path: Path) -> None:
    feed = tmp_path / "again.jsonl"
    with Recovering(exhibits(150)) as standin:
        assert crawl(standin, tmp_path).status == 3
        standin.asked.clear()
        standin.served = 149
        words = ("-a", f"endpoint={standin.endpoint}", "-O", str(feed))
        again = run("retry", tmp_path, *words)
        assert again.status == 3
        assert "Retrying 145 failed wallpapers of baidu_wallpaper" in again.output
        assert len(standin.asked) == 145
        assert all(path.startswith("/image/") for path in standin.asked)
        assert len(pictures_of(tmp_path)) == 149
        items = [json.loads(line) for line in feed.read_text().splitlines()]
        assert len(items) == 145
        assert {item["source"] for item in items} == {"baidu_wallpaper"}
        assert all(item["title"].startswith("wallpaper ") for item in items)

        standin.served = 150
        assert run("retry", tmp_path, "baidu_wallpaper", *words[:2]).status == 0
        nothing = run("retry", tmp_path)
    assert nothing.status == 0
    assert nothing.output == "Nothing to retry: no failed wallpapers\n"
    check_whole(tmp_path / "store")


def test_retry_uses_the_endpoint_that_listed_each_wallpaper(tmp_path: Path) -> None:
    """Pictures of loopback addresses are fetched from the endpoint that listed them alone."""
    first, second = (Referring(exhibits(7)[part]) for part in (slice(4), slice(4, 7)))
    with first, second:
        first.served = second.served = 0
        for standin in (first, second):
            assert crawl(standin, tmp_path).status == 3
            standin.served = 9
            standin.referers.clear()
        assert run("retry", tmp_path).status == 0
        for standin, count in ((first, 4), (second, 3)):
            origin = standin.endpoint.partition("/data")[0] + "/"
            assert standin.referers == [origin] * count
    check_whole(tmp_path / "store")


@pytest.mark.parametrize("endpoint", [None, "http://127.0.0.1:1/?token=canary-123"])
def test_retry_records_no_token_and_uses_a_given_endpoint(
    tmp_path: Path, endpoint: str | None
) -> None:
    with Recovering(exhibits(2)) as standin:
        standin.served = 0
        given = ("-a", f"endpoint={standin.endpoint}?token=canary-123")
        assert run("crawl", tmp_path, "baidu_wallpaper", *given).status == 3
        standin.served = 2
        words = ("-a", f"endpoint={endpoint}") if endpoint else ()
        result = run("retry", tmp_path, *words)
    assert result.status == (3 if endpoint else 0)
    assert b"canary" not in (tmp_path / "store" / FILE_NAME).read_bytes()


def test_retry_keeps_the_most_specific_reason(tmp_path: Path) -> None:
    # A server that has answered has said more than one that does not answer.
    before, now = (404, 404, 404, 404, 503, 503), (None, 408, 503, 410, 404, 500)
    kept = ["http_404", "http_404", "http_404", "http_410", "http_404", "http_500"]
    with Refusing(exhibits(len(kept))) as standin:
        for command, standin.statuses in (("crawl", before), ("retry", now)):
            words = ("-s", "RETRY_ENABLED=False", "-a", f"endpoint={standin.endpoint}")
            assert run(command, tmp_path, "baidu_wallpaper", *words).status == 3
        ids = [exhibit.id for exhibit in standin.exhibits]
    with closing(sqlite3.connect(tmp_path / "store" / FILE_NAME)) as catalogue:
        rows = catalogue.execute("SELECT id, reason, attempts, tried FROM wallpapers").fetchall()
    assert {identity: reason for identity, reason, _, _ in rows} == dict(
        zip(ids, kept, strict=True)
    )
    for _, reason, attempts, tried in rows:
        assert attempts == 2
        assert reason in tried


UNREADABLE = [
    "",
    "{",
    "null",
    "[]",
    "5",
    "{}",
    '{"image_urls": "http://a.test/"}',
    '{"image_urls": [5]}',
    '{"image_urls": ["http://a.test/1.jpg"], "width": "wide"}',
    b"\xff\xfe",
]


def test_retry_reports_and_skips_unreadable_rows(tmp_path: Path) -> None:
    with Recovering(exhibits(len(UNREADABLE) + 2)) as standin:
        standin.served = 0
        assert crawl(standin, tmp_path).status == 3
        standin.served = len(standin.exhibits)
        with closing(sqlite3.connect(tmp_path / "store" / FILE_NAME)) as catalogue:
            rows = catalogue.execute("SELECT id FROM wallpapers ORDER BY id").fetchall()
            damaged = dict(zip([row[0] for row in rows], UNREADABLE, strict=False))
            for identity, item in damaged.items():
                catalogue.execute("UPDATE wallpapers SET item = ? WHERE id = ?", (item, identity))
            catalogue.commit()
        result = run("retry", tmp_path)
    assert result.status == 0
    for identity in damaged:
        assert f"row of wallpaper {identity} cannot be read" in result.log
    assert len(pictures_of(tmp_path)) == 2


def test_retry_stops_at_its_limit(tmp_path: Path) -> None:
    with Recovering(exhibits(80)) as standin:
        assert crawl(standin, tmp_path).status == 3
        standin.asked.clear()
        standin.served = 80
        words = ("-a", f"endpoint={standin.endpoint}", "-a", "limit=62")
        assert run("retry", tmp_path, *words).status == 0
    assert len(standin.asked) == 62


def test_stats_print_the_contents_of_the_catalogue(tmp_path: Path) -> None:
    with Recovering(exhibits(8)) as standin:
        assert crawl(standin, tmp_path).status == 3
    size = sum(path.stat().st_size for path in pictures_of(tmp_path))
    told = run("stats", tmp_path)
    assert told.status == 0
    lines = [line.split() for line in told.output.splitlines()]
    assert ["source", "stored", "filtered", "failed", "listed", "hidden"] in lines
    assert ["baidu_wallpaper", "5", "0", "3", "0", "0"] in lines
    assert ["JPEG", "5", f"{size / 1e6:.1f}"] in lines
    assert ["3", "http_404", "127.0.0.1"] in lines
    found = json.loads(run("stats", tmp_path, "--json").output)
    assert found["pictures"] == {"JPEG": {"count": 5, "bytes": size}}
    assert found["failures"] == [{"host": "127.0.0.1", "reason": "http_404", "count": 3}]


@pytest.mark.parametrize("command", ["verify", "retry", "stats"])
def test_a_missing_catalogue_is_reported_with_a_remedy(tmp_path: Path, command: str) -> None:
    result = run(command, tmp_path)
    assert result.status == 1
    assert f"scrapy: there is no catalogue at {tmp_path}/store/{FILE_NAME}: crawl" in result.log
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("command", ["verify", "retry", "stats"])
def test_a_damaged_catalogue_is_status_5(tmp_path: Path, command: str) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / FILE_NAME).write_text("no database" * 1_000)
    result = run(command, tmp_path)
    assert result.status == 5
    assert "is not a database; the pictures are not touched by it" in result.log


def as_a_user(command: str, folder: Path) -> Result:
    """Run a command as one who is bound by permissions, as root is not."""
    before = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") * (os.getuid() == 0)
    return finish(start(command, "-s", f"IMAGES_STORE={folder / 'store'}", before=before))


@pytest.mark.parametrize("command", ["verify", pytest.param("stats", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("name", "mode", "remedy"),
    [
        (FILE_NAME, 0o000, f"{FILE_NAME} is not readable and writable; name another"),
        (f"{FILE_NAME}-wal", 0o000, f"{FILE_NAME}-wal is not readable and writable; name"),
        (f"{FILE_NAME}-shm", 0o000, f"{FILE_NAME}-shm is not readable and writable; name"),
        (".", 0o500, "its folder is not writable; name another place with "),
        (".", 0o000, "its folder is not readable; name another place with "),
    ],
)
def test_a_catalogue_without_permission_is_status_5(
    tmp_path: Path, command: str, name: str, mode: int, remedy: str
) -> None:
    store = tmp_path / "store"
    store.mkdir()
    url = URL.create("sqlite", database=str(store / FILE_NAME))
    Catalogue.open(url, lambda path, size: True).close()
    if not (store / name).exists():
        (store / name).write_bytes(b"left over")
    (store / name).chmod(mode)
    try:
        result = as_a_user(command, tmp_path)
    finally:
        store.chmod(0o700)
    assert result.status == 5
    (line,) = [line for line in result.log.splitlines() if "INFO" not in line]
    assert remedy in line


def test_stats_need_no_write_permission(tmp_path: Path) -> None:
    with StandIn(exhibits(3)) as standin:
        assert crawl(standin, tmp_path).status == 0
    (tmp_path / "store" / FILE_NAME).chmod(0o400)
    assert "JPEG" in as_a_user("stats", tmp_path).output


@pytest.mark.slow
def test_a_closed_output_ends_a_command_without_a_message(tmp_path: Path) -> None:
    """As in ``scrapy stats | head -1``."""
    with StandIn(exhibits(3)) as standin:
        assert crawl(standin, tmp_path).status == 0
        endpoint = ("-a", f"endpoint={standin.endpoint}")
        commands = (
            ("sources",),
            ("stats",),
            ("verify",),
            ("retry",),
            ("doctor", "baidu_wallpaper", *endpoint),
        )
        for words in commands:
            reading, writing = os.pipe()
            os.close(reading)
            store = ("-s", f"IMAGES_STORE={tmp_path / 'store'}")
            process = start(*words, *store, *FAST, stdout=writing)
            os.close(writing)
            assert finish(process).log.count("BrokenPipe") == 0
            assert process.returncode == 141, words


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("verify", "all"), "scrapy verify takes no argument, got 'all'"),
        (("stats", "all"), "scrapy stats takes no argument, got 'all'"),
        (("retry", "a", "b"), "scrapy retry expects one spider name, or none"),
    ],
)
def test_wrong_usage_is_status_2(tmp_path: Path, words: tuple[str, ...], line: str) -> None:
    result = run(words[0], tmp_path, *words[1:])
    assert result.status == 2
    assert line in result.output + result.log


@pytest.mark.parametrize(
    "command",
    ["verify", "retry", "stats", "doctor", "crawl", "demo", "hide", "unhide", "star", "unstar"],
)
def test_every_command_has_its_help(command: str) -> None:
    result = scrapy(command, "--help")
    assert result.status == 0
    assert "xit status" in " ".join(result.output.split())


def make_first_version(path: Path) -> None:
    """Replace a catalogue by one of the first version, with what that had of its rows."""
    current = path.rename(path.with_suffix(".current"))
    engine = create_engine(URL.create("sqlite", database=str(path)))
    with engine.begin() as connection:
        upgrade(connection, to=1)
    engine.dispose()
    with closing(sqlite3.connect(path)) as catalogue:
        catalogue.execute("ATTACH ? AS current", (str(current),))
        for table in ("pictures", "wallpapers"):
            rows = catalogue.execute(f"PRAGMA main.table_info({table})").fetchall()
            columns = ", ".join(row[1] for row in rows)
            copy = f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM current.{table}"
            catalogue.execute(copy)
        catalogue.commit()
    current.unlink()


def test_an_older_catalogue_is_upgraded_without_loss(tmp_path: Path) -> None:
    with StandIn(exhibits(4)) as standin:
        assert crawl(standin, tmp_path).status == 0
        make_first_version(tmp_path / "store" / FILE_NAME)
        standin.asked.clear()
        assert crawl(standin, tmp_path).status == 0
        assert len(standin.asked) == 2
    assert run("verify", tmp_path).status == 0
