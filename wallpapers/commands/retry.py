"""``scrapy retry``: ask again for the wallpapers that failed, and for nothing else."""

from __future__ import annotations

import argparse

from scrapy.exceptions import UsageError

from wallpapers.commands._shared import catalogue_of, status_of
from wallpapers.commands.crawl import Command as CrawlCommand
from wallpapers.errors import StoreError, UserError
from wallpapers.run.program import program_name
from wallpapers.spiders.listing_spider import ListingSpider


class Command(CrawlCommand):
    """A crawl whose listing is what the catalogue has as failed; its exit status is a crawl's."""

    def syntax(self) -> str:
        return "[options] [spider]"

    def short_desc(self) -> str:
        return "Ask again for the wallpapers that failed, without reading the listing"

    def long_desc(self) -> str:
        return (
            "Ask again for those wallpapers of a spider that the catalogue has as failed; the "
            "listing is not read. The spider need not be named where only one has failures. Give "
            "-a endpoint= as for the crawl, if it had one; -a limit= asks for so many. The exit "
            f"status is that of {program_name()} crawl, 0 too where nothing failed."
        )

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        from wallpapers.maintenance.retry import FailedOnly

        if len(args) > 1:
            raise UsageError(f"{program_name()} retry takes the name of one spider, or none")
        assert self.settings is not None
        assert self.crawler_process is not None
        try:
            with catalogue_of(self.settings) as catalogue:
                counts = catalogue.run(lambda entries: entries.count("source", state="failed"))
        except (UserError, StoreError) as error:
            self.exitcode = status_of(error)
            return
        failed = {source: count for (source,), count in counts.items()}
        name = self._choose(args, failed)
        if not failed.get(name):
            print("Nothing to retry: no wallpaper has failed" + (f" of {name}" if name else ""))
            return
        spider = self.crawler_process.spider_loader.load(name)
        if not issubclass(spider, ListingSpider):
            raise UsageError(f"{name} reads no listing: it cannot be retried")
        print(f"Asking again for {failed[name]:,} wallpapers of {name}")
        self.crawl(type(spider.__name__, (FailedOnly, spider), {}), opts.spargs)

    def _choose(self, args: list[str], failed: dict[str, int]) -> str:
        """Return the spider that is meant, "" where there is nothing to do."""
        assert self.crawler_process is not None
        names = self.crawler_process.spider_loader.list()
        if args:
            if args[0] not in names:
                raise UsageError(f"no spider {args[0]!r}; there is {', '.join(sorted(names))}")
            return args[0]
        ours = {name: count for name, count in failed.items() if name in names}
        if len(ours) > 1:
            counts = ", ".join(f"{name} ({count:,})" for name, count in sorted(ours.items()))
            raise UsageError(f"several spiders have failures, name one: {counts}")
        return next(iter(ours), "")
