"""``wallpapers look``: describe what the stored images look like."""

from __future__ import annotations

import argparse

from scrapy.commands import ScrapyCommand

from wallpapers.commands._catalogue_command import CatalogueCommand
from wallpapers.commands._shared import open_catalogue, show_progress
from wallpapers.options.extras import require_for_collection
from wallpapers.run.command_line import shell_command
from wallpapers.run.exit_status import ExitStatus
from wallpapers.storage.reading import reader_of


class Command(CatalogueCommand, ScrapyCommand):
    """Exit status 0: all images have a look; 3: some have none; 1 and 5 as for a crawl."""

    def short_desc(self) -> str:
        return "Describe what the stored images look like, for look-alikes, find and export"

    def long_desc(self) -> str:
        return (
            "Decode each image of the store (-s IMAGES_STORE) that has no description, and write "
            "its fingerprint, colours, lightness and detail into the catalogue. look-alikes, find "
            "and export use them. It can be interrupted at any time; the next run continues. Exit "
            "status: 0 all images have a look, 1 could not start, 3 some could not be decoded or "
            "read, 5 the store or the catalogue cannot be read, 130 interrupted."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--again",
            action="store_true",
            help="also try images that could not be decoded in an earlier run",
        )

    def execute(self, args: list[str], opts: argparse.Namespace) -> int:
        from wallpapers.collection.looking import look_at_images, requirements_of

        assert self.settings is not None
        require_for_collection("look", "numpy")
        reader = reader_of(self.settings)
        with open_catalogue(self.settings) as catalogue:
            total = catalogue.run(lambda e: e.looks.count_without_look(with_errors=opts.again))
            with show_progress("looking", total) as progress:
                report = look_at_images(
                    catalogue,
                    reader,
                    requirements_of(self.settings),
                    progress,
                    with_errors=opts.again,
                )
            errors = catalogue.run(lambda entries: entries.looks.look_errors())
        for path, reason in errors.items():
            print(f"cannot be decoded: {path}: {reason}")
        for path, reason in report.unreadable.items():
            print(f"{reason}: {path}")
        for title, paths in (("missing", report.missing), ("damaged", report.damaged)):
            for path in paths:
                print(f"{title}: {path}")
        print(
            f"{report.seen:,} images looked at, {len(errors):,} cannot be decoded, "
            f"{len(report.missing):,} missing, {len(report.damaged):,} damaged, "
            f"{len(report.unreadable):,} unreadable"
        )
        if report.missing or report.damaged:
            command = shell_command("verify")
            print(f"To have them downloaded again by the next crawl, run: {command}")
        return ExitStatus.COMPLETE if report.is_clean and not errors else ExitStatus.FAILURES
