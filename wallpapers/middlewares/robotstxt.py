"""Obey robots.txt where ROBOTSTXT_OBEY is on, and say so in a way that can be told apart."""

from __future__ import annotations

import logging

from scrapy import Request, Spider
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest

from wallpapers.downloads.errors import RobotsForbiddenError


def _one_line(record: logging.LogRecord) -> bool:
    """Take away the traceback: what a server did to its robots.txt is told in a line."""
    record.exc_info = record.exc_text = None
    return True


logging.getLogger(RobotsTxtMiddleware.__module__).addFilter(_one_line)


class NamedRobotsTxtMiddleware(RobotsTxtMiddleware):
    """Scrapy's, except that its refusal has a class of its own, and its failures no traceback.

    A robots.txt that does not come forbids nothing, as in Scrapy.
    """

    async def process_request(self, request: Request, spider: Spider | None = None) -> None:
        try:
            await super().process_request(request)
        except IgnoreRequest as error:
            raise RobotsForbiddenError(str(error)) from error
