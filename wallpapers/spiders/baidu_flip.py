"""Crawl Baidu's image search through its web page, ``GET /search/flip``."""

from __future__ import annotations

from typing import ClassVar

from wallpapers.listings import baidu_flip, baidu_result
from wallpapers.listings.page import Page, Position
from wallpapers.options.arguments import Argument, switch, text, whole_number
from wallpapers.options.sizes import Size, side
from wallpapers.spiders.baidu_search import BaiduSearchSpider
from wallpapers.spiders.diagnosis import search_command
from wallpapers.spiders.listing_spider import ListingSpider


class BaiduFlipSpider(ListingSpider):
    """Run with ``scrapy crawl baidu_flip -a word=壁纸``."""

    name = "baidu_flip"
    summary = "Baidu's image search as a web page"
    answers = "answered in 2026"
    example = "-a word=风景"
    default_endpoint = baidu_flip.ENDPOINT
    named_by = ("word",)
    visits_home = True
    custom_settings = BaiduSearchSpider.custom_settings
    arguments: ClassVar[dict[str, Argument]] = {
        "word": text("壁纸", empty=False).or_file().means("search words"),
        "width": side("width", 0, 0, 100_000).means("exact width; 0 = any"),
        "height": side("height", 0, 0, 100_000).means("exact height; 0 = any"),
        "ic": whole_number(0, 0, 4095).means("code of a colour; 0 = any"),
        "pn": whole_number(0, 0).means("offset of the first result"),
        "previews": switch().means("1 = store a preview where no original works"),
    }

    word: str
    width: int
    height: int
    ic: int
    pn: int
    previews: bool

    @property
    def first_position(self) -> Position:
        return Position(self.pn)

    @property
    def headers(self) -> dict[str, str]:
        return {"Referer": self.referer, "Accept": "text/html,*/*;q=0.5"}

    @property
    def suggested_command(self) -> str:
        return search_command(self.word, arguments=self.repeatable_arguments)

    def picture_referer(self, url: str) -> str:
        return baidu_result.referer(url, self.referer)

    def page_url(self, position: Position) -> str:
        size = self.wanted.exact_size(Size(self.width, self.height))
        query = baidu_flip.Query(self.word, size.width, size.height, self.ic)
        return baidu_flip.page_url(query, position.offset, endpoint=self.endpoint)

    def read_page(self, body: bytes) -> Page:
        return baidu_flip.parse_page(body, previews=self.previews)
