"""Why a download failed: one reason of the closed list for whatever Scrapy and Twisted raise."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from gzip import BadGzipFile

from OpenSSL import SSL
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadTimeoutError,
    IgnoreRequest,
    NotSupported,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)
from scrapy.utils._compression import _DecompressionMaxSizeExceeded
from service_identity import VerificationError
from twisted.internet.error import TimeoutError as TwistedTimeoutError
from twisted.python.failure import Failure

from wallpapers.downloads.redirects import RedirectLoopError, RedirectRefusedError
from wallpapers.downloads.robots import RobotsForbiddenError

_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (RobotsForbiddenError, "robots"),
    (RedirectLoopError, "redirect_loop"),
    (RedirectRefusedError, "bad_url"),
    (UnsupportedURLSchemeError, "bad_url"),
    (NotSupported, "bad_url"),
    (SSL.Error, "tls"),
    (VerificationError, "tls"),
    (DownloadTimeoutError, "timeout"),
    (TwistedTimeoutError, "timeout"),
    (CannotResolveHostError, "dns"),
    (ResponseDataLossError, "cut"),
    (DownloadCancelledError, "too_large"),  # the handler cancels for no other cause
    (_DecompressionMaxSizeExceeded, "too_large"),
    (IgnoreRequest, "bad_url"),  # a middleware of the user's, Scrapy's offsite among them
    (EOFError, "cut"),  # a compressed body that ends early
    (BadGzipFile, "broken"),
    (zlib.error, "broken"),
)


def explain(error: BaseException | None) -> tuple[str, str]:
    """Return the reason and a short text for what a download raised; ``connection`` by default."""
    causes = list(_causes(error))
    for kind, reason in _REASONS:
        for cause in causes:
            if isinstance(cause, kind):
                return reason, _text(cause)
    return "connection", _text(causes[0]) if causes else ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield *error* and what it was raised for; Twisted keeps a list of failures inside."""
    while error is not None:
        yield error
        for failure in getattr(error, "reasons", ()):
            if isinstance(failure, Failure) and failure.value is not None:
                yield failure.value
        error = error.__cause__


def _text(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
