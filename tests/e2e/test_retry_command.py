"""``scrapy retry``: failed wallpapers are requested again, and nothing else."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from aiohttp import web

from tests.e2e.store import Recovering, crawl, pictures_of, run
from tests.invariants import check_whole
from tests.pictures import exhibits
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn


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
