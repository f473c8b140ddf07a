"""``scrapy hide``: keep wallpapers from being fetched again."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from wallpapers.commands._decisions import ListsWallpapers
from wallpapers.storage.address import folder_of
from wallpapers.storage.local import LocalStorage

if TYPE_CHECKING:
    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.catalogue.decisions import Decisions
    from wallpapers.items import Key


class Command(ListsWallpapers, ScrapyCommand):
    """Hide wallpapers, and delete their files on request."""

    effect = (
        "Hide wallpapers: crawls count them as filtered, with the reason hidden, and do not fetch "
        "them again, nor other wallpapers with the same image. Their files stay where they are, "
        "unless --delete is given. {program} unhide undoes this."
    )
    done = "hidden"

    def short_desc(self) -> str:
        return "Hide wallpapers, so that no crawl fetches them again"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--delete",
            action="store_true",
            help="delete the images and thumbnails of these wallpapers, too",
        )

    def check_usage(self, args: list[str], opts: argparse.Namespace) -> None:
        if opts.delete and self._folder is None:
            raise UsageError("--delete supports folders only; delete the files in the bucket")
        super().check_usage(args, opts)

    def change(self, decisions: Decisions, keys: Sequence[Key]) -> int:
        return decisions.hide(keys)

    def listed(self, decisions: Decisions) -> list[Key]:
        return decisions.hidden()

    def conclude(self, catalogue: Catalogue, keys: Sequence[Key], opts: argparse.Namespace) -> None:
        """Delete the images, with --delete."""
        from wallpapers.maintenance.deletion import delete_hidden

        if opts.delete and self._folder is not None:
            deleted = delete_hidden(catalogue, LocalStorage(str(self._folder)), keys)
            images = "image" if deleted == 1 else "images"
            print(f"{deleted:,} {images} deleted from {self._folder}")

    @property
    def _folder(self) -> Path | None:
        return folder_of(self.store_address)
