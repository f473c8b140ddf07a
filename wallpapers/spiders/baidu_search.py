"""Crawl Baidu's image search by keyword, ``GET /search/acjson``.

This is the listing of Baidu that was seen answering in 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import scrapy

from wallpapers import __version__
from wallpapers.listings import baidu_result, baidu_search
from wallpapers.listings.page import Page, Position
from wallpapers.options.arguments import Argument, choice, switch, text, whole_number
from wallpapers.options.sizes import Size, side
from wallpapers.spiders.listing_spider import ListingSpider

# Public clients that get results send the User-Agent of a browser. This one has the same format but
# names this program.
_USER_AGENT = f"Mozilla/5.0 (compatible; wallpapers/{__version__} Scrapy/{scrapy.__version__})"
_OTHER_PROTOCOL = {"data": "images", "images": "data"}


class BaiduSearchSpider(ListingSpider):
    """Run with ``scrapy crawl baidu_search -a word=壁纸``."""

    name = "baidu_search"
    summary = "Baidu's image search"
    answers = "answered in 2026"
    example = "-a word=风景"
    default_endpoint = baidu_search.ENDPOINT
    named_by = ("word",)
    max_offset = baidu_search.MAX_OFFSET
    visits_home = True
    custom_settings: ClassVar[dict[str, Any]] = {"USER_AGENT": _USER_AGENT}  # type: ignore[misc]
    arguments: ClassVar[dict[str, Argument]] = {
        "word": text("壁纸", empty=False).or_file().means("search words"),
        "width": side("width", 0, 0, 100_000).means("exact width; 0 = any"),
        "height": side("height", 0, 0, 100_000).means("exact height; 0 = any"),
        "z": choice(*baidu_search.SIZES).means(
            "size class: 9 extra large, 3 large, 2 medium, 1 small, 0 any"
        ),
        "ic": whole_number(0, 0, 4095).means("code of a colour; 0 = any"),
        "pn": whole_number(0, 0, baidu_search.MAX_OFFSET - 1).means("offset of the first result"),
        "rn": whole_number(30, 1, baidu_search.MAX_RN).means("results to request per page"),
        "protocol": choice("auto", "data", "images").means("which response to request"),
        "previews": switch().means("1 = store a preview where no original works"),
    }

    word: str
    width: int
    height: int
    z: int
    ic: int
    pn: int
    rn: int
    protocol: str
    previews: bool

    def begin_listing(self, arguments: Mapping[str, Any]) -> None:
        super().begin_listing(arguments)
        self.current_protocol = "data" if self.protocol == "auto" else self.protocol
        self._may_switch = self.protocol == "auto"

    @property
    def first_position(self) -> Position:
        return Position(self.pn)

    @property
    def headers(self) -> dict[str, str]:
        return {"Referer": self.referer, "X-Requested-With": "XMLHttpRequest"}

    def switch_protocol(self) -> bool:
        if not self._may_switch:
            return False
        self._may_switch = False
        self.current_protocol = _OTHER_PROTOCOL[self.current_protocol]
        return True

    def picture_referer(self, url: str) -> str:
        return baidu_result.referer(url, self.referer)

    def page_url(self, position: Position) -> str:
        size = self.wanted.exact_size(Size(self.width, self.height))
        query = baidu_search.Query(self.word, size.width, size.height, self.z, self.ic)
        images = self.current_protocol == "images"
        return baidu_search.page_url(
            query, position.offset, self.rn, images=images, endpoint=self.endpoint
        )

    def read_page(self, body: bytes) -> Page:
        return baidu_search.parse_page(body, previews=self.previews)
