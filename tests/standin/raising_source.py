"""A source whose spider has a fault."""

from __future__ import annotations

from wallpapers.listings.page import Page
from wallpapers.spiders.baidu_wallpaper import BaiduWallpaperSpider


class RaisingSpider(BaiduWallpaperSpider):
    """Expects a key that no response has."""

    name = "photos"

    def read_page(self, body: bytes) -> Page:
        raise KeyError("imgs")
