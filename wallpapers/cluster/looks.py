"""Describe what stored images look like, on many machines; each task describes a part of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from wallpapers.cluster.errors import TaskNotDoneError
from wallpapers.collection.inspecting import StoredImageInspector
from wallpapers.collection.looking import ImageLooker, requirements_of
from wallpapers.options.extras import require_for_collection
from wallpapers.storage.reading import reader_of

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.catalogue.entries import Entries
    from wallpapers.cluster.database import Database
    from wallpapers.cluster.queue import Queue
    from wallpapers.items import StoredImage

PARTS = 256  # of the images, by the first byte of their sha256

_SAVED_TOGETHER = 64  # looks; a killed worker loses no more


def check(settings: BaseSettings) -> None:
    """Raise UserError if workers with these *settings* cannot describe images."""
    require_for_collection("cluster look", "numpy")
    reader_of(settings)


def submit(catalogue: Catalogue, queue: Queue) -> int:
    """Add a task for each part, and return the number of images without a look."""

    def add(entries: Entries) -> int:
        for part in range(PARTS):
            queue.add_look(entries.connection, part)
        return entries.looks.count_without_look()

    return catalogue.run(add)


class PartLooker:
    """Describe images in the inspector processes of one worker."""

    def __init__(self, settings: BaseSettings) -> None:
        self._settings = settings
        self._inspector: StoredImageInspector | None = None

    async def look_at(self, part: int, database: Database, is_stopping: Callable[[], bool]) -> None:
        """Describe the images of *part* that have no look. Raises TaskNotDoneError."""
        after, before = f"{part:02x}", f"{part:02x}g"

        def read(entries: Entries, after: str) -> list[StoredImage]:
            return entries.looks.without_look(after=after, before=before, most=_SAVED_TOGETHER)

        while images := await database.do(partial(read, after=after)):
            if is_stopping():
                raise TaskNotDoneError("the worker is stopping")
            looker = ImageLooker(self._ready_inspector())
            looks = await asyncio.gather(*(looker.look_at(image) for image in images))
            seen = {
                image["checksum"]: look
                for image, look in zip(images, looks, strict=True)
                if look is not None
            }
            await database.do(lambda entries: entries.looks.put_looks(seen))  # noqa: B023
            after = images[-1]["checksum"]

    def _ready_inspector(self) -> StoredImageInspector:
        if self._inspector is None:
            check(self._settings)
            reader = reader_of(self._settings)
            self._inspector = StoredImageInspector(reader, requirements_of(self._settings))
            self._inspector.start()
        return self._inspector

    def close(self) -> None:
        """End the processes, if there are any."""
        if self._inspector is not None:
            self._inspector.close()
