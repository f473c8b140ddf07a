"""Crawl Wallhaven through its documented API.

An API key is optional; it gives access to more wallpapers.
"""

from typing import ClassVar

from wallpapers.listings import wallhaven
from wallpapers.listings.page import Page, Position
from wallpapers.options.arguments import choice, text
from wallpapers.spiders.listing_spider import ListingSpider

_TEXTS = ("q", "categories", "purity", "order", "topRange", "atleast", "ratios", "colors")


class WallhavenSpider(ListingSpider):
    """Run with ``scrapy crawl wallhaven -a q=mountains -a atleast=1920x1080``."""

    name = "wallhaven"
    default_endpoint = wallhaven.ENDPOINT
    named_by = ("q", "sorting")
    # Wallhaven allows 45 requests per minute.
    custom_settings: ClassVar = {  # type: ignore[misc]
        "DOWNLOAD_SLOTS": {"listing": {"concurrency": 1, "delay": 1.5, "jitter": 0}}
    }
    arguments: ClassVar = {
        **dict.fromkeys(_TEXTS, text("")),
        "sorting": choice("date_added", "relevance", "random", "views", "favorites", "toplist"),
    }

    @property
    def headers(self) -> dict[str, str]:
        key = self.settings["WALLPAPERS_WALLHAVEN_API_KEY"]
        return {"X-API-Key": key} if key else {}

    def page_url(self, position: Position) -> str:
        parameters = {name: getattr(self, name) for name in self.arguments}
        return wallhaven.page_url(parameters, position, self.endpoint)

    def read_page(self, body: bytes) -> Page:
        return wallhaven.parse_page(body)
