"""Check the arguments of a run, as a crawl does, and submit the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from wallpapers.cluster import runs
from wallpapers.cluster.queue import Queue
from wallpapers.cluster.records import record_beginning
from wallpapers.errors import ArgumentError
from wallpapers.options.filters import ImageFilters
from wallpapers.options.words import each_listing
from wallpapers.spiders.listing_spider import ListingSpider

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.settings import BaseSettings
    from sqlalchemy import Connection

    from wallpapers.catalogue.catalogue import Catalogue


def check(
    spider_class: type[Spider], arguments: Mapping[str, str], settings: BaseSettings
) -> list[ListingSpider]:
    """Return a spider for each run: one, or one for each line of a file of words.

    Raises UserError for arguments that no crawl takes.
    """
    if not issubclass(spider_class, ListingSpider):
        raise ArgumentError(f"{spider_class.name} has no listing that several workers can share")
    if "reread_days" in arguments:
        raise ArgumentError("reread_days has no effect in a cluster; leave it out")
    declared = {**spider_class.arguments, **spider_class.shared_arguments()}
    spiders = [spider_class(**one) for one in each_listing(declared, arguments)]
    ImageFilters.from_spider(spiders[0], settings)
    return spiders


def submit(catalogue: Catalogue, spiders: Sequence[ListingSpider]) -> list[int]:
    """Submit a run for each spider, all or none; return their numbers. Raises CatalogueError."""
    queue = Queue()
    return catalogue.run(
        lambda entries: [_submit(entries.connection, queue, spider) for spider in spiders]
    )


def _submit(connection: Connection, queue: Queue, spider: ListingSpider) -> int:
    run = runs.submit(connection, queue, spider.name, spider.given, spider.first_position)
    record_beginning(connection, run, spider.name, spider.given)
    return run
