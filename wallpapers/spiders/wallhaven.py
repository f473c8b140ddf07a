"""Crawl Wallhaven through its documented API.

An API key is optional; it gives access to more wallpapers.
"""

from typing import ClassVar

from wallpapers.listings import wallhaven
from wallpapers.listings.page import Page, Position
from wallpapers.options.arguments import choice, text
from wallpapers.options.sizes import size
from wallpapers.spiders.listing_spider import ListingSpider

_TEXTS = ("q", "categories", "purity", "order", "topRange", "ratios", "colors")
_TEXT = text("").means("as in https://wallhaven.cc/help/api")
_LEAST = size().means("minimum width and height; empty = that of the filters")
_SORTINGS = ("date_added", "relevance", "random", "views", "favorites", "toplist")
_SLOT = {"concurrency": 1, "delay": 1.5, "jitter": 0}  # 45 requests per minute are allowed
_OTHERS = {"q": _TEXT.or_file(), "atleast": _LEAST, "sorting": choice(*_SORTINGS)}


class WallhavenSpider(ListingSpider):
    """Run with ``scrapy crawl wallhaven -a q=mountains -a atleast=1920x1080``."""

    name = "wallhaven"
    summary = "wallhaven.cc"
    answers = "official API documentation; no account needed"
    example = "-a q=mountains -a atleast=1920x1080"
    default_endpoint = wallhaven.ENDPOINT
    named_by = ("q", "sorting")
    custom_settings: ClassVar = {"DOWNLOAD_SLOTS": {"listing": _SLOT}}  # type: ignore[misc]
    arguments: ClassVar = {**dict.fromkeys(_TEXTS, _TEXT), **_OTHERS}

    @property
    def headers(self) -> dict[str, str]:
        key = self.settings["WALLPAPERS_WALLHAVEN_API_KEY"]
        return {"X-API-Key": key} if key else {}

    def page_url(self, position: Position) -> str:
        parameters = {name: getattr(self, name) for name in self.arguments}
        parameters["atleast"] = parameters["atleast"] or self.wanted.least_size
        return wallhaven.page_url(parameters, position, self.endpoint)

    def read_page(self, body: bytes) -> Page:
        return wallhaven.parse_page(body)
