"""``scrapy retry``: try the failed wallpapers again, without reading the listing."""

from __future__ import annotations

import argparse

from scrapy.exceptions import UsageError

from wallpapers.commands._shared import (
    open_catalogue,
    quiet_on_closed_output,
    report_error,
    spider_not_found,
)
from wallpapers.commands.crawl import Command as CrawlCommand
from wallpapers.errors import StoreError, UserError
from wallpapers.run.program import program_name
from wallpapers.spiders.listing_spider import ListingSpider


class Command(CrawlCommand):
    """Crawl the failed wallpapers of the catalogue; the exit status is that of a crawl."""

    def syntax(self) -> str:
        return "[options] [spider]"

    def short_desc(self) -> str:
        return "Try the failed wallpapers again, without reading the listing"

    def long_desc(self) -> str:
        return (
            "Try the wallpapers of a spider that have failed according to the catalogue; the "
            "listing is not read. The spider name is optional if only one has failed wallpapers. "
            "Each wallpaper is requested for the endpoint that listed it, or for that of "
            "-a endpoint=; -a limit=N retries at most N. The exit status is that of "
            f"{program_name()} crawl, and 0 if there is nothing to retry."
        )

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        from wallpapers.maintenance.retry import RetrySpider

        if len(args) > 1:
            raise UsageError(f"{program_name()} retry expects one spider name, or none")
        assert self.settings is not None
        assert self.crawler_process is not None
        try:
            self.check_settings()
            with open_catalogue(self.settings, reads_only=True) as catalogue:
                counts = catalogue.run(
                    lambda entries: entries.count("source", state="failed", hidden=False)
                )
        except (UserError, StoreError) as error:
            self.exitcode = report_error(error)
            return
        failed = {source: count for (source,), count in counts.items()}
        name = self._choose(args, failed)
        if not failed.get(name):
            with quiet_on_closed_output(self):
                print("Nothing to retry: no failed wallpapers" + (f" for {name}" if name else ""))
            return
        spider = self.crawler_process.spider_loader.load(name)
        if not issubclass(spider, ListingSpider):
            raise UsageError(f"{name} has no listing and cannot be retried")
        with quiet_on_closed_output(self):
            print(f"Retrying {failed[name]:,} failed wallpapers of {name}")
        self.crawl(type(spider.__name__, (RetrySpider, spider), {}), opts.spargs)

    def _choose(self, args: list[str], failed: dict[str, int]) -> str:
        """Return the spider to retry, or "" if no spider has failed wallpapers."""
        assert self.crawler_process is not None
        names = self.crawler_process.spider_loader.list()
        if args:
            if args[0] not in names:
                raise spider_not_found(args[0], names)
            return args[0]
        counts = {name: count for name, count in failed.items() if name in names}
        if len(counts) > 1:
            choices = ", ".join(f"{name} ({count:,})" for name, count in sorted(counts.items()))
            raise UsageError(f"several spiders have failed wallpapers; choose one: {choices}")
        return next(iter(counts), "")
