"""``scrapy stats``: what the catalogue holds."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from wallpapers.commands._shared import catalogue_of, status_of
from wallpapers.errors import StoreError, UserError
from wallpapers.run.program import program_name

if TYPE_CHECKING:
    from wallpapers.catalogue.entries import Entries

_STATES = ("stored", "filtered", "failed", "listed")
_MOST_LINES = 20  # of failures by host and reason


class Command(ScrapyCommand):
    """Exit status 0; 1 where there is no catalogue, 5 where it cannot be read."""

    requires_project = True
    requires_crawler_process = False

    def short_desc(self) -> str:
        return "Print what the catalogue holds: wallpapers, pictures, failures"

    def long_desc(self) -> str:
        return (
            "Print how many wallpapers of each source are stored, filtered, failed, and listed "
            "only (seen in a run that ended before it came to them), what pictures there are, and "
            "where and why wallpapers failed. Exit status: 0; 1 there is no catalogue; 5 it cannot "
            "be read."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="print the same as JSON")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if args:
            raise UsageError(f"{program_name()} stats takes no argument, got {args[0]!r}")
        assert self.settings is not None
        try:
            with catalogue_of(self.settings) as catalogue:
                found = {"catalogue": str(catalogue), **catalogue.run(_summary)}
        except (UserError, StoreError) as error:
            self.exitcode = status_of(error)
            return
        print(json.dumps(found, ensure_ascii=False, indent=2) if opts.json else _text(found))


def _summary(entries: Entries) -> dict[str, Any]:
    sources: dict[str, dict[str, int]] = {}
    for (source, state), count in entries.count("source", "state").items():
        sources.setdefault(source, dict.fromkeys(_STATES, 0))[state] = count
    return {
        "sources": dict(sorted(sources.items())),
        "pictures": {
            name: {"count": count, "bytes": size}
            for name, (count, size) in entries.formats().items()
        },
        "failures": [
            {"host": host, "reason": reason, "count": count}
            for (host, reason), count in entries.count("host", "reason", state="failed").items()
        ],
    }


def _text(found: dict[str, Any]) -> str:
    width = max(10, *(len(source) for source in found["sources"]), 0)
    lines = [
        f"What {found['catalogue']} holds",
        "",
        f"{'source':<{width}}" + "".join(f"{state:>12}" for state in _STATES),
    ]
    for source, states in found["sources"].items():
        lines.append(f"{source:<{width}}" + "".join(f"{states[name]:>12,}" for name in _STATES))
    lines += ["", f"{'pictures':<{width}}{'files':>12}{'MB':>12}"]
    for name, entry in found["pictures"].items():
        lines.append(f"{name:<{width}}{entry['count']:>12,}{entry['bytes'] / 1e6:>12,.1f}")
    if failures := found["failures"]:
        lines += ["", "failed at"]
        lines += [
            f"{entry['count']:>8,}  {entry['reason']:<16}  {entry['host'] or 'no host'}"
            for entry in failures[:_MOST_LINES]
        ]
        if len(failures) > _MOST_LINES:
            lines.append(f"          and {len(failures) - _MOST_LINES:,} more; --json has them all")
        lines.append(f"{program_name()} retry asks for them again.")
    return "\n".join(lines)
