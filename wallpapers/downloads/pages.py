"""Keep a page that is too large small, and have it arrive all the same: it is to be diagnosed.

Scrapy cancels a download that grows too large, and with it everything that could be said of it:
status, type, first bytes. A request with the meta key ``page_maxsize`` (bytes, after inflation)
gets an answer instead, with the flag ``too_large`` and the beginning of its body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from scrapy import signals
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.exceptions import IgnoreRequest, StopDownload

if TYPE_CHECKING:
    from scrapy import Request, Spider
    from scrapy.crawler import Crawler
    from scrapy.http import Response

TOO_LARGE = "too_large"
_KEPT_BYTES = 1024


class PageCompressionMiddleware(HttpCompressionMiddleware):
    """Scrapy's inflation, capped for pages at ``page_maxsize``, as is the transfer itself."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        middleware = super().from_crawler(crawler)
        crawler.signals.connect(middleware.bytes_received, signals.bytes_received)
        return middleware

    def bytes_received(self, data: bytes, request: Request) -> None:
        most = request.meta.get("page_maxsize")
        if most is None:
            return
        received = request.meta["page_received"] = request.meta.get("page_received", 0) + len(data)
        if received > most:
            raise StopDownload(fail=False)

    def process_response(
        self, request: Request, response: Response, spider: Spider | None = None
    ) -> Request | Response:
        most = request.meta.get("page_maxsize")
        if most is None:
            return super().process_response(request, response)
        if "download_stopped" in response.flags:
            return _beginning(response)
        capped = request.replace(meta={**request.meta, "download_maxsize": most})
        try:
            return super().process_response(capped, response)
        except IgnoreRequest:
            return _beginning(response)


def _beginning(response: Response) -> Response:
    return response.replace(body=response.body[:_KEPT_BYTES], flags=[*response.flags, TOO_LARGE])
