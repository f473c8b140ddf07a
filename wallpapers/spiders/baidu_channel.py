"""Crawl Baidu's channels through their second endpoint, ``GET /channel/listjson``."""

from __future__ import annotations

from typing import ClassVar

from wallpapers.listings import baidu_channel
from wallpapers.listings.page import Page, Position
from wallpapers.options.arguments import Argument, text, whole_number
from wallpapers.options.sizes import side
from wallpapers.spiders.diagnosis import search_command
from wallpapers.spiders.listing_spider import ListingSpider


class BaiduChannelSpider(ListingSpider):
    """Run with ``scrapy crawl baidu_channel -a tag1=壁纸 -a tag2=全部``."""

    name = "baidu_channel"
    summary = "Baidu's channels through another endpoint"
    answers = "not seen answering since 2019"
    example = "-a tag1=壁纸 -a tag2=风景"
    default_endpoint = baidu_channel.ENDPOINT
    arguments: ClassVar[dict[str, Argument]] = {
        "tag1": text("壁纸", empty=False).means("column"),
        "tag2": text("全部").or_file().means("tag; 全部 = all"),
        "ftags": text("").means("a filter; join several with ##"),
        "width": side("width", 0, 0, 100_000).means("screen width to send; 0 = none"),
        "height": side("height", 0, 0, 100_000).means("screen height to send; 0 = none"),
        "pn": whole_number(0, 0).means("offset of the first image"),
        "rn": whole_number(30, 1, baidu_channel.MAX_RN).means("images to request per page"),
    }

    tag1: str
    tag2: str
    ftags: str
    width: int
    height: int
    pn: int
    rn: int

    @property
    def query(self) -> baidu_channel.Query:
        """The parameters that select the listing."""
        return baidu_channel.Query(self.tag1, self.tag2, self.ftags, self.width, self.height)

    @property
    def listing_name(self) -> str:
        return self.query.name

    @property
    def first_position(self) -> Position:
        return Position(self.pn)

    @property
    def suggested_command(self) -> str:
        return search_command(self.ftags, self.tag2, self.tag1, arguments=self.repeatable_arguments)

    def page_url(self, position: Position) -> str:
        return baidu_channel.page_url(self.query, position.offset, self.rn, endpoint=self.endpoint)

    def read_page(self, body: bytes) -> Page:
        return baidu_channel.parse_page(body)
