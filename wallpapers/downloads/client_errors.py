"""Translate the errors of aiohttp's client into those that Scrapy's middlewares know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from scrapy import Request
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)

from wallpapers.downloads.framing import MalformedResponseError


@contextmanager
def scrapys_errors(request: Request) -> Iterator[None]:
    """Turn what aiohttp raises into what Scrapy's middlewares know."""
    try:
        yield
    except TimeoutError as error:
        raise DownloadTimeoutError(f"no complete answer in time from {request.url}") from error
    except (aiohttp.InvalidUrlClientError, aiohttp.NonHttpUrlClientError) as error:
        raise UnsupportedURLSchemeError(str(error)) from error
    except aiohttp.ClientConnectorDNSError as error:
        raise CannotResolveHostError(str(error)) from error
    except aiohttp.ClientSSLError as error:
        raise DownloadFailedError(str(error)) from error
    except aiohttp.ClientConnectorError as error:
        raise DownloadConnectionRefusedError(str(error)) from error
    except aiohttp.ClientPayloadError as error:
        raise ResponseDataLossError(str(error)) from error
    except aiohttp.ClientHttpProxyError as error:
        raise DownloadFailedError(f"the proxy answered HTTP {error.status}") from error
    except aiohttp.ClientResponseError as error:  # its 400 was sent by nobody
        raise DownloadFailedError(str(MalformedResponseError(error.message))) from error
    except aiohttp.ClientError as error:
        raise DownloadFailedError(str(error) or type(error).__name__) from error
    except ValueError as error:  # of a name that cannot be one
        raise UnsupportedURLSchemeError(str(error)) from error
