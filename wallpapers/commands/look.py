"""``wallpapers look``: describe what the stored images look like."""

from __future__ import annotations

import argparse

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from wallpapers.commands._settings import ChecksSettings
from wallpapers.commands._shared import (
    open_catalogue,
    progress_bar,
    quiet_on_closed_output,
    report_error,
)
from wallpapers.errors import SettingError, StoreError, UserError
from wallpapers.options.extras import require_for_collection
from wallpapers.run.command_line import shell_command
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.program import program_name
from wallpapers.storage.address import folder_of
from wallpapers.storage.local import LocalStorage


class Command(ChecksSettings, ScrapyCommand):
    """Exit status 0: all images have a look; 3: some have none; 1 and 5 as for a crawl."""

    requires_project = True
    requires_crawler_process = False

    def syntax(self) -> str:
        return "[options]"

    def short_desc(self) -> str:
        return "Describe what the stored images look like, for look-alikes, find and export"

    def long_desc(self) -> str:
        return (
            "Decode each image of the store (-s IMAGES_STORE) that has no description, and write "
            "its fingerprint, colours, lightness and detail into the catalogue. look-alikes, find "
            "and export use them. It can be interrupted at any time; the next run continues. Exit "
            "status: 0 all images have a look, 1 could not start, 3 some could not be decoded or "
            "are missing, 5 the store or the catalogue cannot be read, 130 interrupted."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--again",
            action="store_true",
            help="also try those again that could not be decoded in an earlier run",
        )

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if args:
            raise UsageError(f"{program_name()} look takes no argument, got {args[0]!r}")
        try:
            with quiet_on_closed_output(self):
                self.exitcode = self._look(again=opts.again)
        except (UserError, StoreError) as error:
            self.exitcode = report_error(error)
        except KeyboardInterrupt:
            self.exitcode = ExitStatus.INTERRUPTED

    def _look(self, *, again: bool) -> int:
        from wallpapers.collection.looking import look_at_images, requirements_of

        assert self.settings is not None
        self.check_settings()
        require_for_collection("look", "numpy")
        uri = str(self.settings["IMAGES_STORE"])
        if folder_of(uri) is None:
            raise SettingError(
                f"look supports folders only; IMAGES_STORE is {uri!r}: "
                "crawl with -s WALLPAPERS_LOOK=always"
            )
        with open_catalogue(self.settings) as catalogue:
            total = catalogue.run(lambda e: e.looks.count_without_look(with_errors=again))
            with progress_bar() as progress:
                task = progress.add_task("looking", total=total)
                report = look_at_images(
                    catalogue,
                    LocalStorage(uri),
                    requirements_of(self.settings),
                    lambda count: progress.advance(task, count),
                    with_errors=again,
                )
            errors = catalogue.run(lambda entries: entries.looks.look_errors())
        for path, reason in errors.items():
            print(f"cannot be decoded: {path}: {reason}")
        for title, paths in (("missing", report.missing), ("damaged", report.damaged)):
            for path in paths:
                print(f"{title}: {path}")
        print(
            f"{report.seen:,} images looked at, {len(errors):,} cannot be decoded, "
            f"{len(report.missing):,} missing, {len(report.damaged):,} damaged"
        )
        if report.missing or report.damaged:
            command = shell_command("verify")
            print(f"To have them downloaded again by the next crawl, run: {command}")
        is_complete = not (errors or report.missing or report.damaged)
        return ExitStatus.COMPLETE if is_complete else ExitStatus.FAILURES
