"""``scrapy doctor``: check that the sources work, and print advice."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError
from scrapy.utils.conf import arglist_to_dict

from wallpapers.commands._settings import ChecksSettings
from wallpapers.commands._shared import quiet_on_closed_output, spider_not_found
from wallpapers.commands.crawl import RESERVED_ARGUMENTS, report_start_failure
from wallpapers.errors import ArgumentError
from wallpapers.logs.masking import mask
from wallpapers.options.setting_values import positive
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.program import program_name
from wallpapers.run.shutdown import Shutdown
from wallpapers.spiders.listing_spider import ListingSpider

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class Command(ChecksSettings, ScrapyCommand):
    """Exit status 0: all sources work; 3: a format has changed; 4: a source does not work."""

    requires_project = True

    def syntax(self) -> str:
        return "[options] [spider]"

    def short_desc(self) -> str:
        return "Check that the sources work, with one page and one image of each"

    def long_desc(self) -> str:
        return (
            "Request one page and one image from each source, or from the given one with its "
            "arguments (such as -a endpoint=). Print a table: whether the source answers, whether "
            "the answer is a valid page, the number of entries, which keys are new, missing or of "
            "another type, and whether the image can be downloaded. Nothing is stored. Exit "
            "status: 0 all sources work, 1 could not start, 2 wrong usage, 3 the format of a "
            "listing has changed, 4 a source does not work, 130 interrupted, 141 the output was "
            "closed by its reader."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "-a",
            dest="spargs",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="set an argument of the spider (may be repeated; requires a spider name)",
        )
        parser.add_argument("--json", action="store_true", help="print the same as JSON")
        parser.add_argument(
            "-q",
            "--quiet",
            action="store_true",
            help="print nothing if all sources work, and no warnings; for cron",
        )

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        from wallpapers.maintenance.doctor import QUICK_SETTINGS, STORE_NOTHING_SETTINGS

        assert self.settings is not None
        self.settings.setdict(QUICK_SETTINGS, priority="cmdline")
        if opts.quiet:
            self.settings.set("LOG_LEVEL", "ERROR", priority="cmdline")
        super().process_options(args, opts)
        self.settings.setdict(STORE_NOTHING_SETTINGS, priority="cmdline")
        try:
            opts.spargs = arglist_to_dict(opts.spargs)
        except ValueError:
            raise UsageError("Invalid -a value, use -a NAME=VALUE", print_help=False) from None

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        from wallpapers.maintenance.doctor import CheckedSpider
        from wallpapers.maintenance.doctor_report import status, table

        spiders = self._spiders(args, opts)
        try:
            crawlers = self._check(spiders, opts.spargs)
        except KeyboardInterrupt:
            self.exitcode = ExitStatus.INTERRUPTED
            return
        except Exception as error:  # raised by a component during the start
            self.exitcode = report_start_failure(error)
            return
        checked = [
            crawler.spider for crawler in crawlers if isinstance(crawler.spider, CheckedSpider)
        ]
        if any(spider.interrupted for spider in checked):
            self.exitcode = ExitStatus.INTERRUPTED
            return
        reports = [spider.report for spider in checked]
        as_json = json.dumps([report.as_json() for report in reports], ensure_ascii=False, indent=2)
        self.exitcode = status(reports)
        if opts.quiet and self.exitcode == ExitStatus.COMPLETE:
            return
        with quiet_on_closed_output(self):
            # The query of an endpoint may contain a token.
            print(mask(as_json if opts.json else table(reports)))

    def _spiders(self, args: list[str], opts: argparse.Namespace) -> list[type[ListingSpider]]:
        assert self.crawler_process is not None
        loader = self.crawler_process.spider_loader
        names = sorted(loader.list())
        if len(args) > 1:
            raise UsageError(f"{program_name()} doctor expects one spider name, or none")
        if args and args[0] not in names:
            raise spider_not_found(args[0], names)
        if opts.spargs and not args:
            raise UsageError("-a requires a spider name")
        loaded = [loader.load(name) for name in args or names]
        spiders = [spider for spider in loaded if issubclass(spider, ListingSpider)]
        if not spiders:
            raise UsageError("no spider with a listing found")
        return spiders

    def _check(
        self, spiders: list[type[ListingSpider]], arguments: dict[str, str]
    ) -> list[Crawler]:
        """Run *spiders* concurrently until all have ended. Raises the error of a failed start."""
        from wallpapers.maintenance.doctor import CheckedSpider

        if reserved := RESERVED_ARGUMENTS & arguments.keys():
            raise ArgumentError(f"unknown argument {reserved.pop()!r}")
        process = self.crawler_process
        assert process is not None
        crawlers: list[Crawler] = []
        for spider in spiders:
            checked_spider = type(spider.__name__, (CheckedSpider, spider), {})
            crawlers.append(process.create_crawler(checked_spider))
        self.check_settings()
        timeout_s = positive(crawlers[0].settings, "WALLPAPERS_SHUTDOWN_TIMEOUT")
        shutdown = Shutdown(timeout_s, lambda _: ExitStatus.INTERRUPTED)
        tasks = shutdown.run(process, crawlers, arguments)
        if not all(task.done() for task in tasks):
            raise KeyboardInterrupt
        # Retrieving the exceptions keeps asyncio from printing them with a traceback.
        errors = [error for task in tasks if (error := task.exception()) is not None]
        if errors:
            raise errors[0]
        return crawlers
