"""``scrapy doctor``: is each source well, and if not, what to do."""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import asdict

from scrapy.commands import BaseRunSpiderCommand
from scrapy.exceptions import UsageError

from wallpapers.commands.crawl import as_future, could_not_start
from wallpapers.outcome import Ending
from wallpapers.secrets import mask
from wallpapers.spiders.listing_spider import ListingSpider

# One page and one picture, soon: nothing is stored, nobody is waited for.
_SETTINGS = {
    "ITEM_PIPELINES": {},
    "EXTENSIONS": {},
    "FEEDS": {},
    "RETRY_TIMES": 1,
    "DOWNLOAD_TIMEOUT": 15,
    "WALLPAPERS_IDLE_TIMEOUT": 8,
    "WALLPAPERS_PATIENCE_BACKOFF": 0.5,
    "WALLPAPERS_PATIENCE_MAX_WAIT": 2,
    "WALLPAPERS_PATIENCE_OUTAGE": 5,
}


class Command(BaseRunSpiderCommand):
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
            "start, 3 some entries are not as they were, 4 a source does not answer as it should, "
            "130 interrupted."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="print the same as JSON")

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        super().process_options(args, opts)
        assert self.settings is not None
        quiet = {} if opts.loglevel else {"LOG_LEVEL": "CRITICAL"}
        self.settings.setdict({**_SETTINGS, **quiet}, priority="cmdline")
        for pair in opts.set:  # what the user asks for stands
            name, _, value = pair.partition("=")
            self.settings.set(name, value, priority="cmdline")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        from wallpapers.checkup import CheckedSpider, CheckUp, advices, table

        process = self.crawler_process
        assert process is not None
        checkups, tasks = [], []
        for spider in self._spiders(args, opts):
            checkup = CheckUp(spider.name)
            checked = type(spider.__name__, (CheckedSpider, spider), {"checkup": checkup})
            checkups.append(checkup)
            tasks.append(as_future(process.crawl(checked, **opts.spargs)))
        process.start()
        self.exitcode = _status(tasks)
        if self.exitcode:
            return
        told = [{**asdict(checkup), "advice": list(advices(checkup))} for checkup in checkups]
        as_json = json.dumps(told, ensure_ascii=False, indent=2)
        # An endpoint may have a token in its query.
        print(mask(as_json if opts.json else table(checkups)))
        if not all(checkup.answers_well for checkup in checkups):
            self.exitcode = Ending.LISTING.value
        elif any(checkup.drift for checkup in checkups):
            self.exitcode = Ending.FAILURES.value

    def _spiders(self, args: list[str], opts: argparse.Namespace) -> list[type[ListingSpider]]:
        assert self.crawler_process is not None
        loader = self.crawler_process.spider_loader
        names = sorted(loader.list())
        if len(args) > 1:
            raise UsageError("scrapy doctor takes the name of one spider, or none")
        if args and args[0] not in names:
            raise UsageError(f"no spider {args[0]!r}; there is {', '.join(names)}")
        if opts.spargs and not args:
            raise UsageError("-a is for one spider: name it")
        spiders = [loader.load(name) for name in args or names]
        return [spider for spider in spiders if issubclass(spider, ListingSpider)]


def _status(tasks: list[asyncio.Future[None]]) -> int:
    for task in tasks:
        if not task.done():
            return Ending.INTERRUPTED.value
        if (error := task.exception()) is not None:
            return could_not_start(error)
    return 0
