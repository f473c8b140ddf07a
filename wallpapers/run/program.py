"""Determine the name of the program that the user called, for messages."""

from __future__ import annotations

import sys
from pathlib import Path

OWN_NAME = "wallpapers"


def program_name() -> str:
    """Return ``wallpapers`` where the user called this program, and ``scrapy`` elsewhere."""
    called = Path(sys.argv[0] if sys.argv else "")
    name = called.parent.name if called.name == "__main__.py" else called.stem
    return OWN_NAME if name == OWN_NAME else "scrapy"
