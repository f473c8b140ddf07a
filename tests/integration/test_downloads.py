"""How bytes come in: into part files, within bounds of time and size, and whole."""

from __future__ import annotations

from typing import Any

import pytest
from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import StopDownload
from scrapy.http import Response

from tests.conftest import Crawl
from tests.pictures import encoded, exhibit, exhibits, noise
from tests.standin import transfer_faults as faults
from wallpapers.demo.standin import StandIn
from wallpapers.run.exit_status import ExitStatus
from wallpapers.settings import DOWNLOADER_MIDDLEWARES, EXTENSIONS

QUICK = {"WALLPAPERS_IDLE_TIMEOUT": 0.5, "RETRY_TIMES": 0}


# Time


@pytest.mark.parametrize(
    "fault", [faults.SilentServer, faults.StallingPicture, faults.DrippingPicture]
)
def test_a_transfer_that_brings_nothing_is_given_up(crawl: Crawl, fault: type[StandIn]) -> None:
    with fault(exhibits(2)) as standin:
        run = crawl(standin, QUICK)
    assert run.stats["wallpapers/failed/timeout"] == 1
    assert run.stats["wallpapers/stored"] == 1


def test_a_transfer_that_is_slow_but_steady_is_not_cut(crawl: Crawl) -> None:
    with faults.SteadyPicture(exhibits(2)) as standin:
        run = crawl(standin, QUICK)
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["elapsed_time_seconds"] > 2 * QUICK["WALLPAPERS_IDLE_TIMEOUT"]


def test_the_total_time_is_scrapys_own_setting(crawl: Crawl) -> None:
    with faults.SteadyPicture(exhibits(2)) as standin:
        run = crawl(standin, {**QUICK, "DOWNLOAD_TIMEOUT": 0.7})
    assert run.stats["wallpapers/failed/timeout"] == 1


# Size


def test_a_web_page_is_given_up_at_its_first_bytes(crawl: Crawl) -> None:
    with faults.EndlessPage(exhibits(2)) as standin:
        run = crawl(standin)
    assert run.stats["wallpapers/failed/not_an_image"] == 1
    assert standin.sent_bytes < 32_000_000  # what the sockets' buffers swallowed


def test_a_picture_that_is_too_small_is_given_up_at_its_header(crawl: Crawl) -> None:
    with faults.EndlessPage([exhibit(1, encoded(noise(1, 200, 200))), exhibit(2)]) as standin:
        standin.first = encoded(noise(3))
        run = crawl(standin, {"IMAGES_MIN_WIDTH": 100, "IMAGES_MIN_HEIGHT": 96})
    assert run.stats["wallpapers/filtered"] == 2


@pytest.mark.parametrize(
    "encoding", ["gzip", "deflate", "br", "zstd", "x-gzip", "BR", "gzip, gzip", "zstd, deflate"]
)
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (faults.CompressedPicture, None),
        (faults.InflatingPicture, "too_large"),
        (faults.GarbledPicture, "broken"),
    ],
)
def test_what_comes_compressed_is_inflated_within_bounds(
    crawl: Crawl, encoding: str, fault: type[faults.CompressedPicture], reason: str | None
) -> None:
    with fault(exhibits(2)) as standin:
        standin.encoding = encoding
        run = crawl(standin, {"DOWNLOAD_MAXSIZE": 4_000_000})
    if reason:
        assert run.stats[f"wallpapers/failed/{reason}"] == 1
    else:
        assert faults.PICTURE in [run.bytes_of(image) for image in run.images()]


# Breaking and going on


def test_a_body_that_breaks_late_is_continued(crawl: Crawl) -> None:
    with faults.BreakingPicture(exhibits(2)) as standin:
        run = crawl(standin, {"RETRY_TIMES": 0})
        pictures = [path for path in standin.asked if standin.exhibits[1].sign in path]
    assert run.exit_status is ExitStatus.COMPLETE
    # What was on its way when the connection broke may be lost, and is asked for too.
    assert run.stats["wallpapers/continued"] >= 2
    assert len(pictures) == 1 + run.stats["wallpapers/continued"]
    assert faults.BreakingPicture.content in [run.bytes_of(image) for image in run.images()]


