"""Skip log records below LOG_LEVEL: Scrapy creates two for each wallpaper, at DEBUG."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Self

from scrapy.logformatter import LogFormatter

from wallpapers.logs.level import level_of

if TYPE_CHECKING:
    from scrapy import Request, Spider
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.logformatter import LogFormatterResult
    from twisted.python.failure import Failure


class ShownOnlyLogFormatter(LogFormatter):
    """Scrapy's LogFormatter, with records of responses and items at LOG_LEVEL DEBUG only."""

    def __init__(self, *, shows_debug: bool) -> None:
        self._shows_debug = shows_debug

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(shows_debug=level_of(crawler.settings) <= logging.DEBUG)

    def crawled(  # type: ignore[override]
        self, request: Request, response: Response, spider: Spider
    ) -> LogFormatterResult | None:
        return super().crawled(request, response, spider) if self._shows_debug else None

    def scraped(  # type: ignore[override]
        self, item: Any, response: Response | Failure | None, spider: Spider
    ) -> LogFormatterResult | None:
        return super().scraped(item, response, spider) if self._shows_debug else None
