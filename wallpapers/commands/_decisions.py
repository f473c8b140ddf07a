"""Share code between ``hide``, ``unhide``, ``star`` and ``unstar``."""

from __future__ import annotations

import argparse
import os
import sys
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from scrapy.exceptions import UsageError

from wallpapers.commands._catalogue_command import CatalogueCommand
from wallpapers.commands._shared import open_catalogue
from wallpapers.errors import SettingError, message_of
from wallpapers.listings.text import one_line
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.program import program_name
from wallpapers.storage.address import folder_of

if TYPE_CHECKING:
    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.catalogue.decisions import Decisions
    from wallpapers.items import Key
    from wallpapers.maintenance.selection import Selection

_NAMES_AND_STATUSES = (
    "A wallpaper is named by the path of its image (from the current folder, from the store, or "
    "absolute), by source/id, or by its id if no other source has the same. A path stands for all "
    "wallpapers that share the image. Exit status: 0; 1 could not start; 3 a path or an id is not "
    "in the catalogue, the others are processed; 5 the catalogue cannot be read or written."
)


class ChangesWallpapers(CatalogueCommand):
    """A mixin for commands that change the wallpapers that the user names.

    Exit status 0; 3: some names are not in the catalogue; 1 and 5 as for a crawl.
    """

    effect: ClassVar[str]  # what the command does, for its help; {program} is its name
    done: ClassVar[str]  # the state of the wallpapers afterwards, as in "3 wallpapers hidden"

    @abstractmethod
    def change(self, decisions: Decisions, keys: Sequence[Key]) -> int:
        """Change wallpapers; return the number of those that were not in this state before."""

    def conclude(self, catalogue: Catalogue, keys: Sequence[Key], opts: argparse.Namespace) -> None:
        """Do more after the change, such as deleting files."""

    def syntax(self) -> str:
        return "[options] <path or id> ..."

    def long_desc(self) -> str:
        return f"{self.effect.format(program=program_name())} {_NAMES_AND_STATUSES}"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--from",
            dest="from_file",
            metavar="FILE",
            help="read paths and ids from FILE, one per line; - is the standard input",
        )

    def check_usage(self, args: list[str], opts: argparse.Namespace) -> None:
        if not args and opts.from_file is None:
            raise UsageError("expected a path, an id or --from FILE")

    def execute(self, args: list[str], opts: argparse.Namespace) -> int:
        from wallpapers.maintenance.selection import select

        assert self.settings is not None
        names = [*args, *_names_in(opts.from_file)]
        with open_catalogue(self.settings) as catalogue:
            selection = select(catalogue, folder_of(self.store_address), names)
            keys = selection.keys
            changed = catalogue.run(lambda entries: self.change(entries.decisions, keys))
            line = f"{changed:,} {'wallpaper' if changed == 1 else 'wallpapers'} {self.done}"
            already = len(keys) - changed
            print(line + (f", {already:,} already {self.done}" if already else ""))
            self.conclude(catalogue, keys, opts)
        return _report_unknown(selection)


class ListsWallpapers(ChangesWallpapers):
    """A mixin for the commands that can also list the hidden or starred wallpapers."""

    @abstractmethod
    def listed(self, decisions: Decisions) -> list[Key]:
        """Return the wallpapers to list."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--list",
            action="store_true",
            dest="lists",
            help=f"print the {self.done} wallpapers as source/id, one per line, and change nothing",
        )

    def check_usage(self, args: list[str], opts: argparse.Namespace) -> None:
        if not opts.lists:
            super().check_usage(args, opts)

    def execute(self, args: list[str], opts: argparse.Namespace) -> int:
        if not opts.lists:
            return super().execute(args, opts)
        assert self.settings is not None
        with open_catalogue(self.settings, reads_only=True) as catalogue:
            keys = catalogue.run(lambda entries: self.listed(entries.decisions))
        for source, identity in keys:
            print(f"{source}/{identity}")
        return ExitStatus.COMPLETE


def _names_in(file: str | None) -> list[str]:
    """Return the lines of *file*, without empty ones."""
    if file is None:
        return []
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except (OSError, ValueError) as error:
        raise SettingError(f"--from: {message_of(error)}") from error
    return [os.fsdecode(line) for line in content.splitlines() if line.strip()]


def _report_unknown(selection: Selection) -> int:
    for name in selection.unknown:
        print(f"{program_name()}: not in the catalogue: {one_line(name)}", file=sys.stderr)
    for name, keys in selection.ambiguous.items():
        choices = " or ".join("/".join(key) for key in keys)
        line = f"several sources have the id {name!r}; name one of them: {choices}"
        print(f"{program_name()}: {one_line(line)}", file=sys.stderr)
    incomplete = selection.unknown or selection.ambiguous
    return ExitStatus.FAILURES if incomplete else ExitStatus.COMPLETE
