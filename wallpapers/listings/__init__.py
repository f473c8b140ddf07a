"""Protocols of the sources: build request addresses and parse responses. No Scrapy, no I/O."""

from wallpapers.listings.page import Page

__all__ = ["Page"]
