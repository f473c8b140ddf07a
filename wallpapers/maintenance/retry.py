"""Ask again for what failed, and for nothing else: the catalogue takes the place of the listing."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
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
from wallpapers.items import Wallpaper
from wallpapers.run.addon import run_of
from wallpapers.spiders.listing_spider import ListingSpider

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

    from wallpapers.catalogue.catalogue import Catalogue

SCHEME = "catalogue"
_PAGE = 60  # wallpapers


class FailedOnly(ListingSpider):
    """Mixed into a spider, it has it read the catalogue's failures instead of its listing.

    What the spider is for its source (name, settings, endpoint, referer) it stays.
    """

    _asked = 0  # failures that were yielded

    @classmethod
    def update_settings(cls, settings: BaseSettings) -> None:
        super().update_settings(settings)
        handlers = {**settings.getdict("DOWNLOAD_HANDLERS"), SCHEME: CatalogueDownloadHandler}
        settings.set("DOWNLOAD_HANDLERS", handlers, priority="spider")

    async def start(self) -> AsyncIterator[Any]:
        """Ask for the first page of failures; an item from here would hang at Ctrl-C."""
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
        """Yield a page of failed wallpapers, behind the request for the next one."""
        page = [Wallpaper(**entry) for entry in json.loads(response.body)]
        found = page[: self.limit - self._asked] if self.limit else page
        self._asked += len(found)
        self.send(signals.listing_page_read, rejected=Counter(), repeated=0)
        if page and len(found) == len(page):
            yield self._failures_after(page[-1].id)
        else:
            self.send(signals.listing_ended)
        yield from found

    def failures_failed(self, failure: Failure) -> None:
        """End the run: without its catalogue there is nothing to do."""
        run_of(self.crawler).state.store_failed(f"The catalogue cannot be used: {failure.value}")


class CatalogueDownloadHandler(BaseDownloadHandler):
    """Answers ``catalogue://failures/`` with a page of them, as JSON."""

    lazy = True

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="wallpapers-failures")
        self._catalogue: Catalogue | None = None

    async def download_request(self, request: Request) -> Response:
        query = dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))
        loop = asyncio.get_running_loop()
        page = await loop.run_in_executor(self._thread, self._page, query["source"], query["after"])
        body = json.dumps([asdict(wallpaper) for wallpaper in page])
        return TextResponse(request.url, body=body, encoding="utf-8", request=request)

    async def close(self) -> None:
        if self._catalogue is not None:
            self._thread.submit(self._catalogue.close)
        self._thread.shutdown(wait=False)

    def _page(self, source: str, after: str) -> list[Wallpaper]:
        from wallpapers.catalogue.catalogue import Catalogue
        from wallpapers.catalogue.entries import Entries

        if self._catalogue is None:
            url = catalogue_url(self.crawler.settings)
            self._catalogue = Catalogue.open(url, lambda path, size: False)
        failed = partial(Entries.failed, source=source, after=after, most=_PAGE)
        return self._catalogue.run(failed)
