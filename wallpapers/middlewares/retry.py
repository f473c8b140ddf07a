"""Retry failed requests with backoff, Retry-After and pauses during outages of a host.

Scrapy retries a failed request immediately, twice, and then gives up. If a host is down for five
seconds, all images that are requested in this time fail.
"""

from __future__ import annotations

import asyncio
import logging
import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import TYPE_CHECKING, Self
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
from wallpapers.signals import page_retried, send_to_receivers

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.settings import BaseSettings

    from wallpapers.run.state import RunState

logger = logging.getLogger(__name__)

_OUTAGE_STATUSES = (429, 502, 503, 504, 522, 524)  # the host is down or overloaded
_CHECK_INTERVAL_S = 0.25  # between two checks whether the run is stopping


class RetryLaterError(IgnoreRequest):
    """A request for an image failed; ``request`` may be sent after ``wait_s`` seconds."""

    def __init__(self, request: Request, wait_s: float) -> None:
        super().__init__(f"to be retried in {wait_s:.1f} s")
        self.request = request
        self.wait_s = wait_s


class PatientRetryMiddleware(RetryMiddleware):
    """Scrapy's RetryMiddleware with delays; the RETRY_* settings keep their meaning.

    - ``Retry-After``, in seconds or as a date, applies to the whole host, up to
      WALLPAPERS_PATIENCE_MAX_WAIT.
    - Without it, the first retry waits for WALLPAPERS_PATIENCE_BACKOFF and each further one twice
      as long, with jitter.
    - If three addresses of a host fail without a response between them, an outage begins. One
      request at a time probes the host, and failures do not use up retries. After
      WALLPAPERS_PATIENCE_OUTAGE, or a tenth of it if the host has never responded, the host is
      given up.

    Requests for pages wait here. Requests for images raise RetryLaterError and wait in their
    pipeline, where they do not occupy a place.

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
        # Checked here, because the download handler, which uses it, is created too late.
        positive(settings, "WALLPAPERS_IDLE_TIMEOUT")

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        middleware = cls(crawler.settings, run_of(crawler).state)
        middleware.crawler = crawler
        return middleware

    async def process_request(self, request: Request) -> None:
        """Delay the request for a page until its host is ready.

        Raises RunIsEndingError, or the last error of a host that is given up.
        """
        if not _is_picture(request):
            host = self._host(request)
            while wait_s := host.ready_in_s:
                if host.give_up_error:
                    raise host.give_up_error.with_traceback(None)  # which grows with each raise
                await self._sleep(wait_s)
        request.meta["sent_at_s"] = monotonic()

    async def process_response(  # type: ignore[override]
        self, request: Request, response: Response, spider: Spider | None = None
    ) -> Request | Response:
        host = self._host(request)
        if response.status not in self.retry_http_codes:
            host.record_response()
            return response
        wait_s = retry_after_s(response)
        if wait_s is not None:
            wait_s = min(wait_s, self.hosts.policy.max_wait_s)
            host.pause(wait_s)
        if response.status in _OUTAGE_STATUSES:
            self._record_failure(request, host, HostStatusError(response.status))
        else:
            host.record_response()
        if self._is_final(request, host):
            return response
        reason = f"http_{response.status}"
        if host.in_outage:
            return await self._delayed(request.replace(dont_filter=True), host.ready_in_s, reason)
        retried = super().process_response(request, response)
        if isinstance(retried, Request):
            backoff_s = self._backoff_s(retried) if wait_s is None else 0
            return await self._delayed(retried, backoff_s, reason)
        return retried

    async def process_exception(  # type: ignore[override]
        self, request: Request, exception: Exception, spider: Spider | None = None
    ) -> Request | Response | None:
        if not isinstance(exception, self.exceptions_to_retry):
            return None
        host = self._host(request)
        reason = explain(exception)[0]
        if reason in ("cut", "broken"):  # the host has responded
            host.record_response()
        else:
            self._record_failure(request, host, exception)
        if self._is_final(request, host):
            return None
        if host.in_outage:
            return await self._delayed(request.replace(dont_filter=True), host.ready_in_s, reason)
        retried = super().process_exception(request, exception)
        if isinstance(retried, Request):
            return await self._delayed(retried, self._backoff_s(retried), reason)
        return retried

    def _host(self, request: Request) -> Host:
        return self.hosts[urlparse_cached(request).netloc]

    def _record_failure(self, request: Request, host: Host, error: Exception) -> None:
        """Record a failure of the host, unless it has responded to others in the meantime."""
        name = urlparse_cached(request).netloc
        counts = request.meta.setdefault("responses_at_failure", {})
        if self._state.stopping or counts.setdefault(name, host.responses) != host.responses:
            return
        # Pages are requested one after the other, so each failed try counts as an address.
        tries = 0 if _is_picture(request) else request.meta.get("retry_times", 0)
        sent_at_s = request.meta.get("sent_at_s", monotonic())
        if not _is_picture(request) and not host.has_responded:
            return  # a mistyped start address should fail soon
        if host.record_failure((request.url, tries), error, sent_at_s):
            self.crawler.stats.inc_value("wallpapers/outages")
            logger.warning(
                "Host failed: %s (%s, several addresses in a row); waiting up to %.0f s for it "
                "to recover; other hosts are not affected "
                "(WALLPAPERS_PATIENCE_OUTAGE limits the wait)",
                _name_of(request),
                explain(error)[0],
                host.budget_s,
                extra={"kind": f"Host failed: {_name_of(request)}"},
            )

    def _is_final(self, request: Request, host: Host) -> bool:
        return bool(self._state.stopping or host.give_up_error or request.meta.get("dont_retry"))

    def _backoff_s(self, request: Request) -> float:
        policy = self.hosts.policy
        tries = request.meta.get("retry_times", 1)
        wait_s: float = policy.backoff_s * 2 ** (tries - 1) * random.uniform(0.5, 1.5)
        return min(wait_s, policy.max_wait_s)

    async def _delayed(self, request: Request, wait_s: float, reason: str) -> Request:
        """Return the *request* for a page after *wait_s*; raise RetryLaterError for an image."""
        if _is_picture(request):
            raise RetryLaterError(request, wait_s)
        send_to_receivers(
            self.crawler.signals,
            page_retried,
            reason=reason,
            host=_name_of(request),
            retry=request.meta.get("retry_times", 0),
            most=request.meta.get("max_retry_times", self.max_retry_times),
            wait_s=max(wait_s, self._host(request).ready_in_s),
        )
        end_s = monotonic() + wait_s
        while (left_s := end_s - monotonic()) > 0:
            await self._sleep(left_s)
        return request

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but no longer than until the next check. Raises RunIsEndingError."""
        if self._state.stopping:
            raise RunIsEndingError
        await asyncio.sleep(min(seconds, _CHECK_INTERVAL_S))


def retry_after_s(response: Response) -> float | None:
    """Return the delay in ``Retry-After`` in seconds, or None (RFC 9110, section 10.2.3)."""
    value = (response.headers.get("Retry-After") or b"").decode("latin-1").strip()
    if value.isdecimal():
        return float(value[:12])
    try:
        date = parsedate_to_datetime(value).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):  # OverflowError: of a year, or of a time zone
        return None
    return max(0.0, (date - datetime.now(UTC)).total_seconds())


def _name_of(request: Request) -> str:
    """Return the host of *request* for a message, without user and password."""
    return urlsplit(request.url).netloc.rpartition("@")[2]


def _is_picture(request: Request) -> bool:
    return "part" in request.meta
