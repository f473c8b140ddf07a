"""Why a download failed: one reason of the closed list for whatever Scrapy and aiohttp raise."""

from __future__ import annotations

import re
from collections.abc import Iterator

import aiohttp
from aiohttp.http_exceptions import ContentEncodingError, HttpProcessingError
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadTimeoutError,
    IgnoreRequest,
    NotSupported,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)

from wallpapers.downloads.errors import (
    RedirectLoopError,
    RedirectRefusedError,
    RobotsForbiddenError,
)
from wallpapers.downloads.guard import PrivateAddressError
from wallpapers.downloads.hosts import HostStatusError
from wallpapers.run.reasons import http_reason

_SSL_CONTEXT = re.compile(r" ssl:(<[^>]*>|default)")  # aiohttp tells the object

# aiohttp's own statuses of broken answers, which no server sent.
_PARSER_ERROR = re.compile(r"<\w+: \d{3}, message=['\"](.*?)['\"]>")

_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (PrivateAddressError, "private_address"),
    (RobotsForbiddenError, "robots"),
    (RedirectLoopError, "redirect_loop"),
    (RedirectRefusedError, "bad_url"),
    (UnsupportedURLSchemeError, "bad_url"),
    (NotSupported, "bad_url"),
    (aiohttp.ClientSSLError, "tls"),
    (DownloadTimeoutError, "timeout"),
    (CannotResolveHostError, "dns"),
    (ContentEncodingError, "broken"),
    (ResponseDataLossError, "cut"),
    (DownloadCancelledError, "too_large"),  # the handler cancels for no other cause
    (IgnoreRequest, "bad_url"),  # a middleware of the user's, Scrapy's offsite among them
)


def explain(error: BaseException | None) -> tuple[str, str]:
    """Return the reason and a short text for what a download raised; ``connection`` by default."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, HostStatusError):
            return http_reason(cause.status), "its host does not serve at present"
    for kind, reason in _REASONS:
        for cause in causes:
            if isinstance(cause, kind):
                return reason, _text(cause)
    return "connection", _text(causes[0]) if causes else ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield *error* and what it was raised for."""
    while error is not None:
        yield error
        error = error.__cause__


def _text(error: BaseException) -> str:
    said = error.message if isinstance(error, HttpProcessingError) else str(error)
    said = _PARSER_ERROR.sub(r"\1", _SSL_CONTEXT.sub("", " ".join(said.split())))
    return said[:200] or type(error).__name__
