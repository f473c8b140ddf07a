"""Scrapy's retries, except that a run which is ending tries nothing again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.downloadermiddlewares.retry import RetryMiddleware

from wallpapers.outcome import Outcome

if TYPE_CHECKING:
    from scrapy import Request, Spider
    from scrapy.http import Response


class StoppableRetryMiddleware(RetryMiddleware):
    """Gives up where Ctrl-C came: a stalled picture would hold the run for all its tries."""

    def process_response(
        self, request: Request, response: Response, spider: Spider | None = None
    ) -> Request | Response:
        if Outcome.of(self.crawler).stopping:
            return response
        return super().process_response(request, response)

    def process_exception(
        self, request: Request, exception: Exception, spider: Spider | None = None
    ) -> Request | Response | None:
        if Outcome.of(self.crawler).stopping:
            return None
        return super().process_exception(request, exception)
