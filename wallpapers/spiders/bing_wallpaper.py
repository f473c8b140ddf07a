"""Crawl Bing's images of the day."""

from typing import ClassVar

from wallpapers.listings import bing_wallpaper
from wallpapers.listings.page import Page, Position
from wallpapers.options.arguments import text
from wallpapers.spiders.listing_spider import ListingSpider


class BingWallpaperSpider(ListingSpider):
    """Run with ``scrapy crawl bing_wallpaper -a mkt=zh-CN``."""

    name = "bing_wallpaper"
    summary = "Bing's pictures of the day"
    answers = "documented unofficially; no account needed"
    example = "-a mkt=en-US"
    default_endpoint = bing_wallpaper.ENDPOINT
    named_by = ("mkt",)
    max_offset = bing_wallpaper.MAX_OFFSET
    arguments: ClassVar = {"mkt": text("zh-CN", empty=False).or_file().means("market")}
    mkt: str

    def page_url(self, position: Position) -> str:
        return bing_wallpaper.page_url(position.offset, self.mkt, self.endpoint)

    def read_page(self, body: bytes) -> Page:
        return bing_wallpaper.parse_page(body, self.endpoint)
