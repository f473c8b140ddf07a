"""Report what a crawl would download, and download and store nothing."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from scrapy.exceptions import NotConfigured

from wallpapers.catalogue.existing import open_existing
from wallpapers.errors import PictureRefusedError, StoreError
from wallpapers.items import Key, candidates_of, key_of
from wallpapers.pipelines import candidates, results
from wallpapers.pipelines.drops import AlreadyKnown, Filtered, LeftForNextRun
from wallpapers.pipelines.setup import requirements_of
from wallpapers.run.addon import run_of
from wallpapers.run.reasons import FilterReason, Verdict
from wallpapers.storage.file_names import SETTING, FileNames

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.catalogue.entries import Entries
    from wallpapers.items import Wallpaper
    from wallpapers.run.addon import Run


class DryRunPipeline:
    """Pass on the wallpapers that a crawl would download, in place of the images pipeline.

    They are counted as ``wanted``. An existing catalogue is read, not changed; the store is not
    created. Known and hidden wallpapers are counted and dropped.

    Setting: WALLPAPERS_DRY_RUN. Stat: ``wallpapers/wanted``.
    """

    def __init__(self, crawler: Crawler, run: Run) -> None:
        requirements_of(crawler)  # a wrong setting ends this run, too
        FileNames(str(crawler.settings[SETTING]))
        self._crawler = crawler
        self._field = crawler.settings.get("IMAGES_URLS_FIELD", "image_urls")
        self._ledger, self._state = run.ledger, run.state
        self._ledger.begin_dry_run()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="wallpapers-catalogue")
        self._opening: asyncio.Future[Catalogue | None] | None = None
        self._catalogue: Catalogue | None = None
        self._wanted: set[Key] = set()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        if not crawler.settings.getbool("WALLPAPERS_DRY_RUN"):
            raise NotConfigured
        return cls(crawler, run_of(crawler))

    async def process_item(self, item: Any) -> Any:
        """Count the wallpaper, and drop it unless a crawl would download it."""
        urls = candidates_of(item, self._field)
        if not urls:
            return item
        self._ledger.register_missing(item)
        assert self._crawler.spider is not None
        wallpaper = candidates.wallpaper_of(item, urls, str(urls[0]), self._crawler.spider.name)
        key = key_of(wallpaper)
        try:
            is_known = await self._is_known(wallpaper)
        except PictureRefusedError as refusal:
            self._ledger.settle(item, Verdict.FILTERED, refusal.reason)
            raise Filtered(str(refusal)) from None
        except StoreError as error:
            self._state.store_failed(f"Catalogue failed: {error}")
            self._ledger.leave(item)
            raise LeftForNextRun from error
        if is_known or key in self._wanted:
            self._ledger.settle(item, Verdict.KNOWN)
            raise AlreadyKnown
        self._wanted.add(key)
        self._ledger.want(item)
        return item

    def close_spider(self) -> None:
        self._thread.submit(self._close)
        self._thread.shutdown()

    async def _is_known(self, wallpaper: Wallpaper) -> bool:
        """Return whether the image is stored. Raises PictureRefusedError if it is hidden."""
        loop = asyncio.get_running_loop()
        if self._opening is None:
            self._opening = asyncio.ensure_future(loop.run_in_executor(self._thread, self._open))
        catalogue = await self._opening
        if catalogue is None:
            return False
        look_up = partial(_look_up, wallpaper=wallpaper)
        return await loop.run_in_executor(self._thread, catalogue.run, look_up)

    def _open(self) -> Catalogue | None:
        self._catalogue = open_existing(self._crawler.settings, unchanged=True)
        return self._catalogue

    def _close(self) -> None:
        if self._catalogue is not None:
            self._catalogue.close()


def _look_up(entries: Entries, wallpaper: Wallpaper) -> bool:
    held, is_hidden = entries.look_up(wallpaper)
    if is_hidden:
        raise PictureRefusedError(FilterReason.HIDDEN)
    if held is None or not held.whole:
        return False
    preview = wallpaper.image_urls[0] in wallpaper.previews
    return results.as_listed(held.image, wallpaper, accepts_preview=preview) is not None
