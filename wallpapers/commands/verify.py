"""``scrapy verify``: hash the store again and hold it against the catalogue."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from wallpapers.commands._shared import catalogue_of, status_of
from wallpapers.errors import SettingError, StoreError, UserError
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.program import program_name
from wallpapers.storage.address import folder_of
from wallpapers.storage.local import LocalStorage


class Command(ScrapyCommand):
    """Exit status 0: all is whole; 3: something is damaged or missing; 1 and 5 as for a crawl."""

    requires_project = True
    requires_crawler_process = False

    def short_desc(self) -> str:
        return "Hash the stored wallpapers again and report what is damaged or missing"

    def long_desc(self) -> str:
        return (
            "Read every picture of the store (-s IMAGES_STORE) and compare it with the catalogue. "
            "What is damaged or missing is fetched again by the next crawl. Pictures that the "
            "catalogue does not have are reported, and so are those that stand for five wallpapers "
            "or more. A folder with a catalogue of its own is another store and is skipped. Exit "
            "status: 0 all is whole, 1 could not start, 3 something is damaged or missing, 5 the "
            "store or the catalogue cannot be read."
        )

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if args:
            raise UsageError(f"{program_name()} verify takes no argument, got {args[0]!r}")
        try:
            self.exitcode = self._verify()
        except (UserError, StoreError) as error:
            self.exitcode = status_of(error)
        except KeyboardInterrupt:
            self.exitcode = ExitStatus.INTERRUPTED

    def _verify(self) -> int:
        from rich.console import Console
        from rich.progress import Progress

        from wallpapers.maintenance.verify import verify

        assert self.settings is not None
        uri = str(self.settings["IMAGES_STORE"])
        folder = folder_of(uri)
        if folder is None:
            raise SettingError(f"IMAGES_STORE must be a folder to be verified, got {uri!r}")
        with catalogue_of(self.settings) as catalogue:
            total = sum(count for count, _ in catalogue.run(lambda e: e.formats()).values())
            with Progress(console=Console(stderr=True), transient=True) as progress:
                task = progress.add_task("hashing", total=total)
                findings = verify(
                    catalogue, LocalStorage(uri), lambda count: progress.advance(task, count)
                )
        for title, paths in (
            ("damaged", findings.damaged),
            ("missing", findings.missing),
            ("without a row", findings.without_row),
            ("shared", (f"{path} ({count})" for path, count in findings.shared.items())),
        ):
            _print(title, paths)
        print(f"{findings.whole:,} whole, {len(findings.damaged):,} damaged, ", end="")
        print(
            f"{len(findings.missing):,} missing, {len(findings.without_row):,} without a row, ",
            end="",
        )
        print(f"{len(findings.shared):,} shared by five or more, in {folder}")
        if findings.all_is_well:
            return ExitStatus.COMPLETE
        print("What is damaged or missing is fetched again by the next crawl of its source.")
        return ExitStatus.FAILURES


def _print(title: str, paths: Iterable[str]) -> None:
    for path in paths:
        print(f"{title}: {path}")
