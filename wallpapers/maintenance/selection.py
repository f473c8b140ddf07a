"""Find the wallpapers that a user names by path, by key or by id."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from posixpath import normpath

from wallpapers.catalogue.catalogue import Catalogue
from wallpapers.catalogue.entries import Entries
from wallpapers.items import Key
from wallpapers.storage.files import is_below, open_regular
from wallpapers.storage.names import is_text

Found = dict[str, list[Key]]  # by name


@dataclass
class Selection:
    """The wallpapers that were found, and the names that stand for none or for several."""

    keys: list[Key] = field(default_factory=list)  # no repeats
    unknown: list[str] = field(default_factory=list)
    ambiguous: Found = field(default_factory=dict)  # ids that several sources have


def select(catalogue: Catalogue, root: Path | None, names: Sequence[str]) -> Selection:
    """Return the wallpapers with *names*.

    A name is a path (from the current folder, from the store, or absolute), a ``source/id``, or an
    id that only one source has; the first of these that is in the catalogue counts. A file that is
    not is found by its content: it may be a copy, or have been moved within the store, whose row
    then follows. A path stands for all wallpapers that share the image.

    *root* is the folder of the store; None = it is remote. Raises StoreError.
    """
    names = list(dict.fromkeys(names))
    texts = [name for name in names if is_text(name)]
    found, ambiguous = catalogue.run(partial(_find, root=root, names=texts))
    unknown = []
    for name in names:
        if name in found or name in ambiguous:
            continue
        if same := _find_by_content(catalogue, root, name):
            found[name] = same
        else:
            unknown.append(name)
    keys = chain.from_iterable(found[name] for name in names if name in found)
    return Selection(list(dict.fromkeys(keys)), unknown, ambiguous)


def _find(entries: Entries, root: Path | None, names: Sequence[str]) -> tuple[Found, Found]:
    """Return the wallpapers by name, and those of ids that several sources have."""
    paths = {name: list(_paths_in_store(root, name)) for name in names}
    by_path = entries.decisions.keys_by_path(list(chain.from_iterable(paths.values())))
    found = {
        name: keys
        for name, candidates in paths.items()
        if (keys := next((by_path[path] for path in candidates if path in by_path), None))
    }
    pairs: dict[str, Key] = {}
    for name in names:
        source, separator, identity = name.partition("/")
        if separator and name not in found:
            pairs[name] = source, identity
    existing = entries.decisions.existing(pairs.values())
    found |= {name: [key] for name, key in pairs.items() if key in existing}
    by_id = entries.decisions.keys_by_id([name for name in names if name not in found])
    ambiguous = {name: keys for name, keys in by_id.items() if len(keys) > 1}
    found |= {name: keys for name, keys in by_id.items() if name not in ambiguous}
    return found, ambiguous


def _find_by_content(catalogue: Catalogue, root: Path | None, name: str) -> list[Key]:
    """Return the wallpapers whose image has the content of the file *name*."""
    for path in (Path(name), *([root / name] if root else [])):
        checksum = _checksum(path)
        if checksum is not None:
            in_store = next(_paths_in_store(root, str(path)), None) if root else None
            return catalogue.run(partial(_same_content, checksum=checksum, path=in_store))
    return []


def _same_content(entries: Entries, checksum: str, path: str | None) -> list[Key]:
    held = entries.find(checksum)
    if held is not None and not held.whole and path is not None and is_text(path):
        entries.follow(checksum, path)
    return entries.decisions.keys_by_checksum([checksum]).get(checksum, [])


def _paths_in_store(root: Path | None, name: str) -> Iterator[str]:
    """Yield the paths below the store that *name* may stand for."""
    if root is not None:
        path = Path(name)
        real = os.path.join(os.path.realpath(path.parent), path.name)
        below = os.path.relpath(real, os.path.realpath(root))
        if is_below(below):
            yield below
    if is_below(name):
        yield normpath(name)


def _checksum(path: Path) -> str | None:
    """Return the SHA-256 of *path*, or None if it is not a file that can be read."""
    with suppress(OSError, ValueError), open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if file else None
    return None
