"""Inspect many stored images in the inspector processes, a few at a time."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from wallpapers.errors import PictureRefusedError, StoreError
from wallpapers.inspection.messages import ImageRequirements, Inspection, Task
from wallpapers.inspection.pool import InspectorPool
from wallpapers.storage.reading import MISSING

if TYPE_CHECKING:
    from wallpapers.items import StoredImage
    from wallpapers.storage.reading import ImageReader

DAMAGED = "damaged"  # reason of a PictureRefusedError: not the bytes that were stored

_AHEAD = 4  # images for each inspector, so that none waits for the next one


class StoredImageInspector:
    """Inspect images of *reader* in at most one inspector process for each core."""

    def __init__(self, reader: ImageReader, requirements: ImageRequirements) -> None:
        self._reader = reader
        inspectors = os.cpu_count() or 1
        self._pool = InspectorPool(requirements, max_inspectors=inspectors)
        self._copies = asyncio.Semaphore(_AHEAD * inspectors)  # files of a bucket on the disk

    def start(self) -> int:
        """Start all processes, within a running event loop; return their number."""
        return self._pool.start_all()

    async def inspect(self, image: StoredImage) -> Inspection:
        """Inspect the file of *image*; a file in a bucket is copied to the disk first.

        Raises StoreError, and PictureRefusedError; its reason is MISSING if there is no file of the
        same size, UNREADABLE, or DAMAGED if it has other bytes than were stored.
        """
        if not self._reader.holds(image["path"], image["size"]):
            raise PictureRefusedError(MISSING)
        async with self._copies:
            return await self._inspect(image)

    async def _inspect(self, image: StoredImage) -> Inspection:
        with ExitStack() as opened:
            file = await asyncio.to_thread(
                opened.enter_context, self._reader.as_file(image["path"])
            )
            try:
                inspection = await self._pool.inspect(Task(str(file), 0))
            except StoreError:
                if self._reader.holds(image["path"], image["size"]):
                    raise
                raise PictureRefusedError(MISSING) from None  # deleted meanwhile
        if inspection.checksum != image["checksum"]:
            raise PictureRefusedError(DAMAGED)
        return inspection

    async def each(
        self,
        images: Iterable[StoredImage],
        work: Callable[[StoredImage], Coroutine[None, None, None]],
        progress: Callable[[int], None],
    ) -> None:
        """Do *work* for each image, as many at a time as keep all processes busy.

        The next of *images* is taken when another one is done. *progress* is called with the number
        of further images done. The first error is raised, and cancels all other work.
        """
        at_most = _AHEAD * self.start()
        running: set[asyncio.Task[None]] = set()
        try:
            for image in images:
                running.add(asyncio.create_task(work(image)))
                if len(running) >= at_most:
                    running = await _first_of(running, progress)
            while running:
                running = await _first_of(running, progress)
        finally:
            for task in running:
                task.cancel()

    def close(self) -> None:
        """End the processes."""
        self._pool.close()


async def _first_of(
    running: set[asyncio.Task[None]], progress: Callable[[int], None]
) -> set[asyncio.Task[None]]:
    """Wait for the first of *running*; return the others."""
    done, others = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    errors = [error for task in done if (error := task.exception())]
    if errors:  # a full disk may cause several
        raise errors[0]
    progress(len(done))
    return others
