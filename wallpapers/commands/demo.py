"""``scrapy demo``: crawl a local stand-in server, without network access."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from scrapy.exceptions import UsageError

from wallpapers.commands.crawl import Command as CrawlCommand
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.program import program_name

_FOLDER = "downloads/demo"
_FEED = f"{_FOLDER}/wallpapers.json"


class Command(CrawlCommand):
    """Serve drawn images, or those of a folder, on this machine and crawl them."""

    uses_network = False

    def syntax(self) -> str:
        return "[options]"

    def short_desc(self) -> str:
        return "Crawl a stand-in server on this machine into downloads/demo"

    def long_desc(self) -> str:
        return (
            "Start a stand-in server for Baidu's listing on a free port of this machine, and crawl "
            f"it with baidu_wallpaper into {_FOLDER}. The exit status is that of the crawl. A "
            "second run downloads nothing."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--pictures",
            metavar="FOLDER",
            type=Path,
            help="serve the images of this folder instead of drawn ones",
        )

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        if args:
            raise UsageError(f"{program_name()} demo takes no argument, got {args[0]!r}")
        if opts.pictures and not opts.pictures.is_dir():
            raise UsageError(f"--pictures must be a folder, got {str(opts.pictures)!r}")
        assert self.settings is not None
        self.settings.setdict(
            {
                "IMAGES_STORE": _FOLDER,
                "FEEDS": {} if opts.output or opts.overwrite_output else _feed(),
                "DOWNLOAD_SLOTS": {
                    "listing": {"concurrency": 1, "delay": 0}
                },  # a local server needs no delay
            },
            priority="cmdline",
        )
        super().process_options(args, opts)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        from wallpapers.demo import gallery
        from wallpapers.demo.standin import StandIn

        if opts.loglevel is None:  # hide Scrapy's start messages by default
            logging.getLogger("scrapy").setLevel(logging.WARNING)
        exhibits = (
            gallery.folder_exhibits(opts.pictures) if opts.pictures else gallery.drawn_exhibits()
        )
        with StandIn(exhibits) as standin:
            print(f"Serving {len(exhibits)} wallpapers at {standin.endpoint}", flush=True)
            self.crawl("baidu_wallpaper", {**opts.spargs, "endpoint": standin.endpoint})
        assert self.settings is not None
        if self.exitcode in (0, ExitStatus.FAILURES):
            feeds = ", ".join(map(str, self.settings.getdict("FEEDS")))
            folder = self.settings["IMAGES_STORE"]
            print(f"The wallpapers are in {folder}, the feed is {feeds}")
            print(f"Look at them with: {program_name()} gallery --open -s IMAGES_STORE={folder}")


def _feed() -> dict[str, dict[str, object]]:
    return {_FEED: {"format": "json", "overwrite": True}}
