"""``scrapy crawl``: Scrapy's own, with an exit status that says what became of the run."""

from __future__ import annotations

import argparse
import gc
import logging
import sys

from scrapy import Spider, signals
from scrapy.commands.crawl import Command as CrawlCommand
from scrapy.crawler import Crawler
from scrapy.exceptions import UsageError
from scrapy.settings import Settings
from scrapy.spiderloader import get_spider_loader

from wallpapers.errors import ArgumentError, UserError
from wallpapers.extensions.log_guard import log_works
from wallpapers.extensions.progress import Progress
from wallpapers.extensions.summary import RunSummary
from wallpapers.feeds.exporter import CheckedFeedExporter
from wallpapers.options.setting_values import positive
from wallpapers.run.addon import run_of
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.program import program_name
from wallpapers.run.shutdown import Shutdown
from wallpapers.spiders.listing_spider import ListingSpider

logger = logging.getLogger(__name__)


class Command(CrawlCommand):
    """Exit status 0, 3, 4, 5 or 130 as the outcome says; 1 where the run could not start."""

    def short_desc(self) -> str:
        return "Run a spider; the exit status says what became of the wallpapers"

    def long_desc(self) -> str:
        return (
            "Run a spider. Exit status: 0 all wanted wallpapers are there, 1 could not start, "
            "2 wrong usage, 3 some wallpapers could not be had, 4 the listing could not be read "
            "to its end, 5 the store or a feed failed, 130 interrupted."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        # argparse's own --help would end the process before the source is known.
        parser.add_argument(
            "-h",
            "--help",
            action="store_true",
            help="show this help, and the arguments of a source that is named, and exit",
        )
        self._print_help = parser.print_help

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        super().process_options(args, opts)
        if opts.help:
            assert self.settings is not None
            self._help(args, self.settings)
            sys.exit()

    def _help(self, args: list[str], settings: Settings) -> None:
        from wallpapers.spiders.description import arguments_text

        loader = get_spider_loader(settings)
        names = sorted(loader.list())
        if args and args[0] not in names:
            raise UsageError(f"no spider {args[0]!r}; there is {', '.join(names)}")
        self._print_help()
        print()
        spider = loader.load(args[0]) if args else None
        if spider and issubclass(spider, ListingSpider):
            print(arguments_text(spider))
        elif spider:
            print(f"{args[0]} is not a source of this project: its arguments are not declared.")
        else:
            name = program_name()
            print(f"{name} crawl SOURCE --help describes the arguments of a source.")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 1:
            name = program_name()
            raise UsageError(f"{name} crawl takes the name of one spider; {name} list names them")
        assert self.crawler_process is not None
        names = self.crawler_process.spider_loader.list()
        if args[0] not in names:
            raise UsageError(f"no spider {args[0]!r}; there is {', '.join(sorted(names))}")
        self.crawl(args[0], opts.spargs)

    def crawl(self, spider: str | type[Spider], arguments: dict[str, str]) -> Crawler:
        """Run the spider to its end and set the exit status."""
        process = self.crawler_process
        assert process is not None
        log_is_good = log_works()  # before Scrapy closes it, to open another one
        crawler = process.create_crawler(spider)
        if not log_is_good:
            self.exitcode = ExitStatus.STORE
            return crawler
        for signal_of_crawl in (signals.spider_opened, signals.item_scraped):
            crawler.signals.connect(self.settle_memory, signal_of_crawl)
        try:
            if taken := TAKEN & arguments.keys():
                raise ArgumentError(f"{taken.pop()!r} is no argument of a spider")
            timeout_s = positive(crawler.settings, "WALLPAPERS_SHUTDOWN_TIMEOUT")
        except UserError as error:
            self.exitcode = could_not_start(error)
            return crawler
        shutdown = Shutdown(timeout_s, _close_by_force)
        (task,) = shutdown.run(process, [crawler], arguments)
        if not task.done():
            self.exitcode = _close_by_force(crawler)
        # Having asked for the exception keeps asyncio from printing it with a traceback.
        elif (failure := task.exception()) is not None:
            self.exitcode = could_not_start(failure)
        else:
            self.exitcode = run_of(crawler).state.exit_status
            if self.exitcode == ExitStatus.INTERRUPTED:  # maybe before anything was listed
                _log_summary(crawler)
        shutdown.exit_status = self.exitcode
        return crawler

    def settle_memory(self, signal: object, sender: Crawler) -> None:
        """Take what was imported for good.

        To search it for garbage again and again blocks the reactor, for 70 ms each time. By the
        first item the library of the catalogue has come, too.
        """
        gc.freeze()
        sender.signals.disconnect(self.settle_memory, signal)


# Parameters of Scrapy's own functions on the way to the spider.
TAKEN = {"self", "cls", "crawler", "crawler_or_spidercls"}


def could_not_start(error: BaseException) -> int:
    """Say why a run could not start, and return the exit status for it."""
    if isinstance(error, ValueError):
        logger.debug("Could not start", exc_info=error)
        logger.error("Could not start: %s", error)
    else:
        logger.critical("Could not start", exc_info=error)
    return ExitStatus.COULD_NOT_START


def _close_by_force(crawler: Crawler) -> int:
    """Do what Scrapy's signals would have done at the end; return the exit status.

    The crawler may be at any point of its start, and another thread may be using its feeds.
    """
    state = run_of(crawler).state
    state.close("shutdown")
    for step in (_abort_feeds, _abort_progress, _log_summary):
        try:
            step(crawler)
        except Exception as error:
            logger.warning("Shutting down: %s", error)
    return state.exit_status


def _abort_feeds(crawler: Crawler) -> None:
    if feeds := crawler.get_extension(CheckedFeedExporter):
        feeds.abort()


def _abort_progress(crawler: Crawler) -> None:
    if progress := crawler.get_extension(Progress):
        progress.abort()


def _log_summary(crawler: Crawler) -> None:
    if summary := crawler.get_extension(RunSummary):
        summary.log()
