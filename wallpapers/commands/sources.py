"""``scrapy sources``: list the sources, their arguments and an example of each."""

from __future__ import annotations

import argparse
import json

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from wallpapers.commands._shared import quiet_on_closed_output
from wallpapers.run.program import program_name


class Command(ScrapyCommand):
    """Exit status 0, or 141 if the reader of the output has gone; nothing is requested."""

    requires_project = True
    requires_crawler_process = False

    def short_desc(self) -> str:
        return "List the sources: what they list, their arguments, an example"

    def long_desc(self) -> str:
        return (
            "List the sources: what each one lists, whether it is known to answer, its arguments "
            f"with their defaults, and an example. No request is made; {program_name()} doctor "
            "checks the sources. Exit status: 0; 141 the output was closed by its reader."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="print the same as JSON")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        from wallpapers.spiders.description import describe, overview, sources

        if args:
            raise UsageError(f"{program_name()} sources takes no argument, got {args[0]!r}")
        assert self.settings is not None
        described = [describe(spider) for spider in sources(self.settings)]
        as_json = json.dumps(described, ensure_ascii=False, indent=2)
        with quiet_on_closed_output(self):
            print(as_json if opts.json else overview(described))
