"""``wallpapers export``: write images and their metadata as a dataset."""

from __future__ import annotations

import argparse

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from wallpapers import __version__
from wallpapers.commands._catalogue_command import CatalogueCommand
from wallpapers.commands._search import add_search_options, criteria_of, options_text
from wallpapers.commands._shared import open_catalogue, show_progress
from wallpapers.options.arguments import read_arguments
from wallpapers.options.extras import require_for_collection
from wallpapers.options.sizes import amount
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.program import OWN_NAME, program_name
from wallpapers.storage.reading import reader_of

_FORMATS = ("parquet", "webdataset", "imagefolder", "jsonl", "csv")


class Command(CatalogueCommand, ScrapyCommand):
    """Exit status 0: complete; 3: some images could not be read; 1 and 5 as for a crawl."""

    def syntax(self) -> str:
        return "[options] <folder or s3://bucket/prefix>"

    def short_desc(self) -> str:
        return "Write images and their metadata as a dataset: Parquet, WebDataset, ..."

    def long_desc(self) -> str:
        return (
            "Write the images that match all options into a dataset, with source, title, tags, "
            "credit, licence, size, fingerprint and colours. Exporting again adds what is new, and "
            "lists in removed.jsonl what was removed from the collection. It can be interrupted at "
            "any time. Exit status: 0 complete, 1 could not start, 3 some images are missing, "
            "damaged or unreadable, 5 the store, catalogue or target failed, 130 interrupted."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--to",
            choices=_FORMATS,
            default="parquet",
            help="the format, parquet by default; jsonl and csv have no images",
        )
        parser.add_argument(
            "--shard-size",
            default="500M",
            metavar="BYTES",
            help="bytes of a shard, 500M by default",
        )
        parser.add_argument(
            "--without-noai",
            action="store_true",
            help="leave out images whose servers object to AI training",
        )
        add_search_options(parser)

    def check_usage(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 1:
            raise UsageError(f"{program_name()} export expects one folder")

    def execute(self, args: list[str], opts: argparse.Namespace) -> int:
        assert self.settings is not None
        require_for_collection("export", "pyarrow")
        require_for_collection("export", "numpy")
        from wallpapers.collection.export import Export
        from wallpapers.collection.targets import target_of

        (address,) = args
        criteria = criteria_of(opts)
        given = {"shard_size": opts.shard_size}
        shard_bytes = read_arguments({"shard_size": amount()}, given)["shard_size"]
        reader = reader_of(self.settings)
        made_by = f"{OWN_NAME} {__version__}: export --to {opts.to}{options_text(opts)}"
        with (
            open_catalogue(self.settings, reads_only=True) as catalogue,
            target_of(address, self.settings).opened() as target,
        ):
            total = sum(count for count, _ in catalogue.run(lambda e: e.formats()).values())
            export = Export(
                *(catalogue, reader, target, opts.to), shard_bytes=shard_bytes, made_by=made_by
            )
            with show_progress("exporting", total) as progress:
                report = export.run(criteria, without_noai=opts.without_noai, progress=progress)
        for path, reason in report.failed.items():
            print(f"{reason}: {path}")
        print(
            f"{report.exported:,} images exported, {report.known:,} already there, "
            f"{report.removed:,} removed since, {len(report.failed):,} left out, "
            f"in {address}"
        )
        return ExitStatus.FAILURES if report.failed else ExitStatus.COMPLETE
