"""Describe what the stored images look like, in the inspector processes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from wallpapers.errors import PictureRefusedError
from wallpapers.images.look import Look
from wallpapers.inspection.inspect_file import ImageRequirements, Task
from wallpapers.inspection.pool import InspectorPool
from wallpapers.options.setting_values import positive
from wallpapers.storage.files import is_below

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.catalogue.entries import Entries
    from wallpapers.items import StoredImage
    from wallpapers.storage.local import LocalStorage

_PAGE = 500  # images
_SAVED_TOGETHER = 64  # looks; a killed process loses no more
_AHEAD = 4  # images for each inspector, so that none waits for the next one


@dataclass
class LookReport:
    """The result of looking at images; paths are relative to the store."""

    seen: int = 0  # images that have a look now
    missing: list[str] = field(default_factory=list)  # no file, or one of another size
    damaged: list[str] = field(default_factory=list)  # has other bytes than were stored


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
    """Looks at images of *store* in one inspector process for each core."""

    def __init__(self, store: LocalStorage, requirements: ImageRequirements) -> None:
        self._store = store
        self._pool = InspectorPool(requirements, max_inspectors=os.cpu_count() or 1)
        self.report = LookReport()

    def start(self) -> int:
        """Start the processes, within a running event loop; return their number."""
        return self._pool.start_all()

    async def look_at(self, image: StoredImage) -> Look | str | None:
        """Return the look of *image*, or the reason why it has none.

        None means that its file is missing or damaged, which is no property of its content. Raises
        StoreError.
        """
        path = image["path"]
        if not is_below(path) or not self._store.holds(path, image["size"]):
            self.report.missing.append(path)
            return None
        try:
            inspection = await self._pool.inspect(Task(str(self._store.root / path), 0))
        except PictureRefusedError as refusal:
            return str(refusal)
        if inspection.checksum != image["checksum"]:
            self.report.damaged.append(path)
            return None
        if inspection.look is None:
            return "too_many_pixels (not enough memory to look at it)"
        self.report.seen += 1
        return inspection.look

    def close(self) -> None:
        """End the processes."""
        self._pool.close()


def look_at_images(
    catalogue: Catalogue,
    store: LocalStorage,
    requirements: ImageRequirements,
    progress: Callable[[int], None] = lambda _: None,
    *,
    with_errors: bool = False,
) -> LookReport:
    """Look at each image that has no look of this version, and save the looks as they come.

    *with_errors* includes images that could not be decoded before. *progress* is called with a
    number of images that are done. Raises StoreError.
    """
    looking = _Looking(catalogue, ImageLooker(store, requirements), progress)
    asyncio.run(looking.run(with_errors))
    return looking.report


class _Looking:
    def __init__(
        self, catalogue: Catalogue, looker: ImageLooker, progress: Callable[[int], None]
    ) -> None:
        self._catalogue = catalogue
        self._looker = looker
        self._progress = progress
        self._unsaved: dict[str, Look | str] = {}  # by sha256
        self.report = looker.report

    async def run(self, with_errors: bool) -> None:
        try:
            at_most = _AHEAD * self._looker.start()
            running: set[asyncio.Task[None]] = set()
            for image in self._images(with_errors):
                running.add(asyncio.create_task(self._look_at(image)))
                if len(running) >= at_most:
                    running = await self._first_of(running)
            while running:
                running = await self._first_of(running)
        finally:
            self._looker.close()
            self._save()

    async def _first_of(self, running: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
        """Wait for the first of *running*; return the others."""
        done, others = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        if len(self._unsaved) >= _SAVED_TOGETHER:
            self._save()
        self._progress(len(done))
        return others

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

    def _save(self) -> None:
        seen, self._unsaved = self._unsaved, {}
        if seen:
            self._catalogue.run(lambda entries: entries.looks.put_looks(seen))
