"""Run the program ``wallpapers``: Scrapy's commands with this project's settings, in any folder."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from wallpapers import __version__
from wallpapers.run import startup
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.program import OWN_NAME, program_name

if TYPE_CHECKING:
    from scrapy.commands import ScrapyCommand


def main() -> None:
    """Run the command that the command line names, and exit with its status."""
    # Without a project of its own, Scrapy finds the commands and settings by this name. It replaces
    # that of another project, whose settings have no commands for this program.
    os.environ["SCRAPY_SETTINGS_MODULE"] = "wallpapers.settings"
    startup.prepare_command()
    try:
        _execute()
    except KeyboardInterrupt:
        sys.exit(ExitStatus.INTERRUPTED)


def _execute() -> None:
    from scrapy import cmdline

    from wallpapers.options.suggestions import with_suggestion

    class Parser(cmdline.ScrapyArgumentParser):
        """Scrapy's parser, with the name of this program in the usage line."""

        def __init__(self, *, usage: str, **options: Any) -> None:
            usage = usage.replace("scrapy", program_name(), 1)
            super().__init__(prog=program_name(), usage=usage, **options)

    name = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    commands = _commands()
    if "--version" in sys.argv[1:2]:
        print(f"{OWN_NAME} {__version__}")
    elif not name:
        _print_overview(commands)
    elif name not in commands:
        message = f"unknown command {name!r}; expected one of: {', '.join(sorted(commands))}"
        print(f"{OWN_NAME}: {with_suggestion(message, name, commands)}", file=sys.stderr)
        sys.exit(ExitStatus.WRONG_USAGE)
    else:
        # execute() takes no parser.
        cmdline.ScrapyArgumentParser = Parser  # type: ignore[assignment,misc]
        cmdline.execute()


def _commands() -> dict[str, ScrapyCommand]:
    from scrapy import cmdline
    from scrapy.utils.project import get_project_settings

    return cmdline._get_commands_dict(get_project_settings(), inproject=True)


def _print_overview(commands: dict[str, ScrapyCommand]) -> None:
    import scrapy

    print(f"{OWN_NAME} {__version__} (Scrapy {scrapy.__version__})\n")
    print(f"Usage:\n  {OWN_NAME} <command> [options] [arguments]\n\nCommands:")
    for name, command in sorted(commands.items()):
        print(f"  {name:<13} {command.short_desc()}")
    print(f"\n{OWN_NAME} <command> --help describes a command.")


if __name__ == "__main__":
    main()
