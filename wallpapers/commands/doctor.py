"""``scrapy doctor``: is each source well, and if not, what to do."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError
from scrapy.utils.conf import arglist_to_dict

from wallpapers.commands.crawl import TAKEN, could_not_start
from wallpapers.errors import ArgumentError
from wallpapers.logs.masking import mask
from wallpapers.options.setting_values import positive
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.program import program_name
from wallpapers.run.shutdown import Shutdown
from wallpapers.spiders.listing_spider import ListingSpider

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class Command(ScrapyCommand):
    """Exit status 0: all are well; 3: some drift; 4: one does not answer as it should."""

    requires_project = True

    def syntax(self) -> str:
        return "[options] [spider]"

    def short_desc(self) -> str:
        return "Ask each source for a page and a picture, and say what is wrong"

    def long_desc(self) -> str:
        return (
            "Ask each source, or the one that is named with its arguments (-a endpoint= among "
            "them), for one page and one picture, and print a table: does it answer, does it speak "
            "its protocol, how many entries came, which keys are new, missing or of another type, "
            "is the picture served. Nothing is stored. Exit status: 0 all are well, 1 could not "
            "start, 2 wrong usage, 3 some entries are not as they were, 4 a source does not answer "
            "as it should, 130 interrupted."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "-a",
            dest="spargs",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="set an argument of the spider that is named (may be repeated)",
        )
        parser.add_argument("--json", action="store_true", help="print the same as JSON")

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        from wallpapers.maintenance.doctor import KEEPS_NOTHING, QUICK

        assert self.settings is not None
        self.settings.setdict(QUICK, priority="cmdline")
        super().process_options(args, opts)
        self.settings.setdict(KEEPS_NOTHING, priority="cmdline")
        try:
            opts.spargs = arglist_to_dict(opts.spargs)
        except ValueError:
            raise UsageError("Invalid -a value, use -a NAME=VALUE", print_help=False) from None

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        from wallpapers.maintenance.doctor import CheckedSpider
        from wallpapers.maintenance.doctor_report import status, table

        spiders = self._spiders(args, opts)
        try:
            crawlers = self._look(spiders, opts.spargs)
        except KeyboardInterrupt:
            self.exitcode = ExitStatus.INTERRUPTED
            return
        except Exception as error:  # of a component that could not be made
            self.exitcode = could_not_start(error)
            return
        looks = [
            crawler.spider for crawler in crawlers if isinstance(crawler.spider, CheckedSpider)
        ]
        if any(look.interrupted for look in looks):
            self.exitcode = ExitStatus.INTERRUPTED
            return
        checkups = [look.checkup for look in looks]
        told = [checkup.as_json() for checkup in checkups]
        as_json = json.dumps(told, ensure_ascii=False, indent=2)
        # An endpoint may have a token in its query.
        print(mask(as_json if opts.json else table(checkups)))
        self.exitcode = status(checkups)

    def _spiders(self, args: list[str], opts: argparse.Namespace) -> list[type[ListingSpider]]:
        assert self.crawler_process is not None
        loader = self.crawler_process.spider_loader
        names = sorted(loader.list())
        if len(args) > 1:
            raise UsageError(f"{program_name()} doctor takes the name of one spider, or none")
        if args and args[0] not in names:
            raise UsageError(f"no spider {args[0]!r}; there is {', '.join(names)}")
        if opts.spargs and not args:
            raise UsageError("-a is for one spider: name it")
        loaded = [loader.load(name) for name in args or names]
        spiders = [spider for spider in loaded if issubclass(spider, ListingSpider)]
        if not spiders:
            raise UsageError("there is no listing to look at")
        return spiders

    def _look(self, spiders: list[type[ListingSpider]], arguments: dict[str, str]) -> list[Crawler]:
        """Run *spiders* at once, to their end. Raises what kept one from starting."""
        from wallpapers.maintenance.doctor import CheckedSpider

        if taken := TAKEN & arguments.keys():
            raise ArgumentError(f"{taken.pop()!r} is no argument of a spider")
        process = self.crawler_process
        assert process is not None
        crawlers: list[Crawler] = []
        for spider in spiders:
            checked = type(spider.__name__, (CheckedSpider, spider), {})
            crawlers.append(process.create_crawler(checked))
        timeout_s = positive(crawlers[0].settings, "WALLPAPERS_SHUTDOWN_TIMEOUT")
        shutdown = Shutdown(timeout_s, lambda _: ExitStatus.INTERRUPTED)
        tasks = shutdown.run(process, crawlers, arguments)
        if not all(task.done() for task in tasks):
            raise KeyboardInterrupt
        # Having asked for each keeps asyncio from printing it with a traceback.
        errors = [error for task in tasks if (error := task.exception()) is not None]
        if errors:
            raise errors[0]
        return crawlers
