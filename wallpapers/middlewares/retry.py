"""Retry failed requests patiently: Retry-After, backoff, and the health of hosts.

Scrapy retries a failed request immediately, twice, and gives up: a host that is away for five
seconds costs every picture that was requested in them.
"""

from __future__ import annotations

import asyncio
import logging
import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import TYPE_CHECKING, NoReturn, Self
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.utils.httpobj import urlparse_cached

from wallpapers.downloads.errors import RunIsEndingError
from wallpapers.downloads.failures import explain
from wallpapers.downloads.hosts import Host, HostPolicy, Hosts, HostStatusError
from wallpapers.options.setting_values import positive
from wallpapers.run.addon import run_of

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.settings import BaseSettings

    from wallpapers.run.state import RunState

logger = logging.getLogger(__name__)

_AWAY_STATUSES = (429, 502, 503, 504, 522, 524)  # of a host that is away, or refuses to serve
_CHECK_INTERVAL_S = 0.25  # how long a waiting request takes to notice that the run is stopping


class RetryLaterError(IgnoreRequest):
    """A picture's request failed and may be sent again as ``request`` after ``wait_s`` seconds."""

    def __init__(self, request: Request, wait_s: float) -> None:
        super().__init__(f"to be retried in {wait_s:.1f} s")
        self.request = request
        self.wait_s = wait_s


