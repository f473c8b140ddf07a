"""Hash the stored images and compare them with the catalogue."""

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
from wallpapers.storage.names import THUMBNAILS
from wallpapers.storage.run_folder import PARTS

_CHUNK = 500


@dataclass
class VerifyReport:
    """The result of verifying a store; paths are relative to it."""

    whole: int = 0  # intact images
    damaged: list[str] = field(default_factory=list)  # the hash differs
    missing: list[str] = field(default_factory=list)
    not_in_catalogue: list[str] = field(default_factory=list)  # images without a row
    shared: dict[str, int] = field(default_factory=dict)  # path -> number of wallpapers
    hidden: int = 0  # images that are not checked

    @property
    def is_clean(self) -> bool:
        """Whether no image is damaged or missing."""
        return not self.damaged and not self.missing


def verify(
    catalogue: Catalogue, store: LocalStorage, progress: Callable[[int], None] = lambda _: None
) -> VerifyReport:
    """Check every image of *store*, and mark damaged ones for the next crawl to download again.

    Hidden images are left out: their files may be deleted.

    *progress* is called with the number of images hashed since the last call. Raises StoreError.
    """
    report = VerifyReport()
    after = ""
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        while images := catalogue.run(partial(Entries.pictures, after=after, most=_CHUNK)):
            with store_errors(store.root):
                paths = [image["path"] for image in images]
                checksums = list(workers.map(partial(_checksum, store), paths))
            removed = catalogue.run(partial(_mark, images, checksums))
            for image, checksum in zip(images, checksums, strict=True):
                if image["checksum"] not in removed:
                    _record(report, image, checksum)
            after = images[-1]["checksum"]
            progress(len(images))
    files = _image_paths(store.root)
    while names := list(islice(files, _CHUNK)):
        report.not_in_catalogue += catalogue.run(partial(Entries.without_row, paths=names))
    report.shared = catalogue.run(Entries.shared)
    report.hidden = catalogue.run(Entries.hidden_images)
    return report


def _checksum(store: LocalStorage, path: str) -> str | None:
    """Return the SHA-256 of *path*, or None if it is not a file or is outside of the store."""
    return store.checksum(path) if is_below(path) else None


def _record(report: VerifyReport, image: StoredImage, checksum: str | None) -> None:
    if checksum is None:
        report.missing.append(image["path"])
    elif checksum != image["checksum"]:
        report.damaged.append(image["path"])
    else:
        report.whole += 1


def _mark(images: list[StoredImage], checksums: list[str | None], entries: Entries) -> set[str]:
    """Mark damaged images; remove rows of missing ones that no wallpaper refers to.

    Returns the SHA-256 of the removed rows.
    """
    removed = set()
    for image, checksum in zip(images, checksums, strict=True):
        if checksum is None and entries.drop_unused(image["checksum"]):
            removed.add(image["checksum"])
        else:
            entries.mark(image["checksum"], damaged=checksum not in (None, image["checksum"]))
    return removed


def _image_paths(root: Path) -> Iterator[str]:
    """Yield the paths of all images of the store; subfolders with a catalogue are other stores."""
    extensions = {*decoding.EXTENSIONS.values(), ".jpeg"}
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        if here == root:
            folders[:] = [name for name in folders if name not in (PARTS, THUMBNAILS)]
        elif FILE_NAME in names:
            folders.clear()
            continue
        for name in names:
            if Path(name).suffix.lower() in extensions:
                path = (here / name).relative_to(root).as_posix()
                yield path.encode("utf-8", "backslashreplace").decode()
