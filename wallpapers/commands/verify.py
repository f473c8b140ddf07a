"""``scrapy verify``: hash the stored images and compare them with the catalogue."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from scrapy.commands import ScrapyCommand

from wallpapers.commands._catalogue_command import CatalogueCommand
from wallpapers.commands._shared import open_catalogue, show_progress
from wallpapers.run.exit_status import ExitStatus
from wallpapers.storage.address import folder_of
from wallpapers.storage.local import LocalStorage
from wallpapers.storage.reading import reader_of

if TYPE_CHECKING:
    from wallpapers.maintenance.verify import VerifyReport


class Command(CatalogueCommand, ScrapyCommand):
    """Exit status 0: all images are intact; 3: some are not; 1 and 5 as for a crawl."""

    def short_desc(self) -> str:
        return "Hash the stored images and report damaged and missing ones"

    def long_desc(self) -> str:
        return (
            "Read every image of the store (-s IMAGES_STORE) and compare it with the catalogue. "
            "The next crawl downloads damaged and missing images again. Images that were moved "
            "within the store are found by their content. Images that are not in the "
            "catalogue, or that five or more wallpapers share, are reported. A folder with its "
            "own catalogue is another store and is skipped. From a bucket, all images are "
            "downloaded; files that were moved or are not in the catalogue are not searched "
            "for. Hidden images are counted, not read. Exit status: 0 all images are "
            "intact, 1 could not start, 3 some are damaged, missing or unreadable, 5 the store or "
            "the catalogue cannot be read, 141 the output was closed by its reader."
        )

    def execute(self, args: list[str], opts: argparse.Namespace) -> int:
        from wallpapers.maintenance.verify import verify

        assert self.settings is not None
        uri = self.store_address
        folder = LocalStorage(uri) if folder_of(uri) is not None else None
        reader = reader_of(self.settings)
        with open_catalogue(self.settings, check=True) as catalogue:
            total = sum(count for count, _ in catalogue.run(lambda e: e.formats()).values())
            with show_progress("hashing", total) as progress:
                report = verify(catalogue, reader, folder, progress)
        for path, reason in report.unreadable.items():
            print(f"{reason}: {path}")
        for title, paths in (
            ("damaged", report.damaged),
            ("missing", report.missing),
            ("moved", (f"{old} -> {new}" for old, new in report.moved.items())),
            ("not in the catalogue", report.not_in_catalogue),
            ("shared", (f"{path} ({count})" for path, count in report.shared.items())),
        ):
            _print(title, paths)
        print(
            f"{report.whole:,} whole, {len(report.damaged):,} damaged, "
            f"{len(report.missing):,} missing, {len(report.moved):,} moved, "
            f"{len(report.not_in_catalogue):,} not in the catalogue, "
            f"{len(report.shared):,} shared by five or more wallpapers, {report.hidden:,} hidden, "
            f"{_unreadable(report)}in {folder.root if folder else uri}"
        )
        if report.damaged or report.missing:
            print("The next crawl of the source downloads damaged and missing images again.")
        return ExitStatus.COMPLETE if report.is_clean else ExitStatus.FAILURES


def _unreadable(report: VerifyReport) -> str:
    """Return the number of unreadable images for the summary; "" = none, as always in a folder."""
    return f"{len(report.unreadable):,} unreadable, " if report.unreadable else ""


def _print(title: str, paths: Iterable[str]) -> None:
    for path in paths:
        print(f"{title}: {path}")
