"""``wallpapers look-alikes``: find copies of the same picture, and the best of each.

Scrapy takes the name of a command from the name of its module.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from scrapy.commands import ScrapyCommand

from wallpapers.commands._catalogue_command import CatalogueCommand
from wallpapers.commands._shared import open_catalogue, progress_bar
from wallpapers.errors import SettingError
from wallpapers.listings.text import one_line
from wallpapers.options.extras import require_for_collection
from wallpapers.run.command_line import shell_command
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.program import program_name
from wallpapers.storage.address import folder_of

if TYPE_CHECKING:
    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.collection.grouping import Copy, Group


class Command(CatalogueCommand, ScrapyCommand):
    """Exit status 0; 1 and 5 as for a crawl."""

    def short_desc(self) -> str:
        return "Find copies of the same picture, and the best copy of each; nothing is deleted"

    def long_desc(self) -> str:
        return (
            "Compare the images that the command look has described, and print the groups of those "
            "that look alike: the best one first, then the others. Copies are found that were "
            "resized, recompressed, watermarked or cropped slightly; larger crops and mirrored "
            "copies are not. No file is ever removed. Exit status: 0; 1 could not start; 5 the "
            "catalogue cannot be read or written; 141 the output was closed by its reader."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        action = parser.add_mutually_exclusive_group()
        action.add_argument(
            "--recoloured",
            action="store_true",
            help="print versions of a picture in other colours instead of copies",
        )
        action.add_argument(
            "--hide-worse",
            action="store_true",
            help="hide all images of each group but the best and the starred ones",
        )
        action.add_argument(
            "--different",
            nargs=2,
            metavar=("IMAGE", "OTHER"),
            help="remember that two images, by path or id, are different pictures",
        )
        parser.add_argument("--json", action="store_true", help="print the groups as JSON")

    def execute(self, args: list[str], opts: argparse.Namespace) -> int:
        assert self.settings is not None
        require_for_collection("look-alikes", "numpy")
        only_prints = not (opts.different or opts.hide_worse)
        with open_catalogue(self.settings, accepts_read_only=only_prints) as catalogue:
            if opts.different:
                self._remember(catalogue, *opts.different)
            else:
                self._print_groups(catalogue, opts)
        return ExitStatus.COMPLETE

    def _print_groups(self, catalogue: Catalogue, opts: argparse.Namespace) -> None:
        from wallpapers.collection.look_alikes import COPIES, find_groups, hide_worse

        if not catalogue.reads_only:
            _pair(catalogue)
        groups = find_groups(catalogue, ("recoloured",) if opts.recoloured else COPIES)
        hidden = hide_worse(catalogue, groups) if opts.hide_worse else 0
        if opts.json:
            print(json.dumps([asdict(group) for group in groups], ensure_ascii=False, indent=2))
            return
        for group in groups:
            _print_group(group)
        copies = sum(len(group.others) for group in groups)
        pictures = "picture" if len(groups) == 1 else "pictures"
        print(f"{len(groups):,} {pictures} with {copies:,} further copies")
        if opts.hide_worse:
            print(f"{hidden:,} wallpapers hidden; {program_name()} unhide shows them again")
            return
        if catalogue.reads_only and (new := catalogue.run(lambda e: len(e.look_alikes.unpaired()))):
            print(f"{new:,} images were not compared: the catalogue is on a read-only file system")
        if unseen := catalogue.run(lambda entries: entries.looks.count_without_look()):
            command = shell_command("look")
            print(f"{unseen:,} images have no description; to describe them, run: {command}")

    def _remember(self, catalogue: Catalogue, one: str, other: str) -> None:
        from wallpapers.collection.look_alikes import judge_different
        from wallpapers.maintenance.selection import select

        root = folder_of(self.store_address)
        checksums: list[str] = []
        for name in (one, other):
            keys = select(catalogue, root, [name]).keys
            images = catalogue.run(lambda e: e.search.checksums(keys))  # noqa: B023
            if len(images) != 1:
                raise SettingError(f"--different: not in the catalogue: {one_line(name)}")
            checksums += images
        if len(set(checksums)) != 2:
            raise SettingError("--different: both names stand for the same image")
        judge_different(catalogue, *checksums)
        print(f"remembered: {one_line(one)} and {one_line(other)} are different pictures")


def _pair(catalogue: Catalogue) -> None:
    """Compare the images that are new since the last time."""
    from wallpapers.collection.pairing import pair_new_looks

    with progress_bar() as progress:
        task = progress.add_task("comparing", total=None)
        pair_new_looks(
            catalogue, lambda done, total: progress.update(task, completed=done, total=total)
        )


def _print_group(group: Group) -> None:
    _print_copy("best", group.best)
    for copy in group.others:
        _print_copy("    ", copy)


def _print_copy(title: str, copy: Copy) -> None:
    size = f"{copy.width}x{copy.height}"
    print(f"{title} {size:>10} {copy.format:<4} {copy.size / 1e6:7.2f} MB  {copy.path}")
