"""The program and the command that the user called, for the commands in messages."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

OWN_NAME = "wallpapers"

_words: list[str] = []


def program_name() -> str:
    """Return ``wallpapers`` where the user called this program, and ``scrapy`` elsewhere."""
    called = Path(sys.argv[0] if sys.argv else "")
    name = called.parent.name if called.name == "__main__.py" else called.stem
    return OWN_NAME if name == OWN_NAME else "scrapy"


def remember_command_line() -> None:
    """Keep the words of the command line, from which Scrapy removes the command."""
    _words[:] = sys.argv[1:]


def command_line() -> str:
    """Return the command that the user called, or "" if a script or scrapyd started the crawl."""
    return shlex.join([program_name(), *_words]) if _words else ""
