"""What each source speaks: request address out, bytes in, Page out. Pure: no Scrapy, no I/O."""

from wallpapers.listings.page import Page

__all__ = ["Page"]
