"""Write the gallery into the store, so that it opens from the folder without a server."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from importlib.resources import files
from io import BytesIO
from typing import TYPE_CHECKING, Any

from wallpapers.errors import store_errors
from wallpapers.gallery.rows import COLUMNS, read_groups, read_rows, script
from wallpapers.storage.names import GALLERY

if TYPE_CHECKING:
    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.storage.local import LocalStorage

_DATA_MARK = "<!-- data -->"
_DIGITS = 16  # of the sha256 in the name of a file or folder
_YEAR = COLUMNS.index("stored_at")

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
    data, count = _write_data(store, read_rows(catalogue, read_groups(catalogue)))
    store.persist_file(f"{GALLERY}/index.html", BytesIO(index_page(data, f"{folder}/")))
    _remove_old(store, {folder, *data})
    return count


def index_page(data: Iterable[str], folder: str = "") -> bytes:
    """Return the page with the scripts *data*; *folder* is where its other parts are."""
    text = (_PAGE / "index.html").read_text("utf-8")
    for name in page_parts():
        text = text.replace(f'"{name}"', f'"{folder}{name}"')
    tags = "\n".join(f'<script src="{name}"></script>' for name in data)
    return text.replace(_DATA_MARK, tags).encode()


def page_parts() -> dict[str, bytes]:
    """Return the scripts, the style sheet and the icon of the page, by name."""
    return {
        part.name: part.read_bytes()
        for part in sorted(_PAGE.iterdir(), key=lambda part: part.name)
        if part.name.endswith((".js", ".css", ".svg"))
    }


def _write_data(store: LocalStorage, rows: Iterator[list[Any]]) -> tuple[list[str], int]:
    """Write a script for each year; return their names, the latest year first, and the count."""
    years: dict[str, list[list[Any]]] = {}
    for row in rows:
        years.setdefault(row[_YEAR][:4], []).append(row)
    names = []
    for year in sorted(years, reverse=True):
        content = script(years[year]).encode("utf-8", "replace")
        name = f"data-{_digest(content)}.js"
        _write_new(store, f"{GALLERY}/{name}", content)
        names.append(name)
    return names, sum(map(len, years.values()))


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
