"""Write the gallery into the store, so that it opens from the folder without a server."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from importlib.resources import files
from io import BytesIO
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from wallpapers.errors import store_errors
from wallpapers.gallery.rows import STORED_AT, read_groups, read_rows, script
from wallpapers.storage.names import GALLERY

if TYPE_CHECKING:
    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.storage.local import LocalStorage

FIRST_ROWS = 1_000  # more than a window shows, and quick to parse
_LATER_ROWS = 10_000  # in one script; browsers parse several at a time
_FIRST_MARK, _LATER_MARK = "<!-- first rows -->", 'data-later=""'
_DIGITS = 16  # of the sha256 in the name of a file or folder

_PAGE = files("wallpapers.gallery") / "page"


def build(catalogue: Catalogue, store: LocalStorage) -> int:
    """Write the page for all stored wallpapers; return their number. Raises StoreError.

    All files but the index are named after their content. The index replaces the old one at the
    end, so a killed run leaves the old gallery complete.
    """
    parts = page_parts()
    folder = f"page-{_digest(b''.join(parts.values()))}"
    for name, content in parts.items():
        _write_new(store, f"{GALLERY}/{folder}/{name}", content)
    rows = list(read_rows(catalogue, read_groups(catalogue)))
    data = _write_data(store, rows)
    store.persist_file(f"{GALLERY}/index.html", BytesIO(index_page(data, f"{folder}/")))
    _remove_old(store, {folder, *data})
    return len(rows)


def index_page(data: Iterable[str], folder: str = "") -> bytes:
    """Return the page with the scripts *data*; *folder* is where its other parts are.

    The page shows what the first script adds before it loads the others.
    """
    text = (_PAGE / "index.html").read_text("utf-8")
    for name in page_parts():
        text = text.replace(f'"{name}"', f'"{folder}{name}"')
    first, *later = data
    text = text.replace(_FIRST_MARK, f'<script src="{first}"></script>')
    return text.replace(_LATER_MARK, f'data-later="{" ".join(later)}"').encode()


def page_parts() -> dict[str, bytes]:
    """Return the scripts, the style sheet and the icon of the page, by name."""
    return {
        part.name: part.read_bytes()
        for part in sorted(_PAGE.iterdir(), key=lambda part: part.name)
        if part.name.endswith((".js", ".css", ".svg"))
    }


def data_scripts(rows: Iterable[list[Any]]) -> Iterator[bytes]:
    """Yield scripts that add *rows*; the first one has the newest.

    The others begin with the oldest, so that they stay the same when wallpapers are added.
    """
    oldest_first = sorted(rows, key=itemgetter(STORED_AT))
    newest = oldest_first[-FIRST_ROWS:]
    yield script(newest[::-1])
    older = oldest_first[: -len(newest)]
    for start in range(0, len(older), _LATER_ROWS):
        yield script(older[start : start + _LATER_ROWS])


def _write_data(store: LocalStorage, rows: Iterable[list[Any]]) -> list[str]:
    """Write the data; return the names of the scripts."""
    names = []
    for content in data_scripts(rows):
        names.append(f"data-{_digest(content)}.js")
        _write_new(store, f"{GALLERY}/{names[-1]}", content)
    return names


def _write_new(store: LocalStorage, path: str, content: bytes) -> None:
    if store.find(path) != content:
        store.persist_file(path, BytesIO(content))


def _remove_old(store: LocalStorage, current: set[str]) -> None:
    """Remove the data and parts of older galleries."""
    folder = store.root / GALLERY
    with store_errors(folder):
        for path in folder.iterdir():
            if not path.name.startswith(("data-", "page-")) or path.name in current:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGITS]
