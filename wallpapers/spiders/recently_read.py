"""Find the listings that were read to their end in the last days, which a run may skip."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from wallpapers.catalogue.existing import open_existing
from wallpapers.errors import StoreError
from wallpapers.run.addon import run_of

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

    from wallpapers.catalogue.read_listings import ListingKey


async def recently_read(crawler: Crawler, source: str, days: int) -> dict[ListingKey, str]:
    """Return the listings of *source* that were read in the last *days*, and when.

    If the catalogue cannot be read, the run ends.
    """
    if not days:
        return {}
    try:
        return await asyncio.to_thread(_recently_read, crawler.settings, source, days)
    except StoreError as error:
        run_of(crawler).state.store_failed(f"Catalogue failed: {error}")
        return {}


def _recently_read(settings: BaseSettings, source: str, days: int) -> dict[ListingKey, str]:
    unchanged = settings.getbool("WALLPAPERS_DRY_RUN")
    catalogue = open_existing(settings, reads_only=True, unchanged=unchanged)
    if catalogue is None:
        return {}
    since = datetime.now(UTC) - timedelta(days=days)
    try:
        return catalogue.run(
            lambda entries: entries.read_listings.since(source, since.isoformat(timespec="seconds"))
        )
    finally:
        catalogue.close()
