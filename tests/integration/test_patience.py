"""Retry-After, retries with backoff, and outages of a host that has responded before."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import monotonic
from typing import Any

import pytest
from scrapy.http import Response

from tests.conftest import Crawl
from tests.pictures import exhibits
from tests.standin import outages
from tests.standin.picture_faults import PictureCutByLength
from tests.standin.transfer_faults import OtherHosts
from wallpapers.demo.standin import StandIn
from wallpapers.middlewares.retry import retry_after_s
from wallpapers.run.exit_status import ExitStatus

AWAY = {
    "WALLPAPERS_PATIENCE_BACKOFF": 0.1,
    "WALLPAPERS_IDLE_TIMEOUT": 0.3,
    "CONCURRENT_REQUESTS_PER_DOMAIN": 8,
}
ON_THEIR_WAY = 16  # requests that may be refused, as they were sent before the first refusal came


@pytest.mark.parametrize(
    ("status", "as_date"),
    [
        (429, False),
        (503, True),
        pytest.param(429, True, marks=pytest.mark.slow),
        pytest.param(503, False, marks=pytest.mark.slow),
    ],
)
def test_retry_after_applies_to_the_whole_host(crawl: Crawl, status: int, as_date: bool) -> None:
    with outages.BusyServer(exhibits(100)) as standin:
        standin.status, standin.as_date = status, as_date
        run = crawl(standin, {"CONCURRENT_REQUESTS": ON_THEIR_WAY}, rn=20)
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == 100
    assert 0 < standin.refused <= ON_THEIR_WAY


def test_an_absurd_retry_after_is_capped(crawl: Crawl) -> None:
    with outages.BusyServer(exhibits(10)) as standin:
        standin.retry_after = "1000000000"
        run = crawl(standin, {"WALLPAPERS_PATIENCE_MAX_WAIT": 1.1})
    assert run.exit_status is ExitStatus.COMPLETE  # in this century


@pytest.mark.parametrize(
    "date", ["Fri, 31 Dec 9999 23:59:59 -1200", "Mon, 99999999999999999999 Jan 2026 00:00:00 GMT"]
)
def test_a_date_beyond_the_calendar_in_retry_after_is_ignored(crawl: Crawl, date: str) -> None:
    with outages.BusyServer(exhibits(10)) as standin:
        standin.retry_after, standin.wait_s = date, 0.2
        run = crawl(standin, {"WALLPAPERS_PATIENCE_BACKOFF": 0.5})
    assert run.exit_status is ExitStatus.COMPLETE


def test_images_of_a_server_that_stays_busy_fail(crawl: Crawl) -> None:
    with outages.BusyWithPictures(exhibits(8)) as standin:
        standin.wait_s, standin.retry_after = 3600, "0"
        run = crawl(standin, {"WALLPAPERS_PATIENCE_OUTAGE": 1})
    assert run.exit_status is ExitStatus.FAILURES
    assert run.stats["wallpapers/stored"] == 5
    assert run.stats["wallpapers/failed/http_429"] == 3


def test_a_listing_of_a_server_that_stays_busy_is_incomplete(crawl: Crawl) -> None:
    with outages.BusyWithPages(exhibits(8)) as standin:
        standin.wait_s, standin.retry_after = 3600, "0"
        run = crawl(standin, {"WALLPAPERS_PATIENCE_OUTAGE": 1}, rn=1)
    assert run.exit_status is ExitStatus.LISTING
    assert run.stats["wallpapers/stored"] == 5
    assert "HTTP 429" in run.errors()[0]


@pytest.mark.parametrize(
    "fault",
    [outages.StoppedServer, outages.ResettingServer, outages.BlackHole, outages.BadGateway],
)
def test_no_image_fails_during_a_short_outage(
    crawl: Crawl, fault: type[outages.AwayServer]
) -> None:
    with fault(exhibits(100)) as standin:
        run = crawl(standin, AWAY)
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == 100
    assert run.stats["wallpapers/outages"] >= 1
    assert any("; waiting up to" in line for line in run.warnings())


def test_no_image_fails_while_a_name_does_not_resolve(
    crawl: Crawl, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun_s = monotonic()
    real = socket.getaddrinfo

    def failing(host: str, port: int, *args: Any, **more: Any) -> Any:
        if host != "pictures.test":
            return real(host, port, *args, **more)
        if monotonic() - begun_s < 1.5:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real("127.0.0.1", port, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", failing)

    class ElsewhereByName(OtherHosts):
        picture = StandIn.picture

    with ElsewhereByName(exhibits(100)) as standin:
        folder = f"http://pictures.test:{standin.port}/image/pic/item"
        standin.addresses = tuple(f"{folder}/{shown.sign}.jpg" for shown in standin.exhibits[1:])
        run = crawl(standin, {**AWAY, "WALLPAPERS_ALLOW_PRIVATE_ADDRESSES": True})
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == 100


def test_truncated_images_cause_no_outage(crawl: Crawl) -> None:
    with PictureCutByLength(exhibits(30)) as standin:
        run = crawl(standin)
    assert run.stats["wallpapers/failed/cut"] == 29
    assert "wallpapers/outages" not in run.stats


def test_a_host_that_does_not_recover_is_given_up(crawl: Crawl) -> None:
    with outages.ResettingServer(exhibits(60)) as standin:
        standin.away_s = 3600
        run = crawl(standin, {**AWAY, "WALLPAPERS_PATIENCE_OUTAGE": 1})
    assert run.exit_status is ExitStatus.FAILURES
    assert run.stats["wallpapers/failed/connection"] == 60 - run.stats["wallpapers/stored"]
    assert any("waiting up to 1 s for it to recover" in line for line in run.warnings())


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("1" * 40, 111111111111),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_may_be_a_number(header: str, seconds: float | None) -> None:
    read = retry_after_s(Response("http://a/", headers={"Retry-After": header}))
    assert read == seconds


@pytest.mark.parametrize(("hours", "seconds"), [(1, 3600), (-1, 0)])
def test_retry_after_may_be_a_date(hours: int, seconds: float) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)
    read = retry_after_s(Response("http://a/", headers={"Retry-After": date}))
    assert read == pytest.approx(seconds, abs=5)
