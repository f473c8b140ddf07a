"""Responses of a listing that are not a page: each is reported in one line, with advice."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from aiohttp import web

from tests.conftest import Crawl
from tests.integration.test_baidu_wallpaper import pages_asked
from tests.pictures import exhibits
from tests.standin import listing_faults as faults
from wallpapers.demo.standin import StandIn
from wallpapers.run.exit_status import ExitStatus


@pytest.mark.parametrize(
    ("fault", "requests", "words"),
    [
        (faults.BrokenServer, 3, ["HTTP 500", "'later'"]),
        (faults.EmptyBody, 3, ["an empty response", "0 bytes"]),
        (faults.DeepJson, 1, ["nested too deeply", "200000 bytes"]),
        (faults.HugeListing, 1, ["a page larger than 8388608 bytes", "application/json", "'{"]),
        (faults.InflatingListing, 1, ["a page larger than 8388608 bytes", "HTTP 200"]),
        (faults.HangingUp, None, ["connection"]),
        (faults.CirclingListing, 6, ["a redirect to", "HTTP 302"]),
    ],
)
@pytest.mark.parametrize("from_page", [0, 10])
def test_an_unexpected_response_is_reported_in_one_line(
    crawl: Crawl,
    fault: type[faults.Answering],
    requests: int | None,
    words: list[str],
    from_page: int,
) -> None:
    with fault(exhibits(20)) as standin:
        standin.from_page = from_page
        run = crawl(standin, rn=10)
        # The HTTP client retries once by itself if a reused connection was closed.
        assert requests is None or len(pages_asked(standin)) == requests + bool(from_page)
    assert run.exit_status is ExitStatus.LISTING
    assert run.stats["wallpapers/stored"] == from_page  # what was read before is kept
    (error,) = run.errors()
    assert "-a endpoint=" in error
    for word in words:
        assert word in error


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ({}, "scrapy crawl baidu_search -a 'word=国家地理 壁纸'"),
        (
            {"tag": "it's; $HOME", "tag3": "海滩", "limit": 5, "rn": 9, "min_size": "4k"},
            "scrapy crawl baidu_search -a 'word=it'\"'\"'s; $HOME 海滩 壁纸' "
            "-a limit=5 -a min_size=4k",
        ),
        ({"tag": "全部"}, "scrapy crawl baidu_search -a 'word=壁纸'"),
    ],
)
@pytest.mark.parametrize("fault", [faults.HtmlListing, faults.EmptyListing, faults.HangingUp])
def test_a_command_is_suggested(
    crawl: Crawl, fault: type[StandIn], arguments: dict[str, Any], command: str
) -> None:
    with fault(exhibits(1)) as standin:
        run = crawl(standin, **arguments)
    (error,) = run.errors()
    assert error.endswith(f"; or try: {command}")
    assert shlex.split(command)[:4] == ["scrapy", "crawl", "baidu_search", "-a"]


def test_no_other_listing_is_suggested_if_the_host_does_not_resolve(crawl: Crawl) -> None:
    with StandIn(exhibits(1)) as standin:
        run = crawl(standin, endpoint="http://listing.invalid/data/imgs")
    (error,) = run.errors()
    assert "Listing request failed: dns (" in error
    assert "check the network and the host name, or use a mirror" in error
    assert "or try:" not in error


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "the source asks for an account; set its API key if it has one, or use a mirror"),
        (403, "the source refuses the request; wait some hours, or use a mirror"),
        (404, "open the address in a browser, or use a mirror"),
        (429, "wait some hours or increase the delay in DOWNLOAD_SLOTS, or use a mirror"),
    ],
)
def test_the_advice_depends_on_the_status(crawl: Crawl, status: int, advice: str) -> None:
    class Refusing(faults.Answering):
        def fault(self, request: web.Request) -> web.StreamResponse:
            return web.Response(status=status)

    with Refusing(exhibits(1)) as standin:
        run = crawl(standin)
    (error,) = run.errors()
    assert f"(HTTP {status}, " in error
    assert advice in error
    assert ("in a browser" in error) is (status == 404)


def test_a_redirect_within_the_host_is_followed(crawl: Crawl) -> None:
    with faults.MovedListing(exhibits(3)) as standin:
        run = crawl(standin)
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == 3


def test_a_page_that_fails_once_is_retried(crawl: Crawl) -> None:
    with faults.RecoveringServer(exhibits(5)) as standin:
        run = crawl(standin)
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == 5


def test_robots_txt_is_obeyed_on_request(crawl: Crawl) -> None:
    with faults.ForbiddingRobots(exhibits(5)) as standin:
        run = crawl(standin, {"ROBOTSTXT_OBEY": True})
        assert pages_asked(standin) == []
    assert run.exit_status is ExitStatus.LISTING
    assert "robots.txt disallows it and ROBOTSTXT_OBEY is on" in run.errors()[0]


def test_a_robots_txt_that_fails_logs_no_traceback(crawl: Crawl) -> None:
    with faults.BrokenRobots(exhibits(2)) as standin:
        run = crawl(standin, {"ROBOTSTXT_OBEY": True})
    assert run.exit_status is ExitStatus.COMPLETE


def test_a_malformed_redirect_logs_no_traceback(crawl: Crawl) -> None:
    with faults.MisleadingListing(exhibits(2)) as standin:
        run = crawl(standin)
    assert run.exit_status is ExitStatus.LISTING
    assert "a redirect without an address" in run.errors()[0]


def test_robots_txt_can_forbid_only_the_images(crawl: Crawl) -> None:
    with faults.ForbiddenPictures(exhibits(2)) as standin:
        run = crawl(standin, {"ROBOTSTXT_OBEY": True})
    assert run.exit_status is ExitStatus.FAILURES
    assert run.stats["wallpapers/failed/robots"] == 2
