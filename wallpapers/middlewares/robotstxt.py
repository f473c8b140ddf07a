"""Obey robots.txt if ROBOTSTXT_OBEY is on, and raise a separate exception for it."""

from __future__ import annotations

import logging

from scrapy import Request, Spider
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest

from wallpapers.downloads.errors import RobotsForbiddenError


def _remove_traceback(record: logging.LogRecord) -> bool:
    """Reduce *record* to one line, because a failure of a server needs no traceback."""
    record.exc_info = record.exc_text = None
    return True


logging.getLogger(RobotsTxtMiddleware.__module__).addFilter(_remove_traceback)


class NamedRobotsTxtMiddleware(RobotsTxtMiddleware):
    """Scrapy's RobotsTxtMiddleware with its own exception, and without tracebacks in the log.

    If robots.txt cannot be downloaded, everything is allowed, as in Scrapy.
    """

    async def process_request(self, request: Request, spider: Spider | None = None) -> None:
        try:
            await super().process_request(request)
        except IgnoreRequest as error:
            raise RobotsForbiddenError(str(error)) from error
