"""``scrapy doctor``: wrong usage, settings, and how it ends."""

from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path

import pytest
from aiohttp import web

from tests.e2e.command import finish, scrapy, start
from tests.e2e.test_doctor import NOWHERE, cells, doctor
from tests.pictures import exhibits
from wallpapers.demo.standin import StandIn


def test_wrong_usage_has_an_exit_status(tmp_path: Path) -> None:
    assert scrapy("doctor", "-a", "word=x").status == 2
    assert scrapy("doctor", "nobody").status == 2
    assert scrapy("doctor", "baidu_wallpaper", "-a", "rn=abc").status == 1


def test_there_is_no_feed_option(tmp_path: Path) -> None:
    result = scrapy("doctor", "baidu_wallpaper", "-O", str(tmp_path / "feed.json"))
    assert result.status == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("rn=abc", "Could not start: rn must be a number from 1 to 100, got 'abc'"),
        ("self=1", "Could not start: unknown argument 'self'"),
        ("cols=1", "Could not start: unknown argument 'cols'; expected one of: col, "),
    ],
)
def test_a_wrong_argument_is_reported_in_one_line(word: str, line: str) -> None:
    result = scrapy("doctor", "baidu_wallpaper", "-a", word)
    assert (result.status, result.output) == (1, "")
    (logged,) = result.log.splitlines()
    assert line in logged


def test_a_wrong_setting_is_reported_once(tmp_path: Path) -> None:
    result = scrapy("doctor", "-s", "WALLPAPERS_PATIENCE_BACKOFF=0", *NOWHERE)
    assert (result.status, result.output) == (1, "")
    (logged,) = result.log.splitlines()
    assert "WALLPAPERS_PATIENCE_BACKOFF must be a number above 0, got '0'" in logged


class SilentServer(StandIn):
    """Accepts every request and never responds."""

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/{path:.*}", self.silence)]

    async def silence(self, request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError


@pytest.mark.slow
def test_a_silent_host_ends_with_a_timeout(tmp_path: Path) -> None:
    with SilentServer([]) as standin:
        result = doctor(f"{standin.origin}/search/acjson", tmp_path, spider="baidu_search")
        assert len(standin.asked) <= 4  # a crawl would retry for minutes
    assert cells(result) == ["baidu_search", "no", "timeout", "0", "none", "not requested"]
    assert result.status == 4


@pytest.mark.parametrize(
    "signum", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_ctrl_c_ends_it_with_130(tmp_path: Path, signum: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}/data/imgs"
        process = start("doctor", "baidu_wallpaper", "-a", f"endpoint={endpoint}", cwd=tmp_path)
        with silent.accept()[0]:  # the page is asked for
            process.send_signal(signum)
            result = finish(process)
    assert (result.status, result.output) == (130, "")


def test_the_log_level_can_be_changed(tmp_path: Path) -> None:
    with StandIn(exhibits(2)) as standin:
        result = doctor(standin.endpoint, tmp_path, "-L", "DEBUG")
    assert "] DEBUG: Crawled (200) <GET " in result.log
    assert result.status == 0
