"""``scrapy stats``: print the contents of the catalogue."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from wallpapers.commands._settings import ChecksSettings
from wallpapers.commands._shared import open_catalogue, quiet_on_closed_output, report_error
from wallpapers.errors import StoreError, UserError
from wallpapers.listings.text import one_line
from wallpapers.run.program import program_name

if TYPE_CHECKING:
    from wallpapers.catalogue.entries import Entries

_STATES = ("stored", "filtered", "failed", "listed")
_MAX_LINES = 20  # of failures by host and reason


class Command(ChecksSettings, ScrapyCommand):
    """Exit status 0; 1 if there is no catalogue, 5 if it cannot be read."""

    requires_project = True
    requires_crawler_process = False

    def short_desc(self) -> str:
        return "Print the contents of the catalogue: wallpapers, images, failures"

    def long_desc(self) -> str:
        return (
            "Print how many wallpapers of each source are stored, filtered, failed, or only listed "
            "(the run ended before they were processed), how many images of each format are "
            "stored, and where and why wallpapers failed. Exit status: 0; 1 there is no catalogue; "
            "5 it cannot be read; 141 the output was closed by its reader."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="print the same as JSON")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if args:
            raise UsageError(f"{program_name()} stats takes no argument, got {args[0]!r}")
        assert self.settings is not None
        try:
            self.check_setting_names()
            with open_catalogue(self.settings, reads_only=True) as catalogue:
                contents = {"catalogue": str(catalogue), **catalogue.run(_summary)}
        except (UserError, StoreError) as error:
            self.exitcode = report_error(error)
            return
        with quiet_on_closed_output(self):
            print(
                json.dumps(contents, ensure_ascii=False, indent=2) if opts.json else _text(contents)
            )


def _summary(entries: Entries) -> dict[str, Any]:
    sources: dict[str, dict[str, int]] = {}
    for (source, state), count in entries.count("source", "state").items():
        states = sources.setdefault(_printable(source), dict.fromkeys(_STATES, 0))
        states[_printable(state)] = states.get(_printable(state), 0) + count
    return {
        "sources": dict(sorted(sources.items())),
        "pictures": {
            _printable(name): {"count": count, "bytes": size}
            for name, (count, size) in entries.formats().items()
        },
        "failures": [
            {"host": _printable(host), "reason": _printable(reason), "count": count}
            for (host, reason), count in entries.count("host", "reason", state="failed").items()
        ],
    }


def _printable(value: object) -> str:
    """Return *value* as one line of text; a table that was edited by hand may contain any type."""
    return one_line(value if isinstance(value, str) else repr(value))


def _text(contents: dict[str, Any]) -> str:
    width = max(10, *(len(source) for source in contents["sources"]), 0)
    lines = [
        f"Contents of the catalogue {contents['catalogue']}",
        "",
        f"{'source':<{width}}" + "".join(f"{state:>12}" for state in _STATES),
    ]
    for source, states in contents["sources"].items():
        lines.append(f"{source:<{width}}" + "".join(f"{states[name]:>12,}" for name in _STATES))
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
        lines.append(f"Use {program_name()} retry to try them again.")
    return "\n".join(lines)
