"""``scrapy star``: mark wallpapers as favourites."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scrapy.commands import ScrapyCommand

from wallpapers.commands._decisions import ListsWallpapers

if TYPE_CHECKING:
    from wallpapers.catalogue.decisions import Decisions
    from wallpapers.items import Key


class Command(ListsWallpapers, ScrapyCommand):
    """Mark wallpapers as favourites."""

    effect = "Mark wallpapers as favourites in the catalogue. {program} unstar undoes this."
    done = "starred"

    def short_desc(self) -> str:
        return "Mark wallpapers as favourites"

    def change(self, decisions: Decisions, keys: Sequence[Key]) -> int:
        return decisions.star(keys)

    def listed(self, decisions: Decisions) -> list[Key]:
        return decisions.starred()
