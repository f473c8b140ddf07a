"""``scrapy crawl -a word=@FILE``: the command line, its statuses, and going on after Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.e2e.command import FAST, TIMEOUT_S, finish, read_until, scrapy, start
from tests.pictures import exhibit, exhibits
from tests.standin.several_listings import SeveralListings, several
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn

SHOWN = {"海": exhibits(4), "天空": [exhibit(number) for number in range(10, 15)]}


def crawl_of(standin: StandIn, folder: Path) -> tuple[str, ...]:
    return (
        *("crawl", "baidu_wallpaper", "-a", "tag=@words.txt", *FAST),
        *("-a", f"endpoint={standin.endpoint}", "-O", str(folder / "out.jsonl")),
        *("-s", f"IMAGES_STORE={folder / 'store'}"),
    )


def test_a_file_of_words_is_found_from_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("海\n天空\n")
    with several(StandIn, "tag", SHOWN) as standin:
        result = scrapy(*crawl_of(standin, tmp_path), cwd=tmp_path)
    assert result.status == 0
    folders = {path.name for path in (tmp_path / "store" / "baidu_wallpaper").iterdir()}
    assert folders == set(SHOWN)
    items = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [item["listing"] for item in items].count("天空") == 5
    assert "read              4  海: stored 4\nread              5  天空: stored 5" in result.log


def test_a_word_that_lists_nothing_ends_the_run_with_4(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("海\nnothing\n天空\n")
    with several(StandIn, "tag", SHOWN) as standin:
        result = scrapy(*crawl_of(standin, tmp_path), cwd=tmp_path)
    assert result.status == 4
    assert len(list((tmp_path / "store").rglob("*.jpg"))) == 9
    assert "failed            0  nothing\n" in result.log
    (error,) = result.errors
    assert "nothing: No wallpapers found" in error


@pytest.mark.parametrize("content", [None, b"# none\n", b"\xff\xfe\x00"])
def test_a_wrong_file_ends_the_command_with_1_and_one_line(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "words.txt").write_bytes(content)
    with StandIn(exhibits(1)) as standin:
        result = scrapy(*crawl_of(standin, tmp_path), cwd=tmp_path)
        assert standin.asked == []
    assert result.status == 1
    (error,) = result.errors
    assert "Could not start: tag=@words.txt: " in error
    assert not (tmp_path / "store").exists()


class HeldListing(SeveralListings):
    """Holds one of its listings back."""

    parameter = "tag"
    by_word: Mapping[str, Sequence[Exhibit]] = SHOWN  # type: ignore[misc]

    def __init__(self, shown: Sequence[Exhibit]) -> None:
        super().__init__(shown)
        self.held = threading.Event()
        self._released = asyncio.Event()

    def abort(self) -> None:
        """Close the connection of the listing that is held back."""
        self.call(self._released.set)

    async def listing(self, request: web.Request) -> Any:
        if request.query["tag"] == "天空":
            self.held.set()
            await self._released.wait()
            assert request.transport is not None
            request.transport.abort()
        return await super().listing(request)


def test_after_ctrl_c_the_same_command_reads_what_is_left(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("海\n天空\n山\n")
    with HeldListing(SHOWN["海"]) as held:
        process = start(*crawl_of(held, tmp_path), cwd=tmp_path)
        assert held.held.wait(TIMEOUT_S)
        process.send_signal(signal.SIGINT)
        read_until("shutting down gracefully", process)
        held.abort()
        interrupted = finish(process)
    assert interrupted.status == 130
    assert "unfinished        0  天空\nunread            1 listings" in interrupted.log

    with several(StandIn, "tag", {**SHOWN, "山": exhibits(1)}) as standin:
        result = scrapy(*crawl_of(standin, tmp_path), cwd=tmp_path)
    assert result.status == 0
    assert "read              5  天空: stored 5" in result.log
