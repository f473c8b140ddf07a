"""``scrapy parse``: Scrapy's command, which waits for the pipelines and does not warn of itself."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from scrapy import Request, Spider
from scrapy.commands.parse import Command as ParseCommand
from scrapy.http import Response
from scrapy.utils.defer import maybe_deferred_to_future


class Command(ParseCommand):
    """Scrapy's command with a coroutine for a callback.

    That of Scrapy 2.19 returns a Deferred, which causes a warning that names the callback of the
    spider. It does not wait for ``--pipelines``: the spider closes while they work, and the
    exceptions that drop items are logged with tracebacks.
    """

    def prepare_request(
        self, spider: Spider, request: Request, opts: argparse.Namespace
    ) -> Request:
        request = super().prepare_request(spider, request, opts)
        request.callback = self._as_coroutine(request.callback)
        return request

    def scraped_data(self, args: Any) -> list[Any]:
        items, requests, opts, *rest = args
        self._items_for_pipelines = items if opts.pipelines else []
        without_pipelines = argparse.Namespace(**{**vars(opts), "pipelines": False})
        scraped = super().scraped_data((items, requests, without_pipelines, *rest))
        for request in scraped:
            if isinstance(request, Request):
                request.callback = self._as_coroutine(request.callback)
        return scraped

    def _as_coroutine(self, callback: Any) -> Callable[..., Any]:
        async def parse(response: Response, **arguments: Any) -> Any:
            scraped = await maybe_deferred_to_future(callback(response, **arguments))
            for item in self._items_for_pipelines:
                await self.pcrawler.engine.scraper.start_itemproc_async(item, response=response)
            return scraped

        return parse