@pytest.mark.parametrize("fault", [faults.BreakingOnce, faults.ChangingPicture])
def test_a_body_that_cannot_be_continued_is_begun_anew(crawl: Crawl, fault: type[StandIn]) -> None:
    with fault(exhibits(2)) as standin:
        run = crawl(standin, {"RETRY_TIMES": 0})
        expected = standin.content  # type: ignore[attr-defined]
    assert run.exit_status is ExitStatus.COMPLETE
    assert expected in [run.bytes_of(image) for image in run.images()]


@pytest.mark.parametrize("answer", ["other etag", "other length", "other offset", "forbidden"])
def test_what_is_no_rest_of_a_body_is_not_joined_to_it(crawl: Crawl, answer: str) -> None:
    with faults.CarelessRanges(exhibits(2)) as standin:
        standin.rest_is = answer
        run = crawl(standin, {"RETRY_TIMES": 0})
    assert run.exit_status is ExitStatus.COMPLETE
    assert faults.CarelessRanges.content in [run.bytes_of(image) for image in run.images()]


def test_headers_that_are_no_utf_8_do_no_harm(crawl: Crawl) -> None:
    with faults.ForeignHeaders(exhibits(3)) as standin:
        run = crawl(standin)
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == 3


@pytest.mark.parametrize("most", [1, 4, 16])
def test_a_host_is_asked_for_no_more_at_once_than_the_setting_says(crawl: Crawl, most: int) -> None:
    with faults.CountingServer(exhibits(40)) as standin:
        standin.wanted = most
        crawl(standin, {"CONCURRENT_REQUESTS_PER_DOMAIN": most})
    assert standin.most == most


def test_what_killed_runs_left_is_swept_and_what_others_hold_is_not(crawl: Crawl) -> None:
    import fcntl

    dead, alive = (crawl.store / ".parts" / name for name in ("1-deadbeef", "1-livebeef"))
    for folder in (dead, alive):
        folder.mkdir(parents=True)
        (folder / "lock").touch()
        (folder / "0.1.part").write_bytes(encoded(noise(1)))
    with (alive / "lock").open() as lock, StandIn(exhibits(2)) as standin:
        fcntl.flock(lock, fcntl.LOCK_EX)
        crawl.stats_of(standin)
    assert [path.name for path in (crawl.store / ".parts").iterdir()] == ["1-livebeef"]


# Scrapy's own ways


class StoppingExtension:
    """Stops every picture at its headers."""

    def __init__(self) -> None:
        self.headers: list[str] = []

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> StoppingExtension:
        extension = cls()
        crawler.signals.connect(extension.headers_received, signals.headers_received)
        return extension

    def headers_received(self, headers: Any, body_length: int, request: Request) -> None:
        if "/image/" in request.url:
            assert body_length > 0
            raise StopDownload(fail=False)


class SigningMiddleware:
    """A user's own downloader middleware."""

    def process_request(self, request: Request) -> None:
        request.headers["X-Signed"] = "yes"

    def process_response(self, request: Request, response: Response) -> Response:
        assert response.status == 200
        return response


def test_scrapys_signals_can_stop_a_download(crawl: Crawl) -> None:
    with StandIn(exhibits(2)) as standin:
        run = crawl(standin, {"EXTENSIONS": {**EXTENSIONS, StoppingExtension: 0}})
    assert run.stats["wallpapers/failed/empty"] == 2


def test_a_downloader_middleware_of_the_user_applies_to_pictures(crawl: Crawl) -> None:
    middlewares = {**DOWNLOADER_MIDDLEWARES, SigningMiddleware: 800}
    with StandIn(exhibits(2)) as standin:
        run = crawl(standin, {"DOWNLOADER_MIDDLEWARES": middlewares})
        assert {headers.get("X-Signed") for headers in standin.received} == {"yes"}
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["downloader/response_bytes"] > sum(image["size"] for image in run.images())
