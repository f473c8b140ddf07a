"""``scrapy unstar``: undo ``star``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scrapy.commands import ScrapyCommand

from wallpapers.commands._decisions import ChangesWallpapers

if TYPE_CHECKING:
    from wallpapers.catalogue.decisions import Decisions
    from wallpapers.items import Key


class Command(ChangesWallpapers, ScrapyCommand):
    """Remove the mark of favourites."""

    effect = "Remove the mark that star has set. {program} star --list prints what is starred."
    done = "no longer starred"

    def short_desc(self) -> str:
        return "Remove the mark of favourites"

    def change(self, decisions: Decisions, keys: Sequence[Key]) -> int:
        return decisions.unstar(keys)
