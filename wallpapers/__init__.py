"""Crawl wallpaper listings and store every original, bit for bit."""

from wallpapers.run import startup

__version__ = "0.1.0"

startup.prepare()
