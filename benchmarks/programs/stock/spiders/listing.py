"""The same listing, walked the same way: the next page first, then what the page names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from scrapy import Request, Spider
from scrapy.http import Response, TextResponse

_PAGE = 100


class ListingSpider(Spider):
    """``scrapy crawl listing -a endpoint=...``."""

    name = "listing"
    endpoint: str

    async def start(self) -> AsyncIterator[Any]:
        yield self._page(0)

    def parse(self, response: Response, first: int = 0) -> Iterator[Any]:
        assert isinstance(response, TextResponse)
        entries = [entry for entry in response.json()["imgs"] if entry]
        if not entries:
            return
        yield self._page(first + len(entries))
        for entry in entries:
            address = entry["downloadUrl"]
            yield {"id": entry["id"], "image_urls": [address], "file_urls": [address]}

    def _page(self, first: int) -> Request:
        url = f"{self.endpoint}?pn={first}&rn={_PAGE}"
        return Request(url, callback=self.parse, cb_kwargs={"first": first})
