"""Check the arguments of a run as a crawl does, and submit it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from wallpapers.cluster import runs
from wallpapers.cluster.queue import Queue
from wallpapers.errors import ArgumentError
from wallpapers.options.filters import ImageFilters
from wallpapers.spiders.listing_spider import ListingSpider

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.settings import BaseSettings

    from wallpapers.catalogue.catalogue import Catalogue


def check(
    spider_class: type[Spider], arguments: Mapping[str, str], settings: BaseSettings
) -> ListingSpider:
    """Return a spider with *arguments*. Raises UserError for those that no crawl takes."""
    if not issubclass(spider_class, ListingSpider):
        raise ArgumentError(f"{spider_class.name} has no listing that several workers can share")
    spider = spider_class(**arguments)
    ImageFilters.from_spider(spider, settings)
    return spider


def submit(catalogue: Catalogue, spider: ListingSpider, arguments: Mapping[str, str]) -> int:
    """Submit a run of *spider* with *arguments*, and return its number. Raises CatalogueError."""
    queue = Queue()
    return catalogue.run(
        lambda entries: runs.submit(
            entries.connection, queue, spider.name, arguments, spider.first_position
        )
    )
