"""Select the fast path, or keep Scrapy's downloader if its version was not tested."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import scrapy

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

logger = logging.getLogger(__name__)

TESTED_VERSIONS = ((2, 19),)  # of Scrapy, major and minor


class FastPath:
    """Set DOWNLOADER, unless the user or a project has set it.

    Setting: WALLPAPERS_FAST_PATH.
    """

    def update_settings(self, settings: BaseSettings) -> None:
        if not settings.getbool("WALLPAPERS_FAST_PATH", True):
            return
        if scrapy.version_info[:2] not in TESTED_VERSIONS:
            logger.info("Fast path not used: it was not tested with Scrapy %s", scrapy.__version__)
            return
        from wallpapers.fastpath.downloader import PictureDownloader

        settings.set("DOWNLOADER", PictureDownloader, priority="addon")