class PatientRetryMiddleware(RetryMiddleware):
    """Scrapy's retries (RETRY_ENABLED, RETRY_TIMES, RETRY_HTTP_CODES, RETRY_EXCEPTIONS) with waits.

    - ``Retry-After``, in seconds or as a date, holds for the whole host, up to
      WALLPAPERS_PATIENCE_MAX_WAIT.
    - Without it, a retry waits WALLPAPERS_PATIENCE_BACKOFF, then twice as long, with jitter.
    - Failures of three addresses without an answer between them are an outage of the host: one
      request at a time probes it, and no other uses up a try. After WALLPAPERS_PATIENCE_OUTAGE (a
      tenth of it for a host that has never answered) the host is given up.

    A page waits here. A picture does not: RetryLaterError sends it back to its pipeline, where it
    waits without occupying a place.

    Stats: Scrapy's ``retry/*``; ``wallpapers/outages``.
    """

    def __init__(self, settings: BaseSettings, state: RunState) -> None:
        super().__init__(settings)
        self._state = state
        self.hosts = Hosts(
            HostPolicy(
                backoff_s=positive(settings, "WALLPAPERS_PATIENCE_BACKOFF"),
                max_wait_s=positive(settings, "WALLPAPERS_PATIENCE_MAX_WAIT"),
                outage_s=positive(settings, "WALLPAPERS_PATIENCE_OUTAGE"),
            )
        )
        # The download handler reads it too late for a run that should not have started.
        positive(settings, "WALLPAPERS_IDLE_TIMEOUT")

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        middleware = cls(crawler.settings, run_of(crawler).state)
        middleware.crawler = crawler
        return middleware

    async def process_request(self, request: Request) -> None:
        """Wait until the host of a page is ready. Raises RunIsEndingError, or the host's error."""
        if not _is_picture(request):
            host = self._host(request)
            while wait_s := host.ready_in_s:
                if host.given_up:
                    raise host.given_up.with_traceback(None)  # or it would grow with every raise
                await self._sleep(wait_s)
        request.meta["sent_at_s"] = monotonic()

    async def process_response(  # type: ignore[override]
        self, request: Request, response: Response, spider: Spider | None = None
    ) -> Request | Response:
        host = self._host(request)
        if response.status not in self.retry_http_codes:
            host.answered()
            return response
        wait_s = retry_after_s(response)
        if wait_s is not None:
            wait_s = min(wait_s, self.hosts.policy.max_wait_s)
            host.pause(wait_s)
        if response.status in _AWAY_STATUSES:
            self._note_failure(request, host, HostStatusError(response.status))
        else:
            host.answered()
        if self._must_give_up(request, host):
            return response
        if host.is_away:
            return await self._again(request.replace(dont_filter=True), host.ready_in_s)
        retried = super().process_response(request, response)
        if isinstance(retried, Request):
            return await self._again(retried, self._backoff_s(retried) if wait_s is None else 0)
        return retried

    async def process_exception(  # type: ignore[override]
        self, request: Request, exception: Exception, spider: Spider | None = None
    ) -> Request | Response | None:
        if not isinstance(exception, self.exceptions_to_retry):
            return None
        host = self._host(request)
        if explain(exception)[0] == "cut":  # a host that sends half a body answers
            host.answered()
        else:
            self._note_failure(request, host, exception)
        if self._must_give_up(request, host):
            return None
        if host.is_away:
            return await self._again(request.replace(dont_filter=True), host.ready_in_s)
        retried = super().process_exception(request, exception)
        if isinstance(retried, Request):
            return await self._again(retried, self._backoff_s(retried))
        return retried

    def _host(self, request: Request) -> Host:
        return self.hosts[urlparse_cached(request).netloc]

    def _note_failure(self, request: Request, host: Host, error: Exception) -> None:
        """Count a failure against the host, unless the host answered others meanwhile."""
        name = urlparse_cached(request).netloc
        answers = request.meta.setdefault("answers_at_failure", {}).setdefault(name, host.answers)
        if self._state.stopping or answers != host.answers:
            return
        # Pages are requested one after the other: each failure of one counts.
        tries = 0 if _is_picture(request) else request.meta.get("retry_times", 0)
        sent_at_s = request.meta.get("sent_at_s", monotonic())
        if not _is_picture(request) and not host.has_answered:
            return  # only the user waits for it, who may have mistyped it
        if host.failed((request.url, tries), error, sent_at_s):
            self.crawler.stats.inc_value("wallpapers/outages")
            logger.warning(
                "Host failed: %s (%s, several addresses in a row); waiting up to %.0f s for it to "
                "recover, other hosts go on (WALLPAPERS_PATIENCE_OUTAGE shortens the wait)",
                urlsplit(request.url).netloc.rpartition("@")[2],
                explain(error)[0],
                host.budget_s,
            )

    def _must_give_up(self, request: Request, host: Host) -> bool:
        return bool(self._state.stopping or host.given_up or request.meta.get("dont_retry"))

    def _backoff_s(self, request: Request) -> float:
        policy = self.hosts.policy
        tries = request.meta.get("retry_times", 1)
        wait_s: float = policy.backoff_s * 2 ** (tries - 1) * random.uniform(0.5, 1.5)
        return min(wait_s, policy.max_wait_s)

    async def _again(self, request: Request, wait_s: float) -> Request:
        """Return a page's *request* after *wait_s*, or raise RetryLaterError for a picture's."""
        if _is_picture(request):
            _raise_later(request, wait_s)
        end_s = monotonic() + wait_s
        while (left_s := end_s - monotonic()) > 0:
            await self._sleep(left_s)
        return request

    async def _sleep(self, seconds: float) -> None:
        """Sleep for a moment at most. Raises RunIsEndingError."""
        if self._state.stopping:
            raise RunIsEndingError
        await asyncio.sleep(min(seconds, _CHECK_INTERVAL_S))


def retry_after_s(response: Response) -> float | None:
    """Return the wait that ``Retry-After`` asks for, in seconds, or None (RFC 9110, 10.2.3)."""
    value = (response.headers.get("Retry-After") or b"").decode("latin-1").strip()
    if value.isdecimal():
        return float(value[:12])
    try:
        date = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return max(0.0, (date.astimezone(UTC) - datetime.now(UTC)).total_seconds())


def _is_picture(request: Request) -> bool:
    return "part" in request.meta


def _raise_later(request: Request, wait_s: float) -> NoReturn:
    raise RetryLaterError(request, wait_s)
