"""Downloads into part files: time limits, size limits, resumed transfers."""

from __future__ import annotations

import os
from time import sleep
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
def test_a_stalled_transfer_times_out(crawl: Crawl, fault: type[StandIn]) -> None:
    with fault(exhibits(2)) as standin:
        run = crawl(standin, QUICK)
    assert run.stats["wallpapers/failed/timeout"] == 1
    assert run.stats["wallpapers/stored"] == 1


def test_a_slow_but_steady_transfer_is_not_aborted(crawl: Crawl) -> None:
    with faults.SteadyPicture(exhibits(2)) as standin:
        run = crawl(standin, QUICK)
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["elapsed_time_seconds"] > 2 * QUICK["WALLPAPERS_IDLE_TIMEOUT"]


def test_a_slow_disk_is_not_taken_for_an_idle_server(
    crawl: Crawl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_slowly(path: Any, *arguments: Any, **options: Any) -> int:
        if str(path).endswith(".part"):
            sleep(2 * QUICK["WALLPAPERS_IDLE_TIMEOUT"])
        return open_now(path, *arguments, **options)

    open_now = os.open
    monkeypatch.setattr(os, "open", open_slowly)
    large = encoded(noise(1, 1200, 900), quality=100)
    assert len(large) > 300_000  # written while it is received
    with StandIn([exhibit(1, large)]) as standin:
        run = crawl(standin, QUICK)
    assert run.exit_status is ExitStatus.COMPLETE
    assert len(standin.asked) == 3  # two pages, one image


def test_download_timeout_limits_the_whole_transfer(crawl: Crawl) -> None:
    with faults.SteadyPicture(exhibits(2)) as standin:
        run = crawl(standin, {**QUICK, "DOWNLOAD_TIMEOUT": 0.7})
    assert run.stats["wallpapers/failed/timeout"] == 1


# Size


def test_a_web_page_is_aborted_after_its_first_bytes(crawl: Crawl) -> None:
    with faults.EndlessPage(exhibits(2)) as standin:
        run = crawl(standin)
    assert run.stats["wallpapers/failed/not_an_image"] == 1
    assert standin.sent_bytes < 32_000_000  # what the sockets' buffers swallowed


def test_a_small_image_is_aborted_after_its_header(crawl: Crawl) -> None:
    with faults.EndlessPage([exhibit(1, encoded(noise(1, 200, 200))), exhibit(2)]) as standin:
        standin.first = encoded(noise(3))
        run = crawl(standin, {"IMAGES_MIN_WIDTH": 100, "IMAGES_MIN_HEIGHT": 96})
    assert run.stats["wallpapers/filtered"] == 2


IMPATIENT = {"WALLPAPERS_PATIENCE_BACKOFF": 0.1, "WALLPAPERS_PATIENCE_OUTAGE": 1}
ENCODINGS = ("gzip", "deflate", "br", "zstd", "x-gzip", "BR", "gzip, gzip", "zstd, deflate")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (faults.CompressedPictures, None),
        (faults.InflatingPictures, "too_large"),
        (faults.GarbledPictures, "broken"),
    ],
)
def test_compressed_responses_are_decompressed_up_to_a_limit(
    crawl: Crawl, fault: type[faults.CompressedPictures], reason: str | None
) -> None:
    with fault(exhibits(1 + len(ENCODINGS))) as standin:
        standin.encodings = ENCODINGS
        run = crawl(standin, {"DOWNLOAD_MAXSIZE": 4_000_000, **IMPATIENT})
    assert "wallpapers/outages" not in run.stats  # the host has responded
    if reason:
        assert run.stats[f"wallpapers/failed/{reason}"] == len(ENCODINGS), run.warnings()
    else:
        contents = {run.bytes_of(image) for image in run.images()}
        assert contents == {exhibit.content() for exhibit in standin.exhibits}, run.warnings()


# Interrupted transfers


def test_an_interrupted_transfer_is_resumed(crawl: Crawl) -> None:
    with faults.BreakingPicture(exhibits(2)) as standin:
        run = crawl(standin, {"RETRY_TIMES": 0})
        pictures = [path for path in standin.asked if standin.exhibits[1].sign in path]
    assert run.exit_status is ExitStatus.COMPLETE
    # Bytes that were in transit when the connection broke may be requested again.
    assert run.stats["wallpapers/continued"] >= 2
    assert len(pictures) == 1 + run.stats["wallpapers/continued"]
    assert faults.BreakingPicture.content in [run.bytes_of(image) for image in run.images()]


@pytest.mark.parametrize("fault", [faults.BreakingOnce, faults.ChangingPicture])
def test_a_transfer_that_cannot_be_resumed_starts_again(crawl: Crawl, fault: type[StandIn]) -> None:
    with fault(exhibits(2)) as standin:
        run = crawl(standin, {"RETRY_TIMES": 0})
        expected = standin.content  # type: ignore[attr-defined]
    assert run.exit_status is ExitStatus.COMPLETE
    assert expected in [run.bytes_of(image) for image in run.images()]


@pytest.mark.parametrize("answer", ["other etag", "other length", "other offset", "forbidden"])
def test_a_wrong_response_to_range_is_not_appended(crawl: Crawl, answer: str) -> None:
    with faults.CarelessRanges(exhibits(2)) as standin:
        standin.rest_is = answer
        run = crawl(standin, {"RETRY_TIMES": 0})
    assert run.exit_status is ExitStatus.COMPLETE
    assert faults.CarelessRanges.content in [run.bytes_of(image) for image in run.images()]


def test_headers_that_are_not_utf_8_are_accepted(crawl: Crawl) -> None:
    with faults.ForeignHeaders(exhibits(3)) as standin:
        run = crawl(standin)
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == 3


@pytest.mark.parametrize("most", [1, 4, 16])
def test_concurrent_requests_per_domain_is_kept(crawl: Crawl, most: int) -> None:
    with faults.CountingServer(exhibits(40)) as standin:
        standin.wanted = most
        crawl(standin, {"CONCURRENT_REQUESTS_PER_DOMAIN": most})
    assert standin.most == most


def test_part_files_of_killed_runs_are_removed_and_those_of_others_are_not(crawl: Crawl) -> None:
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


# Scrapy's signals and middlewares


class StoppingExtension:
    """Stops every image after its headers."""

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
    """A downloader middleware of the user."""

    def process_request(self, request: Request) -> None:
        request.headers["X-Signed"] = "yes"

    def process_response(self, request: Request, response: Response) -> Response:
        assert response.status == 200
        return response


def test_a_signal_handler_can_stop_a_download(crawl: Crawl) -> None:
    with StandIn(exhibits(2)) as standin:
        run = crawl(standin, {"EXTENSIONS": {**EXTENSIONS, StoppingExtension: 0}})
    assert run.stats["wallpapers/failed/empty"] == 2


def test_a_users_downloader_middleware_applies_to_images(crawl: Crawl) -> None:
    middlewares = {**DOWNLOADER_MIDDLEWARES, SigningMiddleware: 800}
    with StandIn(exhibits(2)) as standin:
        run = crawl(standin, {"DOWNLOADER_MIDDLEWARES": middlewares})
        assert {headers.get("X-Signed") for headers in standin.received} == {"yes"}
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["downloader/response_bytes"] > sum(image["size"] for image in run.images())
