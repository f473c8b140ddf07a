"""``scrapy crawl``: Scrapy's command with an exit status that reflects the result of the run."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
from functools import partial

from scrapy import Spider, signals
from scrapy.commands.crawl import Command as CrawlCommand
from scrapy.crawler import Crawler
from scrapy.exceptions import UsageError
from scrapy.settings import BaseSettings, Settings
from scrapy.spiderloader import get_spider_loader

from wallpapers.catalogue.bus_errors import end_on_bus_error
from wallpapers.commands._settings import ChecksSettings
from wallpapers.commands._shared import spider_not_found
from wallpapers.errors import ArgumentError, UserError
from wallpapers.extensions.log_guard import log_works
from wallpapers.extensions.progress import Progress
from wallpapers.extensions.summary import RunSummary
from wallpapers.feeds.exporter import CheckedFeedExporter
from wallpapers.logs.routine import demote_routine
from wallpapers.logs.terminal import is_on_terminal, screen_for
from wallpapers.options.setting_values import positive
from wallpapers.pipelines.images import WallpaperImagesPipeline
from wallpapers.run.addon import run_of
from wallpapers.run.command_line import shell_command
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.program import program_name
from wallpapers.run.shutdown import Shutdown
from wallpapers.spiders.listing_spider import ListingSpider

logger = logging.getLogger(__name__)

_SHUTDOWN_TIMEOUT_S = 25.0


class Command(ChecksSettings, CrawlCommand):
    """Run a spider; the exit status is that of its run state, or 1 if the run could not start."""

    def short_desc(self) -> str:
        return "Run a spider; the exit status reflects the result"

    def long_desc(self) -> str:
        return (
            "Run a spider. Exit status: 0 complete, 1 could not start, 2 wrong usage, "
            "3 some wallpapers failed, 4 the listing could not be read to its end, 5 the store or "
            "a feed failed, 130 interrupted."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        # argparse's own --help would end the process before the source is known.
        parser.add_argument(
            "-h",
            "--help",
            action="store_true",
            help="show this help, after the name of a source also its arguments, and exit",
        )
        self._print_help = parser.print_help

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        super().process_options(args, opts)
        assert self.settings is not None
        if is_on_terminal(self.settings):
            demote_routine()
        if screen := screen_for(self.settings):
            screen.take_log(self.settings)
        if opts.help:
            self._help(args, self.settings)
            sys.exit()

    def _help(self, args: list[str], settings: Settings) -> None:
        from wallpapers.spiders.description import arguments_text

        loader = get_spider_loader(settings)
        names = sorted(loader.list())
        if args and args[0] not in names:
            raise spider_not_found(args[0], names)
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
            raise UsageError(
                f"{program_name()} crawl expects one spider name; "
                f"to list them, run: {shell_command('list')}"
            )
        assert self.crawler_process is not None
        names = self.crawler_process.spider_loader.list()
        if args[0] not in names:
            raise spider_not_found(args[0], names)
        self.crawl(args[0], opts.spargs)

    def crawl(self, spider: str | type[Spider], arguments: dict[str, str]) -> Crawler:
        """Run the spider to its end and set the exit status."""
        process = self.crawler_process
        assert process is not None
        log_is_writable = log_works()  # checked before Scrapy reopens the log
        crawler = process.create_crawler(spider)
        if not log_is_writable:
            self.exitcode = ExitStatus.STORE
            return crawler
        for crawl_signal in (signals.spider_opened, signals.item_scraped):
            crawler.signals.connect(self.freeze_memory, crawl_signal)
        try:
            if reserved := RESERVED_ARGUMENTS & arguments.keys():
                raise ArgumentError(f"unknown argument {reserved.pop()!r}")
            self.check_settings()
            timeout_s = _shutdown_timeout_s(crawler.settings)
        except UserError as error:
            self.exitcode = report_start_failure(error)
            return crawler
        shutdown = Shutdown(timeout_s, _close_by_force)
        end_on_bus_error(partial(_end_after_bus_error, shutdown, crawler))
        (task,) = shutdown.run(process, [crawler], arguments)
        if not task.done():
            self.exitcode = _close_by_force(crawler)
        # Retrieving the exception keeps asyncio from printing it with a traceback.
        elif (failure := task.exception()) is not None:
            self.exitcode = report_start_failure(failure)
        else:
            self.exitcode = run_of(crawler).state.exit_status
            if self.exitcode == ExitStatus.INTERRUPTED:  # possibly before the summary was logged
                _log_summary(crawler)
        shutdown.exit_status = self.exitcode
        _discard_unread_output()
        return crawler

    def freeze_memory(self, signal: object, sender: Crawler) -> None:
        """Exclude imported objects from garbage collection.

        Otherwise each full collection visits them and blocks the reactor for 70 ms. This is done
        twice, because the library of the catalogue is imported before the first item.
        """
        gc.freeze()
        sender.signals.disconnect(self.freeze_memory, signal)


# Names of parameters of the Scrapy functions that pass the arguments to the spider.
RESERVED_ARGUMENTS = {"self", "cls", "crawler", "crawler_or_spidercls"}


def report_start_failure(error: BaseException) -> int:
    """Log why a run could not start, and return the exit status for it."""
    if isinstance(error, ValueError):
        logger.debug("Could not start", exc_info=error)
        logger.error("Could not start: %s", error)
    else:
        logger.critical("Could not start", exc_info=error)
    return ExitStatus.COULD_NOT_START


def _discard_unread_output() -> None:
    """Discard buffered output if stdout is closed, so that the exit status is kept.

    Python flushes stdout when it exits, and exits with 120 if that fails.
    """
    if not sys.stdout:  # closed by the parent process
        return
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _close_by_force(crawler: Crawler) -> int:
    """Close the feeds, the progress display and the summary; return the exit status.

    Used if the crawler does not end by itself. It may be at any point of its start, and another
    thread may be using its feeds.
    """
    state = run_of(crawler).state
    state.close("shutdown")
    for step in (_abort_feeds, _abort_progress, _record_end, _log_summary):
        try:
            step(crawler)
        except Exception as error:
            logger.warning("Shutting down: %s", error)
    return state.exit_status


def _end_after_bus_error(shutdown: Shutdown, crawler: Crawler, message: str) -> None:
    """End the run as after any other failure of its catalogue, whose thread is stuck."""
    state = run_of(crawler).state
    shutdown.end_because(partial(state.store_failed, f"Catalogue failed: {message}"))


def _abort_feeds(crawler: Crawler) -> None:
    if feeds := crawler.get_extension(CheckedFeedExporter):
        feeds.abort()


def _abort_progress(crawler: Crawler) -> None:
    if progress := crawler.get_extension(Progress):
        progress.abort()


def _record_end(crawler: Crawler) -> None:
    if pipeline := crawler.get_item_pipeline(WallpaperImagesPipeline):
        pipeline.close_by_force()


def _log_summary(crawler: Crawler) -> None:
    if summary := crawler.get_extension(RunSummary):
        summary.log()


def _shutdown_timeout_s(settings: BaseSettings) -> float:
    name = "WALLPAPERS_SHUTDOWN_TIMEOUT"
    # In another project the add-on sets the default later.
    return _SHUTDOWN_TIMEOUT_S if settings[name] is None else positive(settings, name)
