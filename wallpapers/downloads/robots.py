"""Obey robots.txt where ROBOTSTXT_OBEY is on, and say so in a way that can be told apart."""

from __future__ import annotations

from scrapy import Request
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.robotstxt import RobotParser


class RobotsForbiddenError(IgnoreRequest):
    """The robots.txt of the host forbids this address."""


class NamedRobotsTxtMiddleware(RobotsTxtMiddleware):
    """Scrapy's, except that its refusal has a class of its own."""

    def process_request_2(self, rp: RobotParser | None, request: Request) -> None:
        try:
            super().process_request_2(rp, request)
        except IgnoreRequest as error:
            raise RobotsForbiddenError(str(error)) from error
