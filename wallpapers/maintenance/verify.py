"""Hash the stored images and compare them with the catalogue."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from wallpapers.catalogue.catalogue import Catalogue
from wallpapers.catalogue.comparison import compare
from wallpapers.catalogue.entries import Entries
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.errors import store_errors
from wallpapers.items import StoredImage
from wallpapers.storage.files import is_below
from wallpapers.storage.local import LocalStorage
from wallpapers.storage.moved import MovedFiles

_CHUNK = 500


@dataclass
class VerifyReport:
    """The result of verifying a store; paths are relative to it."""

    whole: int = 0  # intact images
    damaged: list[str] = field(default_factory=list)  # the hash differs
    missing: list[str] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)  # old path -> new path
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

    The row of an image that was moved within the store follows its file. Hidden images are left
    out: their files may be deleted.

    *progress* is called with the number of images hashed since the last call. Raises StoreError.
    """
    report = VerifyReport()
    missing: list[StoredImage] = []
    after = ""
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        while images := catalogue.run(partial(Entries.pictures, after=after, most=_CHUNK)):
            with store_errors(store.root):
                paths = [image["path"] for image in images]
                checksums = list(workers.map(partial(_checksum, store), paths))
            removed = catalogue.run(partial(_mark, images, checksums))
            for image, checksum in zip(images, checksums, strict=True):
                if checksum == image["checksum"]:
                    report.whole += 1
                elif checksum is not None:
                    report.damaged.append(image["path"])
                elif image["checksum"] not in removed:
                    missing.append(image)
            after = images[-1]["checksum"]
            progress(len(images))
    without_row = catalogue.run(partial(compare, files=dict(store.images(FILE_NAME)))).without_row
    files = MovedFiles(store, without_row)
    for image in missing:
        _find_moved(report, image, files, catalogue)
    unknown = without_row.keys() - set(report.moved.values())
    report.not_in_catalogue = [_printable(path) for path in sorted(unknown)]
    report.shared = catalogue.run(Entries.shared)
    report.hidden = catalogue.run(Entries.hidden_images)
    return report


def _checksum(store: LocalStorage, path: str) -> str | None:
    """Return the SHA-256 of *path*, or None if it is not a file or is outside of the store."""
    return store.checksum(path) if is_below(path) else None


def _find_moved(
    report: VerifyReport, image: StoredImage, files: MovedFiles, catalogue: Catalogue
) -> None:
    """Have the row of a missing image follow its file, if it was moved within the store."""
    path = files.find(image["size"], image["checksum"])
    follow = partial(Entries.follow, checksum=image["checksum"], path=path or "")
    if path is not None and catalogue.run(follow):
        report.moved[image["path"]] = path
    else:
        report.missing.append(image["path"])


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


def _printable(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode()
