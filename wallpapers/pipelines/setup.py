"""Check what the images pipeline needs, and read its settings, before the first request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import PIL
from scrapy.pipelines.images import ImagesPipeline
from scrapy.utils.asyncio import is_asyncio_available

from wallpapers.catalogue.location import catalogue_url
from wallpapers.errors import MissingLibraryError, SettingError
from wallpapers.inspection.inspect_file import Demands
from wallpapers.options.extras import install_command
from wallpapers.options.filters import Wanted
from wallpapers.options.setting_values import not_negative, one_of, positive, sizes

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

# Hooks of ImagesPipeline and its bases that WallpaperImagesPipeline has no use for.
_NOT_CALLED = (
    *("get_images", "convert_image", "image_downloaded", "file_downloaded", "inc_stats"),
    *("media_to_download", "media_downloaded", "media_failed"),
)


def check_hooks(pipeline: type[ImagesPipeline]) -> None:
    """Raise SettingError for a subclass that overrides a hook which is never called."""
    for hook in _NOT_CALLED:
        if getattr(pipeline, hook) is not getattr(ImagesPipeline, hook):
            raise SettingError(
                f"{pipeline.__name__}.{hook} would never be called: pictures are stored as they "
                "were served; override get_media_requests, file_path, thumb_path or item_completed"
            )


def check_libraries() -> None:
    """Raise MissingLibraryError or SettingError where Pillow or the reactor does not do."""
    if int(PIL.__version__.split(".")[0]) < 13:
        raise MissingLibraryError(
            f"Pillow 13 or later is required, found {PIL.__version__}, whose JPEG decoder has a "
            f"buffer overflow: {install_command('pillow>=13')}"
        )
    if not is_asyncio_available():
        raise SettingError("TWISTED_REACTOR must be the asyncio reactor, Scrapy's default")


def requirements_of(crawler: Crawler) -> Demands:
    """Return what a picture must be, from the settings of *crawler*. Raises SettingError."""
    settings = crawler.settings
    for name in ("CONCURRENT_REQUESTS", "CONCURRENT_REQUESTS_PER_DOMAIN"):
        not_negative(settings, name)
    positive(settings, "WALLPAPERS_UPLOAD_TIMEOUT")
    if settings["WALLPAPERS_CATALOGUE"]:
        catalogue_url(settings)
    return Demands(
        check=one_of(settings, "WALLPAPERS_CHECK", ("structure", "decode", "strict")),
        max_pixels=int(positive(settings, "WALLPAPERS_MAX_PIXELS")),
        wanted=Wanted.of(crawler.spider, settings),
        placeholders=frozenset(settings.getlist("WALLPAPERS_PLACEHOLDERS")),
        thumbs=sizes(settings, "IMAGES_THUMBS"),
        seconds=positive(settings, "WALLPAPERS_DECODE_SECONDS"),
        memory=int(positive(settings, "WALLPAPERS_DECODE_MEMORY")),
    )
