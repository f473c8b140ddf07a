"""Drop wallpapers whose listed size does not match the filters, before any download."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from wallpapers.items import fields_of
from wallpapers.options.filters import ImageFilters
from wallpapers.pipelines.drops import Filtered
from wallpapers.run.addon import run_of
from wallpapers.run.reasons import Verdict

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from wallpapers.run.ledger import RunLedger


class ListedSizePipeline:
    """Apply the filters to the listed size; a size of 0 is unknown and passes.

    Stats: ``wallpapers/filtered/<reason>_by_claim``.
    """

    def __init__(self, filters: ImageFilters, ledger: RunLedger) -> None:
        self._filters = filters
        self._ledger = ledger

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(
            ImageFilters.from_spider(crawler.spider, crawler.settings), run_of(crawler).ledger
        )

    def process_item(self, item: Any) -> Any:
        listed = fields_of(item)
        mismatch = self._filters.find_mismatch(listed.get("width") or 0, listed.get("height") or 0)
        if mismatch is None:
            return item
        reason, figures = mismatch
        self._ledger.settle(item, Verdict.FILTERED, f"{reason}_by_claim")
        raise Filtered(f"listed size {figures}")
