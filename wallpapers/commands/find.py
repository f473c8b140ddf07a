"""``wallpapers find``: print the paths of images that match, for other programs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from scrapy.commands import ScrapyCommand

from wallpapers.commands._catalogue_command import CatalogueCommand
from wallpapers.commands._search import add_search_options, criteria_of
from wallpapers.commands._shared import open_catalogue
from wallpapers.logs.masking import mask
from wallpapers.run.command_line import shell_command
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.program import program_name
from wallpapers.storage.address import folder_of, store_address
from wallpapers.storage.files import is_below
from wallpapers.storage.local import LocalStorage

if TYPE_CHECKING:
    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.collection.search import Criteria


class Command(CatalogueCommand, ScrapyCommand):
    """Exit status 0, also if nothing matches; 1 and 5 as for a crawl."""

    def short_desc(self) -> str:
        return (
            "Print the paths of images: dark ones, of a colour, a size, a source, the best copies"
        )

    def long_desc(self) -> str:
        return (
            "Print the paths of the stored images that match all options, one per line: input for "
            "swww, feh, variety and scripts. Hidden and damaged images are left out. --dark, "
            "--light and --colour need the descriptions of the command look, and --best those of "
            "look-alikes. Exit status: 0, also if nothing matches; 1 could not start; 5 the "
            "catalogue cannot be read; 141 the output was closed by its reader."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        add_search_options(parser)
        parser.add_argument(
            "-0", "--null", action="store_true", help="end paths with NUL, for xargs -0"
        )
        parser.add_argument(
            "--limit", type=_count, default=None, metavar="N", help="print at most N images"
        )
        parser.add_argument(
            "--palette", action="store_true", help="print the colours of each image after its path"
        )

    def execute(self, args: list[str], opts: argparse.Namespace) -> int:
        assert self.settings is not None
        criteria = criteria_of(opts)
        with open_catalogue(self.settings, reads_only=True) as catalogue:
            for line in islice(self._lines(catalogue, criteria, opts), opts.limit):
                sys.stdout.write(line + ("\0" if opts.null else "\n"))
            _hint(catalogue, criteria)
        return ExitStatus.COMPLETE

    def _lines(
        self, catalogue: Catalogue, criteria: Criteria, opts: argparse.Namespace
    ) -> Iterator[str]:
        from wallpapers.collection.search import search

        uri = self.store_address
        folder = folder_of(uri)
        place = f"{folder.absolute()}/" if folder else store_address(uri)
        store = LocalStorage(uri) if folder else None
        for found in search(catalogue, criteria):
            path, checksum = found.image["path"], found.image["checksum"]
            if store and not (is_below(path) and store.holds(path, found.image["size"])):
                continue
            line = place + path
            if opts.palette:
                palettes = catalogue.run(lambda e: e.looks.palettes([checksum]))  # noqa: B023
                line += "\t" + " ".join(swatch.hex for swatch in palettes.get(checksum, ()))
            yield line


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a number 0 or more, got {text!r}")
    return int(text)


def _hint(catalogue: Catalogue, criteria: Criteria) -> None:
    """Print how many images cannot be compared with the criteria yet."""
    unseen = catalogue.run(lambda entries: entries.looks.count_without_look())
    if unseen and (criteria.condition.needs_look or criteria.colours or criteria.best):
        hint = f"{unseen:,} images have no description and were left out"
        if criteria.best:
            hint = f"{unseen:,} images have no description and were not compared with others"
        _print_hint(f"{hint}; to describe them, run: {shell_command('look')}")
    if criteria.best and (new := catalogue.run(lambda e: len(e.look_alikes.unpaired()))):
        remedy = f"to compare them, run: {shell_command('look-alikes')}"
        _print_hint(f"{new:,} images were not compared with others; {remedy}")


def _print_hint(hint: str) -> None:
    print(mask(f"{program_name()}: {hint}"), file=sys.stderr)
