"""Crawl Baidu's wallpaper channel with the request of its own web page, ``GET /data/imgs``."""

from __future__ import annotations

import random
from typing import ClassVar

from wallpapers.listings import baidu_imgs
from wallpapers.listings.page import Page, Position
from wallpapers.options.arguments import Argument, text, whole_number
from wallpapers.options.sizes import side
from wallpapers.spiders.diagnosis import search_command
from wallpapers.spiders.listing_spider import ListingSpider


class BaiduWallpaperSpider(ListingSpider):
    """Run with ``scrapy crawl baidu_wallpaper -a col=壁纸 -a tag=国家地理``."""

    name = "baidu_wallpaper"
    summary = "Baidu's wallpaper channel"
    answers = "not seen answering since 2019"
    example = "-a tag=国家地理"
    default_endpoint = baidu_imgs.ENDPOINT
    arguments: ClassVar[dict[str, Argument]] = {
        "col": text("壁纸").means("column"),
        "tag": text("国家地理").or_file().means("tag"),
        "tag3": text("").means("sub-tag"),
        "width": side("width", 1600, 1, 100_000).means("screen width to send"),
        "height": side("height", 900, 1, 100_000).means("screen height to send"),
        "pn": whole_number(0, 0).means("offset of the first image"),
        "rn": whole_number(60, 1, baidu_imgs.MAX_RN).means("images to request per page"),
    }

    col: str
    tag: str
    tag3: str
    width: int
    height: int
    pn: int
    rn: int

    @property
    def query(self) -> baidu_imgs.Query:
        """The parameters that select the listing."""
        return baidu_imgs.Query(self.col, self.tag, self.tag3, self.width, self.height)

    @property
    def listing_name(self) -> str:
        return self.query.name

    @property
    def first_position(self) -> Position:
        return Position(self.pn)

    @property
    def suggested_command(self) -> str:
        return search_command(self.tag, self.tag3, self.col, arguments=self.repeatable_arguments)

    def page_url(self, position: Position) -> str:
        return baidu_imgs.page_url(
            self.query, position.offset, self.rn, t=random.random(), endpoint=self.endpoint
        )

    def read_page(self, body: bytes) -> Page:
        return baidu_imgs.parse_page(body)
