"""Describe what the stored images look like, in the inspector processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from wallpapers.collection.inspecting import DAMAGED, StoredImageInspector
from wallpapers.errors import PictureRefusedError
from wallpapers.images.look import Look
from wallpapers.inspection.messages import ImageRequirements
from wallpapers.options.setting_values import positive
from wallpapers.storage.reading import MISSING, UNREADABLE

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.catalogue.entries import Entries
    from wallpapers.items import StoredImage
    from wallpapers.storage.reading import ImageReader

_PAGE = 500  # images
_SAVED_TOGETHER = 64  # looks; a killed process loses no more


@dataclass
class LookReport:
    """The result of looking at images; paths are relative to the store."""

    seen: int = 0  # images that have a look now
    missing: list[str] = field(default_factory=list)  # no file, or one of another size
    damaged: list[str] = field(default_factory=list)  # has other bytes than were stored
    unreadable: dict[str, str] = field(default_factory=dict)  # path -> reason

    @property
    def is_clean(self) -> bool:
        """Whether all files could be read, and have the bytes that were stored."""
        return not (self.missing or self.damaged or self.unreadable)


def requirements_of(settings: BaseSettings) -> ImageRequirements:
    """Return how images are decoded, from the settings of the crawl. Raises SettingError."""
    return ImageRequirements(
        check="structure",
        max_pixels=int(positive(settings, "WALLPAPERS_MAX_PIXELS")),
        seconds=positive(settings, "WALLPAPERS_DECODE_SECONDS"),
        memory=int(positive(settings, "WALLPAPERS_DECODE_MEMORY")),
        look=True,
    )


class ImageLooker:
    """Look at stored images, and report those that cannot be looked at."""

    def __init__(self, inspector: StoredImageInspector) -> None:
        self._inspector = inspector
        self.report = LookReport()

    async def look_at(self, image: StoredImage) -> Look | str | None:
        """Return the look of *image*, or the reason why it has none.

        None means that its file is missing, damaged or unreadable, which does not depend on its
        content. Raises StoreError.
        """
        try:
            inspection = await self._inspector.inspect(image)
        except PictureRefusedError as refusal:
            if refusal.reason == MISSING:
                self.report.missing.append(image["path"])
            elif refusal.reason == DAMAGED:
                self.report.damaged.append(image["path"])
            elif refusal.reason == UNREADABLE:
                self.report.unreadable[image["path"]] = str(refusal)
            else:
                return str(refusal)
            return None
        if inspection.look is None:
            return "too_many_pixels (not enough memory to look at it)"
        self.report.seen += 1
        return inspection.look


def look_at_images(
    catalogue: Catalogue,
    reader: ImageReader,
    requirements: ImageRequirements,
    progress: Callable[[int], None] = lambda _: None,
    *,
    with_errors: bool = False,
) -> LookReport:
    """Look at each image that has no look of this version, and save the looks in batches.

    *with_errors* includes images that could not be decoded before. *progress* is called with the
    number of further images done. Raises StoreError.
    """
    looking = _Looking(catalogue, StoredImageInspector(reader, requirements))
    asyncio.run(looking.run(with_errors, progress))
    return looking.report


class _Looking:
    def __init__(self, catalogue: Catalogue, inspector: StoredImageInspector) -> None:
        self._catalogue = catalogue
        self._inspector = inspector
        self._looker = ImageLooker(inspector)
        self._unsaved: dict[str, Look | str] = {}  # by sha256
        self.report = self._looker.report

    async def run(self, with_errors: bool, progress: Callable[[int], None]) -> None:
        try:
            await self._inspector.each(self._images(with_errors), self._look_at, progress)
        finally:
            self._inspector.close()
            self._save()

    def _images(self, with_errors: bool) -> Iterator[StoredImage]:
        """Yield the images without a look, in the order of their sha256."""

        def page(entries: Entries, after: str) -> list[StoredImage]:
            return entries.looks.without_look(after=after, most=_PAGE, with_errors=with_errors)

        after = ""
        while images := self._catalogue.run(partial(page, after=after)):
            yield from images
            after = images[-1]["checksum"]

    async def _look_at(self, image: StoredImage) -> None:
        seen = await self._looker.look_at(image)
        if seen is not None:
            self._unsaved[image["checksum"]] = seen
        if len(self._unsaved) >= _SAVED_TOGETHER:
            self._save()

    def _save(self) -> None:
        seen, self._unsaved = self._unsaved, {}
        if seen:
            self._catalogue.run(lambda entries: entries.looks.put_looks(seen))
