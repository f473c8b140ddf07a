"""Run the chain of downloader middlewares without creating needless coroutines."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from scrapy import Request
from scrapy.core.downloader.middleware import DownloaderMiddlewareManager
from scrapy.http import Response
from scrapy.utils.defer import ensure_awaitable

if TYPE_CHECKING:
    from collections import deque


class DirectMiddlewareManager(DownloaderMiddlewareManager):
    """Scrapy's chain of downloader middlewares, which awaits only awaitable results."""

    async def _process_request(
        self,
        request: Request,
        download_func: Callable[[Request], Coroutine[Any, Any, Response]],
    ) -> Response | Request:
        for method in self._methods("process_request"):
            result = self._handle_mw_method(method, request=request)
            if result is None:
                continue
            if not isinstance(result, (Response, Request)):
                result = await ensure_awaitable(result)
            if result is not None:
                return _checked(method, result)
        return await download_func(request)

    async def _process_response(
        self, response: Response | Request, request: Request
    ) -> Response | Request:
        for method in self._methods("process_response"):
            if isinstance(response, Request):
                return response
            result = self._handle_mw_method(method, request=request, response=response)
            if not isinstance(result, (Response, Request)):
                result = await ensure_awaitable(result)
            response = _checked(method, result)
        return response

    def _methods(self, name: str) -> deque[Callable[..., Any]]:
        return self.methods[name]  # type: ignore[return-value]


def _checked(method: Callable[..., Any], result: object) -> Response | Request:
    if not isinstance(result, (Response, Request)):
        raise TypeError(
            f"Middleware {method.__qualname__} must return a Response or a Request, "
            f"got {type(result).__name__}"
        )
    return result
