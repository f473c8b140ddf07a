"""``scrapy stats``: print the contents of the catalogue, or the runs in it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from wallpapers.commands._catalogue_command import CatalogueCommand
from wallpapers.commands._shared import open_catalogue
from wallpapers.logs.masking import HideSecrets, mask
from wallpapers.maintenance import statistics
from wallpapers.run.command_line import shell_command
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.reasons import Verdict
from wallpapers.storage.address import folder_of
from wallpapers.storage.run_folder import is_running

if TYPE_CHECKING:
    from wallpapers.catalogue.catalogue import Catalogue

_MAX_LINES = 20  # of failures by host and reason
_RUNS = 20


class Command(CatalogueCommand, ScrapyCommand):
    """Exit status 0; 1 if there is no catalogue, 5 if it cannot be read."""

    def short_desc(self) -> str:
        return "Print the contents of the catalogue: wallpapers, images, failures, runs"

    def long_desc(self) -> str:
        return (
            "Print how many wallpapers of each source are stored, filtered, failed, only listed "
            "(the run ended before they were processed), or hidden, how many images of each format "
            "are stored, and where and why wallpapers failed. Exit status: 0; 1 there is no "
            "catalogue; 5 it cannot be read; 141 the output was closed by its reader."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--runs",
            nargs="?",
            type=int,
            const=_RUNS,
            metavar="N",
            help=f"print the latest runs instead, {_RUNS} by default",
        )
        parser.add_argument("--json", action="store_true", help="print the same as JSON")
        parser.add_argument(
            "--prometheus",
            action="store_true",
            help="print metrics for Prometheus, in its text format",
        )

    def check_usage(self, args: list[str], opts: argparse.Namespace) -> None:
        super().check_usage(args, opts)
        if opts.prometheus and (opts.json or opts.runs is not None):
            raise UsageError("--prometheus cannot be combined with --json or --runs")
        if opts.runs is not None and opts.runs < 1:
            raise UsageError(f"--runs must be a whole number, 1 or more, got {opts.runs}")

    def execute(self, args: list[str], opts: argparse.Namespace) -> int:
        assert self.settings is not None
        with open_catalogue(self.settings, reads_only=True) as catalogue:
            text = self._text(catalogue, opts)
        HideSecrets().update_settings(self.settings)  # a suggested command may have one
        print(mask(text))
        return ExitStatus.COMPLETE

    def _text(self, catalogue: Catalogue, opts: argparse.Namespace) -> str:
        if opts.prometheus:
            from wallpapers.maintenance.prometheus import exposition

            return catalogue.run(exposition).rstrip("\n")
        name, contents, runs = str(catalogue), {}, []
        if opts.runs is None:
            contents = catalogue.run(statistics.contents)
        if opts.runs is not None or opts.json:
            latest = partial(statistics.runs, most=opts.runs or _RUNS, is_running=self._is_running)
            runs = catalogue.run(latest)
        if opts.json:
            values = {"catalogue": name, **contents, "runs": runs}
            return json.dumps(values, ensure_ascii=False, indent=2)
        if opts.runs is not None:
            return _runs_text(name, runs)
        return "\n".join([*_contents_lines(name, contents), *self._retry_commands(contents)])

    def _retry_commands(self, contents: dict[str, Any]) -> Iterator[str]:
        """Yield a line for each source with failed wallpapers that ``retry`` can try again."""
        failed = {source for source, states in contents["sources"].items() if states["failed"]}
        if not failed:
            return
        from wallpapers.spiders.description import sources

        assert self.settings is not None
        for spider in sources(self.settings):
            if spider.name in failed:
                command = shell_command("retry", spider.name)
                yield f"To try those of {spider.name} again, run: {command}"

    def _is_running(self, run: str) -> bool | None:
        """Return whether a run is alive on this machine; None = it has a remote store."""
        folder = folder_of(self.store_address)
        return None if folder is None else is_running(folder, run)


def _contents_lines(catalogue: str, contents: dict[str, Any]) -> list[str]:
    width = max(10, *(len(source) for source in contents["sources"]), 0)
    lines = [
        f"Contents of {catalogue}",
        "",
        f"{'source':<{width}}" + "".join(f"{state:>12}" for state in statistics.STATES),
    ]
    for source, states in contents["sources"].items():
        counts = "".join(f"{states[name]:>12,}" for name in statistics.STATES)
        lines.append(f"{source:<{width}}{counts}")
    lines += ["", f"{'pictures':<{width}}{'files':>12}{'MB':>12}"]
    for name, entry in contents["pictures"].items():
        lines.append(f"{name:<{width}}{entry['count']:>12,}{entry['bytes'] / 1e6:>12,.1f}")
    if failures := contents["failures"]:
        lines += ["", "failed at"]
        lines += [
            f"{entry['count']:>8,}  {entry['reason']:<16}  {entry['host'] or 'no host'}"
            for entry in failures[:_MAX_LINES]
        ]
        if len(failures) > _MAX_LINES:
            lines.append(f"          and {len(failures) - _MAX_LINES:,} more; --json has them all")
    return lines


def _runs_text(catalogue: str, runs: list[dict[str, Any]]) -> str:
    counted = "".join(f"{verdict:>10}" for verdict in Verdict)
    lines = [
        f"Runs in {catalogue}, the latest first",
        "",
        f"{'began (UTC)':<19}{'took':>10}  {'status':<15}{counted}  source and arguments",
    ]
    for run in runs:
        began = _second(run["began_at"])
        took = _second(run["ended_at"]) - began if run["ended_at"] else "-"
        status = f"{run['exit_status']} {run['outcome']}" if run["ended_at"] else run["state"]
        counts = "".join("-".rjust(10) if run[v] is None else f"{run[v]:>10,}" for v in Verdict)
        given = " ".join(f"{name}={value}" for name, value in run["arguments"].items())
        lines.append(
            f"{began:%Y-%m-%d %H:%M:%S}{took!s:>10}  {status:<15}{counts}  "
            f"{run['source']} {given}".rstrip()
        )
    return "\n".join(lines)


def _second(iso_time: str) -> datetime:
    return datetime.fromisoformat(iso_time).replace(microsecond=0)
