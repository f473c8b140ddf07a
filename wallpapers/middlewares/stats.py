"""Count requests and responses as Scrapy does, without serializing each request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.downloadermiddlewares.stats import DownloaderStats

from wallpapers.downloads.responses import PictureResponse

if TYPE_CHECKING:
    from scrapy import Request, Spider
    from scrapy.http import Response


class PictureStatsMiddleware(DownloaderStats):
    """Scrapy's DownloaderStats, without serializing requests and without reading images."""

    def process_request(self, request: Request, spider: Spider | None = None) -> None:
        count = self.stats.inc_value
        count("downloader/request_count")
        count(f"downloader/request_method_count/{request.method}")
        fields = dict.items(request.headers)  # Headers.items() looks up each name again
        size = sum(len(name) + len(value) + 4 for name, values in fields for value in values)
        size += len(request.method) + len(request.url) + len(request.body)
        count("downloader/request_bytes", size)

    def process_response(
        self, request: Request, response: Response, spider: Spider | None = None
    ) -> Request | Response:
        if not isinstance(response, PictureResponse):
            return super().process_response(request, response)
        count = self.stats.inc_value
        count("downloader/response_count")
        count(f"downloader/response_status_count/{response.status}")
        fields = dict.items(response.headers)
        size = sum(len(name) + len(value) + 4 for name, values in fields for value in values)
        count("downloader/response_bytes", size + response.body_size)
        return response
