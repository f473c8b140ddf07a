"""Try again with patience: Retry-After obeyed, backoff, and a pause while a host is away.

Scrapy tries a failed request again at once, twice, and gives up: a host that is away for five
seconds costs every picture that was asked for in them.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import defaultdict
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.exceptions import DownloadFailedError, IgnoreRequest
from scrapy.utils.httpobj import urlparse_cached

from wallpapers.checks import positive
from wallpapers.downloads.reasons import explain
from wallpapers.run.addon import run_of

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.settings import BaseSettings

    from wallpapers.run.state import RunState

logger = logging.getLogger(__name__)

_AWAY_STATUSES = (502, 503, 504, 522, 524)  # of a host that stands before one that is away
_FAILURES_OF_AN_OUTAGE = 5  # in a row
_LONGEST_PAUSE_S = 30.0  # between two probes of a host that is away
_NEVER_ANSWERED = 0.1  # share of the outage budget for a host that has not answered yet
_LOOK_AROUND_S = 0.25  # how long Ctrl-C may go unnoticed by who waits


class RunIsEndingError(IgnoreRequest):
    """Ctrl-C came while a request waited for its host."""


class Host:
    """How one host has been of late."""

    def __init__(self) -> None:
        self.resume_at_s = 0.0  # of the monotonic clock
        self.failures = 0  # in a row
        self.has_answered = False
        self.away_since_s: float | None = None
        self.given_up: Exception | None = None  # what it failed with at last
        self.probe: Request | None = None  # the one that asks a host that is away
        self._pauses = 0

    def pause(self, seconds: float) -> None:
        """Have nobody ask before *seconds* have gone by."""
        self.resume_at_s = max(self.resume_at_s, monotonic() + seconds)

    def answered(self) -> None:
        """Go back to normal: the host is well."""
        self.failures = self._pauses = 0
        self.away_since_s = None
        self.has_answered = True

    def failed(self, error: Exception, *, backoff_s: float, budget_s: float, probed: bool) -> bool:
        """Count a failure; enough of them in a row are an outage. True = one has begun.

        While the host is away only its probes make the pauses longer. After *budget_s* it is
        given up.
        """
        self.failures += 1
        begins = self.away_since_s is None and self.failures >= _FAILURES_OF_AN_OUTAGE
        if begins:
            self.away_since_s = monotonic()
        if self.away_since_s is not None and (begins or probed):
            self.pause(min(backoff_s * 2**self._pauses, _LONGEST_PAUSE_S))
            self._pauses = min(self._pauses + 1, 20)
            if monotonic() - self.away_since_s >= budget_s:
                self.given_up = error
        return begins

    @property
    def is_away(self) -> bool:
        return self.away_since_s is not None and self.given_up is None

    @property
    def wait_s(self) -> float:
        """How long a request has to wait, seconds; 0 = it may go."""
        if self.given_up:
            return 0
        wait_s = self.resume_at_s - monotonic()
        if wait_s <= 0 and self.is_away and self.probe is not None:
            return _LOOK_AROUND_S
        return max(wait_s, 0)


class PatienceMiddleware(RetryMiddleware):
    """Scrapy's retries (RETRY_ENABLED, RETRY_TIMES, RETRY_HTTP_CODES, RETRY_EXCEPTIONS), patiently.

    - ``Retry-After``, in seconds or as a date, holds for the whole host, up to
      WALLPAPERS_PATIENCE_MAX_WAIT.
    - Without it, a try waits WALLPAPERS_PATIENCE_BACKOFF, then twice as long, with jitter.
    - Five failures in a row are an outage: everybody waits while one request at a time probes, and
      loses no try. After WALLPAPERS_PATIENCE_OUTAGE (a tenth of it for a host that has never
      answered) the host is given up for this run, and what it failed with is raised at once.

    Stats: Scrapy's ``retry/*``; ``wallpapers/outages``.
    """

    def __init__(self, settings: BaseSettings, state: RunState) -> None:
        super().__init__(settings)
        self._state = state
        self._backoff_s = positive(settings, "WALLPAPERS_PATIENCE_BACKOFF")
        self._max_wait_s = positive(settings, "WALLPAPERS_PATIENCE_MAX_WAIT")
        self._outage_s = positive(settings, "WALLPAPERS_PATIENCE_OUTAGE")
        # The download handler reads it too late for a run that should not have begun.
        positive(settings, "WALLPAPERS_IDLE_TIMEOUT")
        self._hosts: defaultdict[str, Host] = defaultdict(Host)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        middleware = cls(crawler.settings, run_of(crawler).state)
        middleware.crawler = crawler
        return middleware

    async def process_request(self, request: Request) -> None:
        """Wait until the host may be asked. Raises RunIsEndingError, or what it failed with."""
        host = self._host(request)
        while wait_s := host.wait_s:
            await self._sleep(wait_s)
        if host.given_up:
            raise host.given_up.with_traceback(None)  # or it would grow with every raise
        if host.is_away:
            host.probe = request

    async def process_response(  # type: ignore[override]
        self, request: Request, response: Response, spider: Spider | None = None
    ) -> Request | Response:
        host = self._host(request)
        if response.status not in self.retry_http_codes:
            self._settled(request, host, None)
            return response
        wait_s = retry_after_s(response)
        if wait_s is not None:
            host.pause(min(wait_s, self._max_wait_s))
        away = response.status in _AWAY_STATUSES and wait_s is None
        self._settled(request, host, AwayError(response.status) if away else None)
        if not self._may_go_on(request, host):
            return response
        if host.is_away:
            return _again(request)
        retried = super().process_response(request, response)
        if isinstance(retried, Request) and wait_s is None:
            await self._back_off(retried)
        return retried

    async def process_exception(  # type: ignore[override]
        self, request: Request, exception: Exception, spider: Spider | None = None
    ) -> Request | Response | None:
        host = self._host(request)
        if not isinstance(exception, self.exceptions_to_retry):
            host.probe = None if host.probe is request else host.probe
            return None
        # Who sends half a body is there.
        cut = explain(exception)[0] == "cut"
        self._settled(request, host, None if cut else exception)
        if not self._may_go_on(request, host):
            return None
        if host.is_away:
            return _again(request)
        retried = super().process_exception(request, exception)
        if isinstance(retried, Request):
            await self._back_off(retried)
        return retried

    def _host(self, request: Request) -> Host:
        return self._hosts[urlparse_cached(request).netloc]

    def _settled(self, request: Request, host: Host, error: Exception | None) -> None:
        """Take note of how a request ended."""
        probed = host.probe is request
        if probed:
            host.probe = None
        if error is None:
            host.answered()
            return
        if self._state.stopping:
            return
        budget_s = self._outage_s * (1 if host.has_answered else _NEVER_ANSWERED)
        if not host.has_answered and request.meta.get("download_slot") == "listing":
            budget_s = 0  # nothing waits for it but the user, who may have mistyped it
        began = host.failed(error, backoff_s=self._backoff_s, budget_s=budget_s, probed=probed)
        if began and not host.given_up:
            self.crawler.stats.inc_value("wallpapers/outages")
            logger.warning(
                "%s does not answer (%s): waiting for it, up to %.0f s",
                _name(request),
                explain(error)[0],
                budget_s,
            )

    def _may_go_on(self, request: Request, host: Host) -> bool:
        return not (self._state.stopping or host.given_up or request.meta.get("dont_retry"))

    async def _back_off(self, request: Request) -> None:
        tries = request.meta.get("retry_times", 1)
        jitter = random.uniform(0.5, 1.5)
        end_s = monotonic() + min(self._backoff_s * 2 ** (tries - 1) * jitter, self._max_wait_s)
        while (left_s := end_s - monotonic()) > 0:
            await self._sleep(left_s)

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but look around now and then. Raises RunIsEndingError."""
        if self._state.stopping:
            raise RunIsEndingError
        await asyncio.sleep(min(seconds, _LOOK_AROUND_S))


class AwayError(DownloadFailedError):
    """A gateway says that what stands behind it does not answer."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}, again and again")


def retry_after_s(response: Response) -> float | None:
    """Return what ``Retry-After`` asks for, in seconds from now, or None (RFC 9110, 10.2.3)."""
    value = (response.headers.get("Retry-After") or b"").decode("latin-1").strip()
    if value.isdecimal():
        return float(value[:12])
    try:
        date = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return max(0.0, (date.astimezone(UTC) - datetime.now(UTC)).total_seconds())


def _again(request: Request) -> Request:
    """Return *request* to be tried again, with all the tries that it had."""
    return request.replace(dont_filter=True)


def _name(request: Request) -> str:
    return urlsplit(request.url).netloc.rpartition("@")[2]
