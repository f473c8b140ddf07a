"""Crawl the failed wallpapers of the catalogue instead of a listing."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.http import Response, TextResponse
from twisted.python.failure import Failure

from wallpapers import signals
from wallpapers.catalogue.location import catalogue_url
from wallpapers.items import Wallpaper, fields_of
from wallpapers.listings.text import one_line
from wallpapers.run.addon import run_of
from wallpapers.spiders.listing_spider import ListingSpider

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.catalogue.queries import Failed

SCHEME = "catalogue"
_PAGE = 60  # wallpapers


class RetrySpider(ListingSpider):
    """A mixin that makes a spider yield the failed wallpapers of the catalogue.

    Name, settings and headers are those of the spider. Each wallpaper is requested as from the
    endpoint that listed it, unless an endpoint is given.
    """

    def __init__(self, **given: str) -> None:
        super().__init__(**given)
        self.records_endpoint = "endpoint" in given
        self._own_endpoints: dict[tuple[str, str], str] = {}
        self._spiders: dict[str, ListingSpider] = {}
        self._yielded = 0

    @classmethod
    def update_settings(cls, settings: BaseSettings) -> None:
        super().update_settings(settings)
        handlers = {**settings.getdict("DOWNLOAD_HANDLERS"), SCHEME: CatalogueDownloadHandler}
        settings.set("DOWNLOAD_HANDLERS", handlers, priority="spider")

    def spider_for(self, item: Any) -> ListingSpider:
        """Return a copy of the spider with the endpoint that listed *item*."""
        fields = fields_of(item)
        key = (fields.get("source", ""), fields.get("id", ""))
        endpoint = self._own_endpoints.get(key, self.endpoint)
        if endpoint not in self._spiders:
            self._spiders[endpoint] = spider = copy(self)
            spider.endpoint = endpoint
        return self._spiders[endpoint]

    async def start(self) -> AsyncIterator[Any]:
        """Request the first page of failures.

        The items are yielded by a callback: an item from ``start`` would block Ctrl-C.
        """
        self.send(signals.listing_started)
        yield self._failures_after("")

    def _failures_after(self, identity: str) -> Request:
        query = urlencode({"source": self.name, "after": identity})
        return Request(
            f"{SCHEME}://failures/?{query}",
            callback=self.parse_failures,
            errback=self.failures_failed,
            dont_filter=True,
            meta={"dont_obey_robotstxt": True, "dont_cache": True, "dont_retry": True},
        )

    def parse_failures(self, response: Response) -> Iterator[Request | Wallpaper]:
        """Yield the request for the next page, then the failed wallpapers of this one."""
        page = json.loads(response.body)
        readable = [wallpaper for entry in page if (wallpaper := self._read_failure(entry))]
        wanted = readable[: self.limit - self._yielded] if self.limit else readable
        self._yielded += len(wanted)
        self.send(signals.listing_page_read, rejected=Counter(), repeated=0)
        if page and len(wanted) == len(readable):
            yield self._failures_after(page[-1]["id"])
        else:
            self.send(signals.listing_ended)
        yield from wanted

    def _read_failure(self, entry: dict[str, Any]) -> Wallpaper | None:
        if entry["wallpaper"] is None:
            self.logger.warning(
                "The catalogue's row of wallpaper %s cannot be read; "
                "a crawl of its listing replaces it",
                one_line(str(entry["id"])),
            )
            return None
        wallpaper = Wallpaper(**entry["wallpaper"])
        if entry["endpoint"] and not self.records_endpoint:
            self._own_endpoints[wallpaper.source, wallpaper.id] = entry["endpoint"]
        return wallpaper

    def failures_failed(self, failure: Failure) -> None:
        """End the run with status 5: the catalogue cannot be read."""
        run_of(self.crawler).state.store_failed(f"Catalogue failed: {failure.value}")


class CatalogueDownloadHandler(BaseDownloadHandler):
    """Respond to ``catalogue://failures/`` with a page of failed wallpapers as JSON."""

    lazy = True

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="wallpapers-failures")
        self._catalogue: Catalogue | None = None

    async def download_request(self, request: Request) -> Response:
        query = dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))
        loop = asyncio.get_running_loop()
        page = await loop.run_in_executor(self._thread, self._page, query["source"], query["after"])
        body = json.dumps([asdict(failed) for failed in page], default=str)
        return TextResponse(request.url, body=body, encoding="utf-8", request=request)

    async def close(self) -> None:
        self._thread.submit(self._close)
        self._thread.shutdown(wait=False)

    def _close(self) -> None:
        if self._catalogue is not None:
            self._catalogue.close()

    def _page(self, source: str, after: str) -> list[Failed]:
        from wallpapers.catalogue.catalogue import Catalogue
        from wallpapers.catalogue.entries import Entries

        if self._catalogue is None:
            url = catalogue_url(self.crawler.settings)
            self._catalogue = Catalogue.open(url, lambda path, size: False, reads_only=True)
        failed = partial(Entries.failed, source=source, after=after, most=_PAGE)
        return self._catalogue.run(failed)
