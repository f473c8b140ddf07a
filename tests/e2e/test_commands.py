"""``scrapy verify``, ``retry`` and ``stats``, as a person types them."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from aiohttp import web

from tests.e2e.command import FAST, Result, scrapy
from tests.invariants import check_whole
from tests.pictures import encoded, exhibit, exhibits, noise
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn


class Recovering(StandIn):
    """Serves only its first ``served`` pictures."""

    served = 5

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        if exhibit in self.exhibits[self.served :]:
            raise web.HTTPNotFound
        return await super().picture(request, exhibit)


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


def test_verify_finds_what_no_size_tells_and_the_next_crawl_heals_it(tmp_path: Path) -> None:
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
            "4 whole, 1 damaged, 1 missing, 0 without a row, 0 shared by five or more, in "
            f"{tmp_path / 'store'}",
            "What is damaged or missing is fetched again by the next crawl of its source.",
        ]
        standin.asked.clear()
        assert crawl(standin, tmp_path).status == 0
        assert sum(path.startswith("/image/") for path in standin.asked) == 2
    assert flipped.read_bytes() == before
    assert run("verify", tmp_path).status == 0
    assert len(whole) == 4


def test_verify_reports_files_without_a_row_and_leaves_another_store_alone(
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
    assert "without a row: mine.jpg\n" in found.output
    assert ".jpg (5)\n4 whole, 0 damaged, 0 missing, 1 without a row, 1 shared" in found.output
    assert "other" not in found.output.replace(str(tmp_path), "")


def test_verify_takes_odd_files_for_what_they_are(tmp_path: Path) -> None:
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
    assert "2 whole, 0 damaged, 2 missing, 1 without a row" in found.output


def test_retry_asks_for_what_failed_and_for_nothing_else(tmp_path: Path) -> None:
    feed = tmp_path / "again.jsonl"
    with Recovering(exhibits(150)) as standin:
        assert crawl(standin, tmp_path).status == 3
        standin.asked.clear()
        standin.served = 149
        words = ("-a", f"endpoint={standin.endpoint}", "-O", str(feed))
        again = run("retry", tmp_path, *words)
        assert again.status == 3
        assert "Asking again for 145 wallpapers of baidu_wallpaper" in again.output
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
    assert nothing.output == "Nothing to retry: no wallpaper has failed\n"
    check_whole(tmp_path / "store")


def test_retry_stops_at_its_limit(tmp_path: Path) -> None:
    with Recovering(exhibits(80)) as standin:
        assert crawl(standin, tmp_path).status == 3
        standin.asked.clear()
        standin.served = 80
        words = ("-a", f"endpoint={standin.endpoint}", "-a", "limit=62")
        assert run("retry", tmp_path, *words).status == 0
    assert len(standin.asked) == 62


def test_stats_tell_what_the_catalogue_holds(tmp_path: Path) -> None:
    with Recovering(exhibits(8)) as standin:
        assert crawl(standin, tmp_path).status == 3
    size = sum(path.stat().st_size for path in pictures_of(tmp_path))
    told = run("stats", tmp_path)
    assert told.status == 0
    lines = [line.split() for line in told.output.splitlines()]
    assert ["source", "stored", "filtered", "failed", "listed"] in lines
    assert ["baidu_wallpaper", "5", "0", "3", "0"] in lines
    assert ["JPEG", "5", f"{size / 1e6:.1f}"] in lines
    assert ["3", "http_404", "127.0.0.1"] in lines
    found = json.loads(run("stats", tmp_path, "--json").output)
    assert found["pictures"] == {"JPEG": {"count": 5, "bytes": size}}
    assert found["failures"] == [{"host": "127.0.0.1", "reason": "http_404", "count": 3}]


@pytest.mark.parametrize("command", ["verify", "retry", "stats"])
def test_without_a_catalogue_a_line_says_what_to_do(tmp_path: Path, command: str) -> None:
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


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("verify", "all"), "scrapy verify takes no argument, got 'all'"),
        (("stats", "all"), "scrapy stats takes no argument, got 'all'"),
        (("retry", "a", "b"), "scrapy retry takes the name of one spider, or none"),
    ],
)
def test_wrong_usage_is_status_2(tmp_path: Path, words: tuple[str, ...], line: str) -> None:
    result = run(words[0], tmp_path, *words[1:])
    assert result.status == 2
    assert line in result.output + result.log


@pytest.mark.parametrize("command", ["verify", "retry", "stats", "doctor", "crawl", "demo"])
def test_every_command_has_its_help(command: str) -> None:
    result = scrapy(command, "--help")
    assert result.status == 0
    assert "xit status" in " ".join(result.output.split())


def test_an_older_catalogue_is_upgraded_with_all_that_it_holds(tmp_path: Path) -> None:
    with StandIn(exhibits(4)) as standin:
        assert crawl(standin, tmp_path).status == 0
        with closing(sqlite3.connect(tmp_path / "store" / FILE_NAME)) as catalogue:
            catalogue.execute("ALTER TABLE pictures DROP COLUMN damaged_at")
            catalogue.execute("ALTER TABLE wallpapers DROP COLUMN preview")
            catalogue.execute("DROP TABLE remote_store")
            catalogue.execute("UPDATE catalogue_version SET version = 1")
            catalogue.commit()
        standin.asked.clear()
        assert crawl(standin, tmp_path).status == 0
        assert len(standin.asked) == 2
    assert run("verify", tmp_path).status == 0
