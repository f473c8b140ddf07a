"""Define exceptions for requests that are not sent, in addition to Scrapy's."""

from __future__ import annotations

from scrapy.exceptions import IgnoreRequest


class RunIsEndingError(IgnoreRequest):
    """The run is stopping, so the request is not sent."""


class RobotsForbiddenError(IgnoreRequest):
    """The robots.txt of the host disallows the address."""


class RedirectLoopError(IgnoreRequest):
    """There were more redirects than REDIRECT_MAX_TIMES."""


class RedirectRefusedError(IgnoreRequest):
    """A redirect leads to an address that must not be requested."""
