"""Why a run did not succeed, and what to run next: the last line of its log."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from tests.e2e.command import FAST, PROGRAM, TIMEOUT_S, Result, finish, scrapy, start
from tests.pictures import exhibits
from tests.standin.listing_faults import HtmlListing
from tests.standin.picture_faults import HeldPictures
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn

Run = Callable[..., Result]


class FirstIsMissing(StandIn):
    missing = True

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        if self.missing and exhibit is self.exhibits[0]:
            raise web.HTTPNotFound
        return await super().picture(request, exhibit)


def words(standin: StandIn, store: Path) -> tuple[str, ...]:
    return (
        *("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}"),
        *("-s", f"IMAGES_STORE={store}", *FAST),
    )


def command_of(result: Result) -> list[str]:
    """Return the words of the command at the end of the log, without those of the program."""
    return shlex.split(result.log.rpartition(f": {shlex.join(PROGRAM)} ")[2])


def with_failures(folder: Path, *more: str) -> Result:
    with FirstIsMissing(exhibits(3)) as standin:
        return scrapy(*words(standin, folder / "store"), *more)


def with_a_broken_listing(folder: Path, *more: str) -> Result:
    with HtmlListing(exhibits(3)) as standin:
        return scrapy(*words(standin, folder / "store"), *more)


def with_a_broken_catalogue(folder: Path, *more: str) -> Result:
    catalogue = f"WALLPAPERS_CATALOGUE=sqlite:///{folder}/missing/catalogue.db"
    with StandIn(exhibits(3)) as standin:
        return scrapy(*words(standin, folder / "store"), "-s", catalogue, *more)


def with_a_broken_feed(folder: Path, *more: str) -> Result:
    (folder / "file").touch()
    with StandIn(exhibits(3)) as standin:
        return scrapy(*words(standin, folder / "store"), "-O", f"{folder}/file/out.json", *more)


@pytest.mark.parametrize(
    ("run", "status", "reason"),
    [
        (with_failures, 3, "1 of 3 wallpapers failed (http_404 1); to try them again, run: "),
        (with_a_broken_listing, 4, "Unexpected response from the listing: not JSON"),
        (with_a_broken_catalogue, 5, "Catalogue failed: "),
        (with_a_broken_feed, 5, "Feed failed: "),
    ],
)
class TestTheReason:
    def test_is_the_only_line_at_level_error(
        self, tmp_path: Path, run: Run, status: int, reason: str
    ) -> None:
        result = run(tmp_path, "-L", "ERROR")
        assert result.status == status
        (line,) = result.log.splitlines()
        assert f"ERROR: {reason}" in line

    def test_is_the_last_line_of_a_log(
        self, tmp_path: Path, run: Run, status: int, reason: str
    ) -> None:
        result = run(tmp_path)
        assert result.status == status
        assert f"ERROR: {reason}" in result.log.splitlines()[-1]


def test_the_command_for_failed_wallpapers_tries_them_again(tmp_path: Path) -> None:
    with FirstIsMissing(exhibits(3)) as standin:
        result = scrapy(*words(standin, tmp_path / "a store"))
        assert result.status == 3
        standin.missing = False
        result = scrapy(*command_of(result))
    assert result.status == 0
    assert "  stored           1" in result.log


def test_the_command_for_a_broken_source_checks_it(tmp_path: Path) -> None:
    with HtmlListing(exhibits(3)) as standin:
        endpoint = f"endpoint={standin.endpoint}"
        result = scrapy("crawl", "wallhaven", "-a", endpoint, "-a", "q=two words")
    assert result.status == 4
    given = ["-a", endpoint, "-a", "q=two words"]
    assert command_of(result) == ["doctor", "wallhaven", *given]


def test_the_command_for_a_broken_catalogue_is_that_of_the_run(tmp_path: Path) -> None:
    result = with_a_broken_catalogue(tmp_path, "-L", "INFO")
    command = command_of(result)
    assert command[:3] == ["crawl", "baidu_wallpaper", "-a"]
    assert command[-2:] == ["-L", "INFO"]


def test_the_command_after_an_interruption_is_that_of_the_run(tmp_path: Path) -> None:
    with HeldPictures(exhibits(300)) as standin:
        command = words(standin, tmp_path / "store")
        process = start(*command)
        assert standin.held.wait(TIMEOUT_S)
        process.send_signal(signal.SIGINT)
        standin.release()
        result = finish(process)
    assert result.status == 130
    assert "] ERROR: Interrupted with " in result.log.splitlines()[-1]
    assert command_of(result) == list(command)


def test_the_command_masks_secrets(tmp_path: Path) -> None:
    secret = "WALLPAPERS_WALLHAVEN_API_KEY=canary-key"
    result = with_a_broken_catalogue(tmp_path, "-s", secret)
    assert "WALLPAPERS_WALLHAVEN_API_KEY=***" in result.log.splitlines()[-1]
    assert "canary" not in result.log
