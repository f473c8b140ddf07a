"""Hash the stored images, in a folder or a bucket, and compare them with the catalogue."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from time import monotonic, sleep

from wallpapers.catalogue.catalogue import Catalogue
from wallpapers.catalogue.comparison import compare
from wallpapers.catalogue.entries import Entries
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.errors import PictureRefusedError
from wallpapers.items import StoredImage
from wallpapers.storage.local import LocalStorage
from wallpapers.storage.moved import MovedFiles
from wallpapers.storage.reading import MISSING, ImageReader
from wallpapers.storage.run_folder import has_running_run

_CHUNK = 500
_POLL_INTERVAL_S = 0.25
_MAX_WAIT_FOR_ROWS_S = 5.0


@dataclass
class VerifyReport:
    """The result of verifying a store; paths are relative to it."""

    whole: int = 0  # intact images
    damaged: list[str] = field(default_factory=list)  # the hash differs
    missing: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)  # path -> reason
    moved: dict[str, str] = field(default_factory=dict)  # old path -> new path
    not_in_catalogue: list[str] = field(default_factory=list)  # images without a row
    shared: dict[str, int] = field(default_factory=dict)  # path -> number of wallpapers
    hidden: int = 0  # images that are not checked

    @property
    def is_clean(self) -> bool:
        """Whether no image is damaged, missing or unreadable."""
        return not (self.damaged or self.missing or self.unreadable)


def verify(
    catalogue: Catalogue,
    reader: ImageReader,
    folder: LocalStorage | None,
    progress: Callable[[int], None] = lambda _: None,
) -> VerifyReport:
    """Check every image, and mark damaged ones for the next crawl to download again.

    In a *folder*, the row of an image that was moved follows its file; None = the store is a
    bucket, whose missing images are marked, too. Hidden images are left out: their files may be
    deleted.

    *progress* is called with the number of images hashed since the last call. Raises StoreError.
    """
    report = VerifyReport()
    missing: list[StoredImage] = []
    after = ""
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        while images := catalogue.run(partial(Entries.pictures, after=after, most=_CHUNK)):
            results = list(workers.map(partial(_hash, reader), images))
            missing += catalogue.run(partial(_mark, images, results, is_folder=folder is not None))
            for image, result in zip(images, results, strict=True):
                _count(report, image, result)
            after = images[-1]["checksum"]
            progress(len(images))
    if folder is None:
        report.missing = [image["path"] for image in missing]
    else:
        _compare_files(report, missing, catalogue, folder)
    report.shared = catalogue.run(Entries.shared)
    report.hidden = catalogue.run(Entries.hidden_images)
    return report


def _hash(reader: ImageReader, image: StoredImage) -> str | PictureRefusedError:
    """Return the SHA-256 of the file of *image*, or why it has none."""
    try:
        return reader.checksum(image["path"])
    except PictureRefusedError as refusal:
        return refusal


def _mark(
    images: list[StoredImage],
    results: list[str | PictureRefusedError],
    entries: Entries,
    *,
    is_folder: bool,
) -> list[StoredImage]:
    """Mark damaged images; return the missing ones.

    The rows of missing images that no wallpaper refers to are removed. The others are marked in a
    bucket only: whether a file is in a folder is checked by each crawl.
    """
    missing = []
    for image, result in zip(images, results, strict=True):
        checksum = image["checksum"]
        if isinstance(result, str):
            entries.mark(checksum, damaged=result != checksum)
        elif result.reason == MISSING and not entries.drop_unused(checksum):
            entries.mark(checksum, damaged=not is_folder)
            missing.append(image)
    return missing


def _count(report: VerifyReport, image: StoredImage, result: str | PictureRefusedError) -> None:
    if result == image["checksum"]:
        report.whole += 1
    elif isinstance(result, str):
        report.damaged.append(image["path"])
    elif result.reason != MISSING:
        report.unreadable[image["path"]] = str(result)


def _compare_files(
    report: VerifyReport, missing: list[StoredImage], catalogue: Catalogue, folder: LocalStorage
) -> None:
    """Look for missing images among the files that are not in the catalogue."""
    without_row = _files_without_row(catalogue, folder)
    moved = MovedFiles(folder, without_row)
    for image in missing:
        _find_moved(report, image, moved, catalogue)
    unknown = without_row.keys() - set(report.moved.values())
    report.not_in_catalogue = [_printable(path) for path in sorted(unknown)]


def _files_without_row(catalogue: Catalogue, folder: LocalStorage) -> dict[str, int]:
    """Return the sizes of the images that are not in the catalogue, by path.

    A crawl writes the row of an image after its file. While one is running, wait for such rows.
    """
    files = dict(folder.images(FILE_NAME))
    ends_s = monotonic() + _MAX_WAIT_FOR_ROWS_S
    while True:
        rows_may_follow = has_running_run(folder.root)
        files = catalogue.run(partial(compare, files=files)).without_row
        if not (files and rows_may_follow) or monotonic() > ends_s:
            return files
        sleep(_POLL_INTERVAL_S)
        files = {path: size for path, size in files.items() if folder.holds(path)}


def _find_moved(
    report: VerifyReport, image: StoredImage, files: MovedFiles, catalogue: Catalogue
) -> None:
    """Update the row of a missing image whose file was moved within the store."""
    path = files.find(image["size"], image["checksum"])
    follow = partial(Entries.follow, checksum=image["checksum"], path=path or "")
    if path is not None and catalogue.run(follow):
        report.moved[image["path"]] = path
    else:
        report.missing.append(image["path"])


def _printable(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode()
