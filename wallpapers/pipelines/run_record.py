"""Record in the catalogue when a run begins, which listings it has read, and how it ended."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from scrapy import signals

from wallpapers.errors import CatalogueError, StoreError
from wallpapers.logs.masking import mask_argument
from wallpapers.run.records import RunBeginning, RunEnd
from wallpapers.signals import listing_settled, listing_skipped, listing_started

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from scrapy.crawler import Crawler

    from wallpapers.pipelines.library import Library
    from wallpapers.run.addon import Run


class RunRecord:
    """The row of a run, which begins with its listing or its first wallpaper.

    ``fetch``, ``shell`` and ``parse`` have neither, and no row. The library of a run that has begun
    is closed when the engine has stopped, because feeds may fail until then.
    """

    def __init__(self, crawler: Crawler, run: Run, library: Library) -> None:
        self._crawler = crawler
        self._ledger, self._state = run.ledger, run.state
        self._library = library
        self._beginning: asyncio.Future[None] | None = None
        self._writes: list[asyncio.Future[None]] = []
        crawler.signals.connect(self.begin, listing_started)
        crawler.signals.connect(self.begin, listing_skipped)
        crawler.signals.connect(self._listing_settled, listing_settled)
        crawler.signals.connect(self._engine_stopped, signals.engine_stopped)

    @property
    def has_begun(self) -> bool:
        """Whether the run is to be recorded."""
        return self._beginning is not None

    def begin(self) -> None:
        """Insert the row without blocking; a second call has no effect.

        A crawl of a cluster's worker is only a part of a run, and has none.
        """
        if self._beginning is None and not getattr(self._crawler.spider, "is_part", False):
            self._beginning = asyncio.ensure_future(self._begin())

    async def written(self) -> None:
        """Wait until everything recorded so far is written, or has failed."""
        if self._beginning is not None:
            await asyncio.gather(self._beginning, *self._writes)

    def close_by_force(self) -> None:
        """Write the end if the catalogue is not in use; the process ends afterwards."""
        if self.has_begun:
            self._library.close_by_force(self._end())

    def _listing_settled(self, listing: str, fingerprint: str) -> None:
        if fingerprint:
            assert self._crawler.spider is not None
            key = self._crawler.spider.name, listing, fingerprint
            write = self._report_failure(self._library.record_read_listing(*key))
            self._writes.append(asyncio.ensure_future(write))

    async def _begin(self) -> None:
        spider = self._crawler.spider
        assert spider is not None
        given: dict[str, str] = getattr(spider, "given", {})
        arguments = {
            name: mask_argument(name, value)
            for name, value in given.items()
            if not name.startswith("_")  # a scheduler's
        }
        beginning = RunBeginning(self._library.run_name(), spider.name, arguments)
        await self._report_failure(self._library.begin_run(beginning))

    async def _report_failure(self, write: Coroutine[Any, Any, None]) -> None:
        try:
            await write
        except StoreError as error:
            kind = "Catalogue" if isinstance(error, CatalogueError) else "Store"
            self._state.store_failed(f"{kind} failed: {error}")

    async def _engine_stopped(self) -> None:
        if self.has_begun:
            await self.written()
            self._library.close(self._end())

    def _end(self) -> RunEnd:
        name, status, ledger = self._library.run_name(), self._state.exit_status, self._ledger
        return RunEnd(name, status, ledger.verdicts, ledger.left, ledger.bytes)
