"""Map exceptions of Scrapy and aiohttp to the reasons of failed downloads."""

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

_SSL_CONTEXT = re.compile(r" ssl:(<[^>]*>|default)")  # aiohttp prints the context object

# How aiohttp prints a malformed response; the status in it is aiohttp's, not the server's.
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
    (DownloadCancelledError, "too_large"),  # the only cause for which the handler cancels
    (IgnoreRequest, "bad_url"),  # from any other middleware, such as Scrapy's offsite middleware
)


def explain(error: BaseException | None) -> tuple[str, str]:
    """Return the reason for a download *error* and a short text; ``connection`` by default."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, HostStatusError):
            return http_reason(cause.status), "host out of service"
    for error_type, reason in _REASONS:
        for cause in causes:
            if isinstance(cause, error_type):
                return reason, _text(cause)
    return "connection", _text(causes[0]) if causes else ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield *error* and the chain of its causes."""
    while error is not None:
        yield error
        error = error.__cause__


def _text(error: BaseException) -> str:
    text = error.message if isinstance(error, HttpProcessingError) else str(error)
    text = _PARSER_ERROR.sub(r"\1", _SSL_CONTEXT.sub("", " ".join(text.split())))
    return text[:200] or type(error).__name__
