"""Write wallpapers as rows of the page, in scripts that add them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from wallpapers.catalogue.shown import ShownWallpaper
from wallpapers.collection.look_alikes import find_groups
from wallpapers.gallery.colours import colour_bits

if TYPE_CHECKING:
    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.catalogue.entries import Entries
    from wallpapers.items import Key

# The order of the values in a row; the class Row in page/rows.js reads them in the same order.
COLUMNS = (
    *("source", "id", "path", "sha256", "title", "tags", "listings", "credit", "licence", "page"),
    *("width", "height", "format", "bytes", "stored_at", "colours", "lightness"),
    *("group", "quality", "starred", "hidden"),
)
STORED_AT = COLUMNS.index("stored_at")
_ROWS = 1_000  # in one string; Chromium needs three times as long for strings of megabytes

Groups = Mapping[str, tuple[int, int]]  # sha256 -> number of its group, place in it (0 = best)


def read_rows(catalogue: Catalogue, groups: Groups, *, since: str = "") -> Iterator[list[Any]]:
    """Yield the values of each stored wallpaper, ordered by source and id. Raises StoreError.

    *since* leaves out what was stored before that time (UTC, ISO 8601).
    """
    after: Key | None = ("", "")
    while after is not None:
        page, after = catalogue.run(partial(_page, after=after, since=since))
        yield from (_row(shown, groups) for shown in page)


def read_groups(catalogue: Catalogue) -> Groups:
    """Return the groups of look-alikes that ``wallpapers look-alikes`` has found."""
    if not catalogue.run(lambda entries: entries.shown.has_look_alikes()):
        return {}
    return {
        copy.checksum: (number, place)
        for number, group in enumerate(find_groups(catalogue), 1)
        for place, copy in enumerate((group.best, *group.others))
    }


def script(rows: Sequence[list[Any]]) -> bytes:
    """Return a script that adds *rows*; no value can end the script.

    The rows are JSON in strings, which browsers parse faster than literals of JavaScript.
    """
    parts = (rows[start : start + _ROWS] for start in range(0, len(rows), _ROWS))
    text = "".join(f"Gallery.add(JSON.parse('{_quoted(to_json(part))}'));\n" for part in parts)
    return text.encode()


def to_json(value: object) -> str:
    """Return *value* as JSON in ASCII that is safe within a script.

    If the text had other characters, browsers would use twice the memory for each string.
    """
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _page(entries: Entries, after: Key, since: str) -> tuple[list[ShownWallpaper], Key | None]:
    return entries.shown.page(after=after, since=since)


def _row(shown: ShownWallpaper, groups: Groups) -> list[Any]:
    wallpaper, image = shown.wallpaper, shown.image
    group, place = groups.get(image["checksum"], (None, 0))
    values = {
        "source": wallpaper.source,
        "id": wallpaper.id,
        "path": image["path"],
        "sha256": image["checksum"],
        "title": wallpaper.title,
        "tags": "\n".join(wallpaper.tags),  # searched only
        "listings": shown.listings,
        "credit": wallpaper.credit,
        "licence": wallpaper.licence,
        "page": wallpaper.page_url,
        "width": image["width"],
        "height": image["height"],
        "format": image["format"],
        "bytes": image["size"],
        "stored_at": shown.stored_at,
        "colours": colour_bits(shown.palette),
        "lightness": None if shown.lightness is None else round(shown.lightness),
        "group": group,
        "quality": -place,
        "starred": shown.starred,
        "hidden": shown.hidden,
    }
    return [values[name] for name in COLUMNS]
