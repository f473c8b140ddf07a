"""Drop what the listing itself says is too small, before a byte is downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from itemadapter import ItemAdapter

from wallpapers.checks import not_negative
from wallpapers.outcome import Outcome
from wallpapers.pipelines.drops import Filtered

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class ClaimedSizePipeline:
    """IMAGES_MIN_WIDTH and IMAGES_MIN_HEIGHT, held against the claim; a claim of 0 is none.

    Stat: ``wallpapers/filtered/too_small_by_claim``.
    """

    def __init__(self, min_width: int, min_height: int, outcome: Outcome) -> None:
        self._min_width = min_width
        self._min_height = min_height
        self._outcome = outcome

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(
            not_negative(crawler.settings, "IMAGES_MIN_WIDTH"),
            not_negative(crawler.settings, "IMAGES_MIN_HEIGHT"),
            Outcome.of(crawler),
        )

    def process_item(self, item: Any) -> Any:
        claim = ItemAdapter(item)
        width, height = claim.get("width") or 0, claim.get("height") or 0
        if 0 < width < self._min_width or 0 < height < self._min_height:
            self._outcome.settle(item, "filtered", "too_small_by_claim")
            raise Filtered(f"claimed {width}x{height}, wanted {self._min_width}x{self._min_height}")
        return item
