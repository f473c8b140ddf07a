"""``scrapy unhide``: undo ``hide``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scrapy.commands import ScrapyCommand

from wallpapers.commands._decisions import ChangesWallpapers

if TYPE_CHECKING:
    from wallpapers.catalogue.decisions import Decisions
    from wallpapers.items import Key


class Command(ChangesWallpapers, ScrapyCommand):
    """Show hidden wallpapers again."""

    effect = (
        "Undo hide: the next crawl that lists these wallpapers counts them as known, or "
        "fetches those whose files are gone. {program} hide --list prints what is hidden."
    )
    done = "shown again"

    def short_desc(self) -> str:
        return "Show hidden wallpapers again"

    def change(self, decisions: Decisions, keys: Sequence[Key]) -> int:
        return decisions.unhide(keys)
