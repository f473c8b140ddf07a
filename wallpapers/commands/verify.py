"""``scrapy verify``: hash the stored images and compare them with the catalogue."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from scrapy.commands import ScrapyCommand

from wallpapers.commands._catalogue_command import CatalogueCommand
from wallpapers.commands._shared import open_catalogue, show_progress
from wallpapers.run.exit_status import ExitStatus


class Command(CatalogueCommand, ScrapyCommand):
    """Exit status 0: all images are intact; 3: some are not; 1 and 5 as for a crawl."""

    def short_desc(self) -> str:
        return "Hash the stored images and report damaged and missing ones"

    def long_desc(self) -> str:
        return (
            "Read every image of the store (-s IMAGES_STORE) and compare it with the catalogue. "
            "The next crawl downloads damaged and missing images again. Images that were moved "
            "within the store are found by their content. Images that are not in the "
            "catalogue are reported, and images that are shared by five or more wallpapers. A "
            "folder with its own catalogue is another store and is skipped. Hidden images are "
            "counted, not read. Exit status: 0 all images are intact, 1 could not start, 3 some "
            "are damaged or missing, 5 the store or the catalogue cannot be read, 141 the output "
            "was closed by its reader."
        )

    def execute(self, args: list[str], opts: argparse.Namespace) -> int:
        from wallpapers.maintenance.verify import verify

        assert self.settings is not None
        store = self.local_store()
        with open_catalogue(self.settings, check=True) as catalogue:
            total = sum(count for count, _ in catalogue.run(lambda e: e.formats()).values())
            with show_progress("hashing", total) as progress:
                report = verify(catalogue, store, progress)
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
            f"in {store.root}"
        )
        if report.is_clean:
            return ExitStatus.COMPLETE
        print("The next crawl of the source downloads damaged and missing images again.")
        return ExitStatus.FAILURES


def _print(title: str, paths: Iterable[str]) -> None:
    for path in paths:
        print(f"{title}: {path}")
