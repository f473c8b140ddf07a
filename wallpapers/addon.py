"""Provide a Scrapy add-on that downloads images in any project as this project does.

With ``ADDONS = {"wallpapers.addon.WallpapersAddon": 0}`` in a project's settings, the originals of
items with ``image_urls`` are streamed to disk, checked, catalogued and counted.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from scrapy.pipelines.images import ImagesPipeline

from wallpapers import settings as defaults
from wallpapers.downloads.handler import GuardedDownloadHandler
from wallpapers.fastpath.addon import FastPath
from wallpapers.logs.masking import HideSecrets
from wallpapers.options.settings_check import SettingsCheck
from wallpapers.pipelines.images import WallpaperImagesPipeline
from wallpapers.run.addon import Run

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

# Scrapy's settings with another default here. Values that the project sets are kept.
_SCRAPY_SETTINGS = (
    "CONCURRENT_REQUESTS",
    "CONCURRENT_REQUESTS_PER_DOMAIN",
    "DOWNLOAD_MAXSIZE",
    "DOWNLOAD_TIMEOUT",
    "DOWNLOAD_VERIFY_CERTIFICATES",
    "DOWNLOAD_WARNSIZE",
    "FEED_EXPORT_ENCODING",
    "IMAGES_STORE",
    "REDIRECT_MAX_TIMES",
    "RETRY_EXCEPTIONS",
    "RETRY_GIVE_UP_LOG_LEVEL",
    "RETRY_TIMES",
)


class WallpapersAddon(Run):
    """Add the components of this project to the settings of another one.

    The pipeline replaces Scrapy's ImagesPipeline, or is added. The project's own middlewares,
    download handlers and feed storages are kept.
    """

    def update_settings(self, settings: BaseSettings) -> None:
        for name in vars(defaults):
            if name.startswith("WALLPAPERS_") or name in _SCRAPY_SETTINGS:
                settings.set(name, getattr(defaults, name), priority="addon")
        self._add_components(settings)
        for name, ours in (
            ("DOWNLOAD_HANDLERS", dict.fromkeys(("http", "https"), GuardedDownloadHandler)),
            ("FEED_STORAGES", defaults.FEED_STORAGES),
            ("FEED_EXPORTERS", defaults.FEED_EXPORTERS),
        ):
            priority = settings.getpriority(name) or 0
            settings.set(name, {**ours, **settings.getdict(name)}, priority)
        HideSecrets().update_settings(settings)
        SettingsCheck().update_settings(settings)
        FastPath().update_settings(settings)

    def _add_components(self, settings: BaseSettings) -> None:
        for name in ("DOWNLOADER_MIDDLEWARES", "SPIDER_MIDDLEWARES", "EXTENSIONS"):
            for component, order in getattr(defaults, name).items():
                if order is None:  # Scrapy's component, replaced by one of ours
                    settings.set_in_component_priority_dict(name, component, None)
                else:
                    settings.setdefault_in_component_priority_dict(name, component, order)
        with suppress(KeyError):
            settings.replace_in_component_priority_dict(
                "ITEM_PIPELINES", ImagesPipeline, WallpaperImagesPipeline
            )
        for pipeline, order in defaults.ITEM_PIPELINES.items():
            settings.setdefault_in_component_priority_dict("ITEM_PIPELINES", pipeline, order)
