"""``scrapy cluster``: crawl on many machines with one queue, one catalogue and one store."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from time import monotonic, sleep
from typing import TYPE_CHECKING

from scrapy.exceptions import UsageError
from scrapy.spiderloader import get_spider_loader

from wallpapers.commands._shared import quiet_on_closed_output, report_error, spider_not_found
from wallpapers.commands.crawl import RESERVED_ARGUMENTS
from wallpapers.commands.crawl import Command as CrawlCommand
from wallpapers.errors import ArgumentError, StoreError, UserError
from wallpapers.run.program import program_name

if TYPE_CHECKING:
    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.spiders.listing_spider import ListingSpider

logger = logging.getLogger(__name__)

_POLL_INTERVAL_S = 0.5
_MAX_WAIT_S = 60.0  # for workers to give up the tasks of a cancelled run


class Command(CrawlCommand):
    """Exit status: 0, 1 for a user's mistake, 5 if the catalogue fails; of a crawl with --wait."""

    def syntax(self) -> str:
        return "init|crawl|work|status|look|retry|cancel|demo ..."

    def short_desc(self) -> str:
        return "Crawl on many machines: one queue, one catalogue, one store"

    def long_desc(self) -> str:
        return (
            "Crawl on many machines, with one queue, one catalogue in PostgreSQL and one store. "
            "init creates the queue. crawl SPIDER submits a run. work performs tasks until it "
            "receives a signal. status prints the state of the cluster, status RUN that of a run. "
            "look describes the stored images. retry [RUN ...] tries what failed again. "
            "cancel RUN ... ends runs. demo runs a cluster on this machine. Exit status: 0; 1 "
            "could not start; 2 wrong usage; 5 the catalogue cannot be used; with --wait, that of "
            "the run."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--wait", action="store_true", help="let crawl wait for the end of the run"
        )
        parser.add_argument(
            "--processes", type=int, default=1, metavar="N", help="number of processes of work"
        )

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        super().process_options(args, opts)
        self.requires_crawler_process = opts.wait

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        actions: dict[str, Callable[[list[str], argparse.Namespace], None]] = {
            "init": self._init,
            "crawl": self._crawl,
            "work": self._work,
            "status": self._status,
            "look": self._look,
            "retry": self._retry,
            "cancel": self._cancel,
            "demo": self._demo,
        }
        if not args or args[0] not in actions:
            raise UsageError(
                f"{program_name()} cluster expects one of: {', '.join(actions)}"
                + (f", got {args[0]!r}" if args else "")
            )
        try:
            with quiet_on_closed_output(self):
                actions[args[0]](args[1:], opts)
        except (UserError, StoreError) as error:
            self.exitcode = report_error(error)

    def _init(self, args: list[str], opts: argparse.Namespace) -> None:
        from wallpapers.cluster.database import open_catalogue

        _expect(args, 0, "init takes no argument")
        assert self.settings is not None
        catalogue = open_catalogue(self.settings, installs=True)
        print(f"The cluster is ready in {catalogue}")
        catalogue.close()

    def _crawl(self, args: list[str], opts: argparse.Namespace) -> None:
        from wallpapers.cluster.database import open_catalogue
        from wallpapers.cluster.submission import check, submit

        _expect(args, 1, "crawl expects one spider name")
        if (opts.output or opts.overwrite_output) and not opts.wait:
            raise UsageError("a feed is written at the end of the run; add --wait")
        assert self.settings is not None
        loader = get_spider_loader(self.settings)
        if args[0] not in loader.list():
            raise spider_not_found(args[0], loader.list())
        if reserved := RESERVED_ARGUMENTS & opts.spargs.keys():
            raise ArgumentError(f"unknown argument {reserved.pop()!r}")
        spiders = check(loader.load(args[0]), opts.spargs, self.settings)
        catalogue = open_catalogue(self.settings)
        runs = submit(catalogue, spiders)
        if not opts.wait:
            catalogue.close()
            for run in runs:
                print(f"Run {run}")
            return
        logger.info("Submitted: run %s", ", ".join(map(str, runs)))
        self._wait(runs, type(spiders[0]), catalogue, opts)

    def _wait(
        self,
        runs: list[int],
        spider: type[ListingSpider],
        catalogue: Catalogue,
        opts: argparse.Namespace,
    ) -> None:
        from wallpapers.cluster.database import Database
        from wallpapers.cluster.waiting import WaitingSpider

        database = Database(catalogue)
        logging.getLogger("scrapy").setLevel(self._scrapy_level(opts))
        own = {"runs": runs, "database": database}
        self.crawl(type(spider.__name__, (WaitingSpider, spider), own), opts.spargs)
        database.close()

    def _work(self, args: list[str], opts: argparse.Namespace) -> None:
        from wallpapers.cluster.processes import WorkerProcesses
        from wallpapers.cluster.worker import work

        _expect(args, 0, "work takes no argument")
        assert self.settings is not None
        if opts.processes < 1:
            raise UsageError(f"--processes must be 1 or more, got {opts.processes}")
        if opts.processes > 1:
            self.exitcode = WorkerProcesses(opts.processes).run()
            return
        # Each crawl of a worker would log Scrapy's start messages.
        self.exitcode = work(self.settings, self._scrapy_level(opts))

    def _scrapy_level(self, opts: argparse.Namespace) -> int:
        return logging.WARNING if opts.loglevel is None else logging.NOTSET

    def _status(self, args: list[str], opts: argparse.Namespace) -> None:
        from wallpapers.cluster.status import status_of

        run = _number(args)
        with self._catalogue() as catalogue:
            print(catalogue.run(lambda entries: status_of(entries.connection, run)))

    def _retry(self, args: list[str], opts: argparse.Namespace) -> None:
        from wallpapers.cluster.changes import is_ending, retry
        from wallpapers.cluster.queue import Queue

        runs = _numbers(args)
        with self._catalogue() as catalogue:
            end_s = monotonic() + _MAX_WAIT_S
            for run in runs:
                while catalogue.run(lambda entries: is_ending(entries.connection, run)):  # noqa: B023
                    if monotonic() > end_s:
                        text = f"workers still have tasks of run {run}; retry it later"
                        raise ArgumentError(text)
                    sleep(_POLL_INTERVAL_S)
            queue = Queue()
            done = catalogue.run(lambda entries: retry(entries.connection, queue, runs))
        print(f"Trying again: {done.wallpapers:,} wallpapers, {done.listings:,} listings")

    def _cancel(self, args: list[str], opts: argparse.Namespace) -> None:
        from wallpapers.cluster.changes import cancel

        runs = _numbers(args)
        if not runs:
            raise UsageError("cancel expects the number of a run")
        with self._catalogue() as catalogue:
            for run in runs:
                was_running = catalogue.run(partial(cancel, run=run))
                print(f"Run {run} is cancelled" if was_running else f"Run {run} has already ended")

    def _demo(self, args: list[str], opts: argparse.Namespace) -> None:
        from wallpapers.cluster.demo import run_demo

        _expect(args, 0, "demo takes no argument")
        assert self.settings is not None
        self.exitcode = run_demo(self.settings, partial(print, flush=True))

    @contextmanager
    def _catalogue(self) -> Iterator[Catalogue]:
        from wallpapers.cluster.database import open_catalogue

        assert self.settings is not None
        catalogue = open_catalogue(self.settings)
        try:
            yield catalogue
        finally:
            catalogue.close()

    def _look(self, args: list[str], opts: argparse.Namespace) -> None:
        from wallpapers.cluster import looks
        from wallpapers.cluster.database import open_catalogue
        from wallpapers.cluster.queue import Queue

        _expect(args, 0, "look takes no argument")
        assert self.settings is not None
        looks.check(self.settings)
        catalogue = open_catalogue(self.settings)
        try:
            count = looks.submit(catalogue, Queue())
        finally:
            catalogue.close()
        print(f"{count:,} images to look at, in {looks.PARTS} tasks")


def _expect(args: list[str], count: int, message: str) -> None:
    if len(args) != count:
        raise UsageError(f"{program_name()} cluster {message}, got {len(args)}")


def _number(args: list[str]) -> int | None:
    """Return the number of a run, if one is given."""
    if len(args) > 1:
        raise UsageError(f"RUN must be the number of a run, got {' '.join(args)!r}")
    return next(iter(_numbers(args)), None)


def _numbers(args: list[str]) -> list[int]:
    """Return the numbers of runs."""
    for word in args:
        if not word.isdecimal():
            raise UsageError(f"RUN must be the number of a run, got {word!r}")
    return [int(word) for word in args]
