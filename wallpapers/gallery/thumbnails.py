"""Make the thumbnails of the gallery, and look at images, in the inspector processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

from wallpapers.catalogue.read_only import is_mounted_read_only
from wallpapers.collection import looking
from wallpapers.collection.inspecting import StoredImageInspector
from wallpapers.errors import PictureRefusedError
from wallpapers.options.extras import is_installed
from wallpapers.storage.names import GALLERY
from wallpapers.storage.reading import FolderReader

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.catalogue.entries import Entries
    from wallpapers.images.look import Look
    from wallpapers.inspection.messages import ImageRequirements
    from wallpapers.items import StoredImage
    from wallpapers.storage.local import LocalStorage

_NAME = "gallery"
_SIZE = (320, 320)  # pixels, at most
_PAGE = 500  # images


@dataclass
class ThumbnailReport:
    """The result of making thumbnails; paths are relative to the store."""

    made: int = 0
    failed: dict[str, str] = field(default_factory=dict)  # path -> reason


def thumbnail_path(checksum: str) -> str:
    """Return the path of the thumbnail of an image, below the store."""
    return f"{GALLERY}/thumbs/{checksum[:2]}/{checksum}.jpg"


def requirements_of(settings: BaseSettings) -> ImageRequirements:
    """Return how images are decoded, from the settings of the crawl. Raises SettingError."""
    required = looking.requirements_of(settings)
    return replace(required, thumbs={_NAME: _SIZE}, look=is_installed("numpy"))


class Thumbnails:
    """Make missing thumbnails, and missing looks in the same pass.

    The methods raise StoreError.
    """

    def __init__(
        self, catalogue: Catalogue, store: LocalStorage, requirements: ImageRequirements
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._makes_looks = requirements.look
        self._inspector = StoredImageInspector(FolderReader(store), requirements)
        self._looks: dict[str, Look | str] = {}
        self._can_keep = not is_mounted_read_only(store.root)

    def make_all(self, progress: Callable[[int], None] = lambda _: None) -> ThumbnailReport:
        """Make all missing thumbnails; *progress* is called with the number of further images done.

        It can be interrupted at any time; the next call continues.
        """
        report = ThumbnailReport()
        try:
            asyncio.run(self._make_all(report, progress))
        finally:
            self.close()
            self._save_looks()
        return report

    async def make(self, image: StoredImage) -> bytes:
        """Make the thumbnail of one image, and return it. Raises PictureRefusedError.

        It is kept in the store, unless that is on a read-only file system.
        """
        inspection = await self._inspector.inspect(image)
        checksum = image["checksum"]
        if inspection.look is not None:
            self._looks[checksum] = inspection.look
        thumbnail = inspection.thumbs[_NAME]
        if self._can_keep:
            file = BytesIO(thumbnail)
            await asyncio.to_thread(self._store.persist_file, thumbnail_path(checksum), file)
        return thumbnail

    def close(self) -> None:
        """End the inspector processes."""
        self._inspector.close()

    async def _make_all(self, report: ThumbnailReport, progress: Callable[[int], None]) -> None:
        async def make(image: StoredImage) -> None:
            try:
                await self.make(image)
                report.made += 1
            except PictureRefusedError as refusal:
                report.failed[image["path"]] = str(refusal)

        await self._inspector.each(self._unfinished_images(), make, progress)

    def _unfinished_images(self) -> Iterator[StoredImage]:
        after = ""
        while images := self._catalogue.run(partial(_pictures, after=after)):
            yield from self._unfinished(images)
            self._save_looks()
            after = images[-1]["checksum"]

    def _unfinished(self, images: Sequence[StoredImage]) -> list[StoredImage]:
        """Return the images that lack a thumbnail, or a look if looks can be made."""
        checksums = [image["checksum"] for image in images]
        lack_look: set[str] = set()
        if self._makes_looks:
            lack_look = self._catalogue.run(lambda entries: entries.shown.without_look(checksums))
        return [
            image
            for image in images
            if image["checksum"] in lack_look
            or not self._store.holds(thumbnail_path(image["checksum"]))
        ]

    def _save_looks(self) -> None:
        seen, self._looks = self._looks, {}
        if seen:
            self._catalogue.run(partial(_put_new_looks, seen=seen))


def _pictures(entries: Entries, after: str) -> list[StoredImage]:
    return entries.pictures(after=after, most=_PAGE)


def _put_new_looks(entries: Entries, seen: dict[str, Look | str]) -> None:
    new = entries.shown.without_look(list(seen))
    entries.looks.put_looks({checksum: seen[checksum] for checksum in new})
