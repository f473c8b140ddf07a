"""Check the requirements of the images pipeline, and make its library from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import PIL
from scrapy.pipelines.images import ImagesPipeline
from scrapy.utils.asyncio import is_asyncio_available

from wallpapers.catalogue.location import catalogue_url
from wallpapers.catalogue.writer import Writer
from wallpapers.errors import MissingLibraryError, SettingError
from wallpapers.inspection.messages import ImageRequirements
from wallpapers.options.extras import install_command, is_installed, require_for_collection
from wallpapers.options.filters import ImageFilters
from wallpapers.options.setting_values import not_negative, one_of, positive, size_bytes, sizes
from wallpapers.pipelines.budget import StoreBudget
from wallpapers.pipelines.library import Library
from wallpapers.pipelines.missing import MissingFiles
from wallpapers.storage.address import folder_of, store_address
from wallpapers.storage.intake import Intake
from wallpapers.storage.local import LocalStorage
from wallpapers.storage.remote import RemoteStorage

if TYPE_CHECKING:
    from collections.abc import Callable

    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.pipelines.files import FilesStoreProtocol
    from scrapy.pipelines.media import MediaPipeline
    from scrapy.settings import BaseSettings

    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.run.addon import Run
    from wallpapers.storage.contract import Storage

# Hooks of ImagesPipeline and its base classes that WallpaperImagesPipeline never calls.
_NOT_CALLED = (
    *("get_images", "convert_image", "image_downloaded", "file_downloaded", "inc_stats"),
    *("media_to_download", "media_downloaded", "media_failed"),
)


def check_hooks(pipeline: type[ImagesPipeline]) -> None:
    """Raise SettingError if a subclass overrides a hook that is never called."""
    for hook in _NOT_CALLED:
        if getattr(pipeline, hook) is not getattr(ImagesPipeline, hook):
            raise SettingError(
                f"{pipeline.__name__}.{hook} would never be called, because images are stored "
                "unchanged; override get_media_requests, file_path, thumb_path or item_completed"
            )


def check_libraries() -> None:
    """Raise MissingLibraryError for an old Pillow, SettingError for another reactor."""
    if int(PIL.__version__.split(".")[0]) < 13:
        raise MissingLibraryError(
            f"Pillow 13 or later is required, found {PIL.__version__}, whose JPEG decoder has a "
            f"buffer overflow: {install_command('pillow>=13')}"
        )
    if not is_asyncio_available():
        raise SettingError("TWISTED_REACTOR must be the asyncio reactor, Scrapy's default")


def requirements_of(crawler: Crawler) -> ImageRequirements:
    """Return the requirements for an image from the settings of *crawler*. Raises SettingError."""
    settings = crawler.settings
    for name in ("CONCURRENT_REQUESTS", "CONCURRENT_REQUESTS_PER_DOMAIN"):
        not_negative(settings, name)
    positive(settings, "WALLPAPERS_UPLOAD_TIMEOUT")
    for name in ("WALLPAPERS_MIN_FREE_SPACE", "WALLPAPERS_MAX_STORE_SIZE"):
        size_bytes(settings, name)
    one_of(settings, "WALLPAPERS_MISSING", ("fetch", "hide"))
    if settings["WALLPAPERS_CATALOGUE"]:
        catalogue_url(settings)
    return ImageRequirements(
        check=one_of(settings, "WALLPAPERS_CHECK", ("structure", "decode", "strict")),
        max_pixels=int(positive(settings, "WALLPAPERS_MAX_PIXELS")),
        wanted=ImageFilters.from_spider(crawler.spider, settings),
        placeholders=frozenset(settings.getlist("WALLPAPERS_PLACEHOLDERS")),
        thumbs=sizes(settings, "IMAGES_THUMBS"),
        seconds=positive(settings, "WALLPAPERS_DECODE_SECONDS"),
        memory=int(positive(settings, "WALLPAPERS_DECODE_MEMORY")),
        look=_are_looks_wanted(settings),
    )


def _are_looks_wanted(settings: BaseSettings) -> bool:
    """Return whether the inspectors also describe what images look like. Raises UserError.

    Where numpy is not installed, ``with_thumbnails`` leaves that to the command ``look``.
    """
    when = one_of(settings, "WALLPAPERS_LOOK", ("with_thumbnails", "always", "never"))
    if when == "always":
        require_for_collection("WALLPAPERS_LOOK=always", "numpy")
    has_thumbs = bool(settings.getdict("IMAGES_THUMBS"))
    return when == "always" or (when == "with_thumbnails" and has_thumbs and is_installed("numpy"))


def listed_at(spider: Spider | None) -> str | None:
    """Return the origin of the spider's endpoint, which is recorded with its wallpapers."""
    endpoint = getattr(spider, "endpoint", None)
    if not endpoint or not getattr(spider, "records_endpoint", True):
        return None
    parts = urlsplit(endpoint)  # its path and query may have a token
    return f"{parts.scheme}://{parts.netloc}/"


def storage_of(
    crawler: Crawler, scrapys_store: FilesStoreProtocol, info: MediaPipeline.SpiderInfo
) -> Storage:
    """Return the storage for IMAGES_STORE; *scrapys_store* accesses a remote one."""
    settings = crawler.settings
    address = store_address(str(settings["IMAGES_STORE"]))
    min_free_bytes = size_bytes(settings, "WALLPAPERS_MIN_FREE_SPACE")
    if folder_of(address) is not None:
        return LocalStorage(address, min_free_bytes)
    timeout_s = positive(settings, "WALLPAPERS_UPLOAD_TIMEOUT")
    return RemoteStorage(scrapys_store, address, info, timeout_s, min_free_bytes)


def library_of(
    crawler: Crawler,
    run: Run,
    requirements: ImageRequirements,
    scrapys_store: FilesStoreProtocol,
    info: MediaPipeline.SpiderInfo,
) -> Library:
    """Return the library for the settings of *crawler*; *scrapys_store* as in ``storage_of``."""

    def is_stopping() -> bool:
        return run.state.stopping

    storage = storage_of(crawler, scrapys_store, info)
    writer = Writer(catalogue_opener(crawler, storage))
    hides = crawler.settings["WALLPAPERS_MISSING"] == "hide"
    missing = MissingFiles(storage, writer, run.ledger, hides=hides)
    budget = StoreBudget(size_bytes(crawler.settings, "WALLPAPERS_MAX_STORE_SIZE"), writer)
    intake = Intake(storage, requirements, is_stopping)
    return Library(storage, intake, writer, budget, missing, is_stopping)


def catalogue_opener(crawler: Crawler, storage: Storage) -> Callable[[], Catalogue]:
    """Return a function that opens the catalogue of *storage*, which blocks on the disk."""

    def open_catalogue() -> Catalogue:
        from wallpapers.catalogue.catalogue import Catalogue
        from wallpapers.catalogue.claims import Claims

        url, endpoint = catalogue_url(crawler.settings), listed_at(crawler.spider)
        claims = getattr(crawler.spider, "claims", None) or Claims(
            storage.run_name(), storage.is_running
        )
        return Catalogue.open(url, storage.holds, storage.address, endpoint=endpoint, claims=claims)

    return open_catalogue
