"""Scrapy's chain of downloader middlewares, without the waits of the ordinary one."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from scrapy import Request
from scrapy.core.downloader.middleware import DownloaderMiddlewareManager
from scrapy.http import Response
from scrapy.utils.defer import ensure_awaitable

if TYPE_CHECKING:
    from collections import deque


class PromptMiddlewareManager(DownloaderMiddlewareManager):
    """Scrapy's chain of downloader middlewares, which awaits only what there is to await."""

    async def _process_request(
        self,
        request: Request,
        download_func: Callable[[Request], Coroutine[Any, Any, Response]],
    ) -> Response | Request:
        for method in self._all("process_request"):
            answer = self._handle_mw_method(method, request=request)
            if answer is None:
                continue
            if not isinstance(answer, (Response, Request)):
                answer = await ensure_awaitable(answer)
            if answer is not None:
                return _checked(method, answer)
        return await download_func(request)

    async def _process_response(
        self, response: Response | Request, request: Request
    ) -> Response | Request:
        for method in self._all("process_response"):
            if isinstance(response, Request):
                return response
            answer = self._handle_mw_method(method, request=request, response=response)
            if not isinstance(answer, (Response, Request)):
                answer = await ensure_awaitable(answer)
            response = _checked(method, answer)
        return response

    def _all(self, name: str) -> deque[Callable[..., Any]]:
        return self.methods[name]  # type: ignore[return-value]


def _checked(method: Callable[..., Any], answer: object) -> Response | Request:
    if not isinstance(answer, (Response, Request)):
        raise TypeError(
            f"Middleware {method.__qualname__} must return a Response or a Request, "
            f"got {type(answer).__name__}"
        )
    return answer
