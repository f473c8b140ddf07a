"""Hash the store again, and hold it against the catalogue."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from wallpapers.catalogue.catalogue import Catalogue
from wallpapers.catalogue.entries import Entries
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.errors import store_errors
from wallpapers.images import decoding
from wallpapers.items import StoredImage
from wallpapers.storage.files import is_below
from wallpapers.storage.local import LocalStorage
from wallpapers.storage.run_folder import PARTS

_CHUNK = 500
_THUMBS = "thumbs"  # derived: they have no rows


@dataclass
class Findings:
    """What a look at the store found; paths are those below it."""

    whole: int = 0
    damaged: list[str] = field(default_factory=list)  # other bytes than those that were stored
    missing: list[str] = field(default_factory=list)
    without_row: list[str] = field(default_factory=list)  # pictures that the catalogue lacks
    shared: dict[str, int] = field(default_factory=dict)  # one picture for many wallpapers

    @property
    def all_is_well(self) -> bool:
        """Is everything there that should be?"""
        return not self.damaged and not self.missing


def verify(
    catalogue: Catalogue, store: LocalStorage, done: Callable[[int], None] = lambda _: None
) -> Findings:
    """Look at every file of *store*; what is damaged is marked, so that the next crawl fetches it.

    *done* is told the number of pictures that were hashed since the last time. Raises StoreError.
    """
    findings = Findings()
    after = ""
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        while images := catalogue.run(partial(Entries.pictures, after=after, most=_CHUNK)):
            with store_errors(store.root):
                paths = [image["path"] for image in images]
                checksums = list(workers.map(partial(_checksum, store), paths))
            gone = catalogue.run(partial(_mark, images, checksums))
            for image, checksum in zip(images, checksums, strict=True):
                if image["checksum"] not in gone:
                    _judge(findings, image, checksum)
            after = images[-1]["checksum"]
            done(len(images))
    files = _pictures_below(store.root)
    while names := list(islice(files, _CHUNK)):
        findings.without_row += catalogue.run(partial(Entries.without_row, paths=names))
    findings.shared = catalogue.run(Entries.shared)
    return findings


def _checksum(store: LocalStorage, path: str) -> str | None:
    """Return the sha256 of *path*; None = no file, or a path that leads out of the store."""
    return store.checksum(path) if is_below(path) else None


def _judge(findings: Findings, image: StoredImage, checksum: str | None) -> None:
    if checksum is None:
        findings.missing.append(image["path"])
    elif checksum != image["checksum"]:
        findings.damaged.append(image["path"])
    else:
        findings.whole += 1


def _mark(images: list[StoredImage], checksums: list[str | None], entries: Entries) -> set[str]:
    """Mark what is damaged; return the sha256 of missing pictures that no wallpaper is any more."""
    gone = set()
    for image, checksum in zip(images, checksums, strict=True):
        if checksum is None and entries.drop_unused(image["checksum"]):
            gone.add(image["checksum"])
        else:
            entries.mark(image["checksum"], damaged=checksum not in (None, image["checksum"]))
    return gone


def _pictures_below(root: Path) -> Iterator[str]:
    """Yield the paths of all pictures of this store; a folder with a catalogue is another store."""
    extensions = {*decoding.EXTENSIONS.values(), ".jpeg"}
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        if here == root:
            folders[:] = [name for name in folders if name not in (PARTS, _THUMBS)]
        elif FILE_NAME in names:
            folders.clear()
            continue
        for name in names:
            if Path(name).suffix.lower() in extensions:
                path = (here / name).relative_to(root).as_posix()
                yield path.encode("utf-8", "backslashreplace").decode()
