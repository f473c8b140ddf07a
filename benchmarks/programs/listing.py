"""What the scripts of this folder share: walk the listing, fetch a picture, write it.

Plain urllib, one connection for each request, files written in place: the way of a tutorial.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

PAGE = 100


def arguments() -> tuple[str, Path, int]:
    """Return endpoint, store and connections from the command line; the store is made."""
    store = Path(sys.argv[2])
    store.mkdir(parents=True, exist_ok=True)
    return sys.argv[1], store, int(sys.argv[3])


def addresses(endpoint: str) -> Iterator[str]:
    """Yield the address of each picture, page after page."""
    first = 0
    while True:
        with urllib.request.urlopen(f"{endpoint}?pn={first}&rn={PAGE}", timeout=30) as answer:
            entries = [entry for entry in json.load(answer)["imgs"] if entry]
        if not entries:
            return
        yield from (entry["downloadUrl"] for entry in entries)
        first += len(entries)


def fetch(address: str, store: Path) -> None:
    """Store one picture under the last part of its address."""
    with urllib.request.urlopen(address, timeout=60) as answer:
        content = answer.read()
    (store / address.rsplit("/", 1)[1]).write_bytes(content)
