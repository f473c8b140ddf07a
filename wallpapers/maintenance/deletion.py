"""Delete the files of hidden images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from posixpath import splitext

from wallpapers.catalogue.catalogue import Catalogue
from wallpapers.items import Key
from wallpapers.storage.files import is_below
from wallpapers.storage.local import LocalStorage
from wallpapers.storage.names import THUMBNAILS


def delete_hidden(catalogue: Catalogue, store: LocalStorage, keys: Iterable[Key]) -> int:
    """Delete the images of hidden wallpapers with their thumbnails; return their number.

    An image stays if a wallpaper that is not hidden shares it. Raises StoreError.
    """
    hidden = list(keys)
    paths = catalogue.run(lambda entries: entries.decisions.hidden_paths(hidden))
    existing = [path for path in paths if is_below(path) and store.holds(path)]
    for path in existing:
        store.remove([path, *_thumbnails_of(path, store.root)])
    return len(existing)


def _thumbnails_of(path: str, root: Path) -> Iterator[str]:
    name = f"{splitext(path)[0]}.jpg"
    with suppress(OSError):
        for folder in (root / THUMBNAILS).iterdir():
            if (folder / name).is_file():
                yield f"{THUMBNAILS}/{folder.name}/{name}"
