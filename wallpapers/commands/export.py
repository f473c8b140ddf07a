"""``wallpapers export``: write images with what is known of them as a dataset."""

from __future__ import annotations

import argparse

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from wallpapers import __version__
from wallpapers.commands._search import add_search_options, criteria_of, options_text
from wallpapers.commands._settings import ChecksSettings
from wallpapers.commands._shared import (
    open_catalogue,
    progress_bar,
    quiet_on_closed_output,
    report_error,
)
from wallpapers.errors import SettingError, StoreError, UserError
from wallpapers.options.arguments import read_arguments
from wallpapers.options.extras import require_for_collection
from wallpapers.options.sizes import amount
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.program import OWN_NAME, program_name
from wallpapers.storage.address import folder_of
from wallpapers.storage.local import LocalStorage

_FORMATS = ("parquet", "webdataset", "imagefolder", "jsonl", "csv")


class Command(ChecksSettings, ScrapyCommand):
    """Exit status 0: complete; 3: some images are missing or damaged; 1 and 5 as for a crawl."""

    requires_project = True
    requires_crawler_process = False

    def syntax(self) -> str:
        return "[options] <folder or s3://bucket/prefix>"

    def short_desc(self) -> str:
        return "Write images and what is known of them as a dataset: Parquet, WebDataset, ..."

    def long_desc(self) -> str:
        return (
            "Write the images that match all options into a dataset, with source, title, tags, "
            "credit, licence, size, fingerprint and colours. Exporting again adds what is new, and "
            "lists in removed.jsonl what was removed from the collection. It can be interrupted at "
            "any time. Exit status: 0 complete, 1 could not start, 3 some images are missing or "
            "damaged, 5 the store, the catalogue or the target failed, 130 interrupted."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--to",
            choices=_FORMATS,
            default="parquet",
            help="the format; jsonl and csv have no images (default: parquet)",
        )
        parser.add_argument(
            "--shard-size", default="500M", metavar="BYTES", help="bytes of a shard (default: 500M)"
        )
        parser.add_argument(
            "--without-noai",
            action="store_true",
            help="leave out images whose servers object to AI training",
        )
        add_search_options(parser)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 1:
            raise UsageError(f"{program_name()} export expects one folder")
        try:
            with quiet_on_closed_output(self):
                self.exitcode = self._export(args[0], opts)
        except (UserError, StoreError) as error:
            self.exitcode = report_error(error)
        except KeyboardInterrupt:
            self.exitcode = ExitStatus.INTERRUPTED

    def _export(self, address: str, opts: argparse.Namespace) -> int:
        assert self.settings is not None
        self.check_settings()
        require_for_collection("export", "pyarrow")
        require_for_collection("export", "numpy")
        from wallpapers.collection.export import Export
        from wallpapers.collection.targets import target_of

        criteria = criteria_of(opts)
        given = {"shard_size": opts.shard_size}
        shard_bytes = read_arguments({"shard_size": amount()}, given)["shard_size"]
        uri = str(self.settings["IMAGES_STORE"])
        if folder_of(uri) is None:
            raise SettingError(f"export supports folders only; IMAGES_STORE is {uri!r}")
        made_by = f"{OWN_NAME} {__version__}: export --to {opts.to}{options_text(opts)}"
        with (
            open_catalogue(self.settings, reads_only=True) as catalogue,
            target_of(address, self.settings).opened() as target,
            progress_bar() as progress,
        ):
            total = sum(count for count, _ in catalogue.run(lambda e: e.formats()).values())
            task = progress.add_task("exporting", total=total)
            export = Export(
                *(catalogue, LocalStorage(uri), target, opts.to),
                shard_bytes=shard_bytes,
                made_by=made_by,
            )
            report = export.run(
                criteria,
                without_noai=opts.without_noai,
                progress=lambda count: progress.advance(task, count),
            )
        for path, reason in report.failed.items():
            print(f"{reason}: {path}")
        print(
            f"{report.exported:,} images exported, {report.known:,} already there, "
            f"{report.removed:,} removed since, {len(report.failed):,} missing or damaged, "
            f"in {address}"
        )
        return ExitStatus.FAILURES if report.failed else ExitStatus.COMPLETE
