"""Crawl wallpaper listings and store every original, bit for bit."""

__version__ = "0.1.0"
