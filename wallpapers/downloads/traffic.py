"""Scrapy's stats of requests and answers, without writing out each request to learn its length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.downloadermiddlewares.stats import DownloaderStats

if TYPE_CHECKING:
    from scrapy import Request, Spider


class Traffic(DownloaderStats):
    """Scrapy's DownloaderStats, except that the bytes of a request are its parts', added up."""

    def process_request(self, request: Request, spider: Spider | None = None) -> None:
        count = self.stats.inc_value
        count("downloader/request_count")
        count(f"downloader/request_method_count/{request.method}")
        fields = dict.items(request.headers)  # Scrapy's own looks each one up again
        size = sum(len(name) + len(value) + 4 for name, values in fields for value in values)
        size += len(request.method) + len(request.url) + len(request.body)
        count("downloader/request_bytes", size)
