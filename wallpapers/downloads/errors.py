"""Errors of requests that are not sent, beside Scrapy's own."""

from __future__ import annotations

from scrapy.exceptions import IgnoreRequest


class RunIsEndingError(IgnoreRequest):
    """The run is stopping, so the request is not sent."""
