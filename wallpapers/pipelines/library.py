"""Keep storage and catalogue consistent: look up, store, share and reject images.

A file is stored before its row is written. A run that is killed in between leaves a file without a
row. The next run finds it under the name of its wallpaper and adds the row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from wallpapers.catalogue.writer import Listed, Writer
from wallpapers.errors import PictureRefusedError, StoreError
from wallpapers.items import StoredImage, Wallpaper
from wallpapers.pipelines.budget import StoreBudget
from wallpapers.pipelines.drops import LeftForNextRun
from wallpapers.pipelines.missing import MissingFiles
from wallpapers.pipelines.results import accepted, with_preview
from wallpapers.pipelines.uploads import Uploads
from wallpapers.run.reasons import FilterReason
from wallpapers.storage.contract import NewFile, Storage
from wallpapers.storage.intake import Intake, Paths, StagedImage

if TYPE_CHECKING:
    from pathlib import Path

    from wallpapers.catalogue.entries import Entries
    from wallpapers.catalogue.held import Entered
    from wallpapers.run.records import RunBeginning, RunEnd
    from wallpapers.storage.parts import Part

_POLL_INTERVAL_S = 0.25
_MAX_WAIT_FOR_RUN_S = 600.0


class Library:
    """Store each content once, and never replace the file of another wallpaper.

    All methods raise StoreError.
    """

    def __init__(
        self,
        storage: Storage,
        intake: Intake,
        writer: Writer,
        budget: StoreBudget,
        missing: MissingFiles,
        is_stopping: Callable[[], bool],
    ) -> None:
        self._is_stopping = is_stopping
        self._storage = storage
        self._intake = intake
        self._writer = writer
        self._budget = budget
        self._missing = missing
        self._uploads = Uploads(intake)

    def open(self) -> None:
        """Check that the storage accepts files."""
        self._intake.open()

    async def open_catalogue(self) -> None:
        """Open the catalogue; this may take several seconds."""
        await self._writer.open()

    async def begin_run(self, beginning: RunBeginning) -> None:
        """Record the beginning of the run, and check that there is room for images."""
        await self._writer.do_alone(lambda entries: entries.runs.begin(beginning))
        await self._intake.check_free_space()
        await self._budget.check()

    async def record_read_listing(self, source: str, listing: str, fingerprint: str) -> None:
        """Record that *listing* was read to its end."""
        await self._writer.do_alone(
            lambda entries: entries.read_listings.record(source, listing, fingerprint)
        )

    def close(self, end: RunEnd | None = None) -> None:
        """Record the end of the run, and close everything; no other call may be running."""
        self._writer.close(end)
        self._intake.close()

    def close_by_force(self, end: RunEnd) -> None:
        """Record the end of the run if the catalogue is not in use; the process ends afterwards."""
        self._writer.close_by_force(end)

    def run_name(self) -> str:
        """Return the name of the run folder."""
        return self._storage.run_name()

    def part(self) -> Part:
        """Return a new part file for a download."""
        return self._intake.part()

    def scratch_file(self) -> Path:
        """Return a new path on a local disk for temporary data of the run."""
        return self._storage.scratch_file()

    async def _enter_listed(self, wallpaper: Wallpaper, has_file: Callable[[], bool]) -> Listed:
        """Record that *wallpaper* was listed; wait while another run fetches its image.

        The wait ends after ten minutes, because that run may be frozen.
        """
        end_s = monotonic() + _MAX_WAIT_FOR_RUN_S
        while True:
            listed = await self._writer.enter_listed(wallpaper, has_file)
            if not listed.is_fetched_elsewhere or monotonic() > end_s:
                return listed
            if self._is_stopping():
                raise LeftForNextRun
            await asyncio.sleep(_POLL_INTERVAL_S)

    async def find_known(
        self, wallpaper: Wallpaper, url: str, path: str, *, preview: bool
    ) -> StoredImage | None:
        """Return the stored image of *wallpaper*, found by its row or else as the file *path*.

        *preview* states whether a file at *path* is a preview. If *path* is empty, only the row is
        used. Raises PictureRefusedError if the wallpaper is hidden, or its file was deleted.
        """

        def has_file() -> bool:
            return bool(path) and self._intake.has_file(path)

        listed = await self._enter_listed(wallpaper, has_file)
        if listed.is_hidden:
            raise PictureRefusedError(FilterReason.HIDDEN)
        row = listed.held
        if row is not None and not row.whole:
            row = await self._missing.resolve(row)
            if row is None:
                return None  # a file at *path* is not the one that was stored
        if row is None:
            found = await self._intake.find_image(url, path) if listed.has_file else None
            if found is None:
                return None
            image = with_preview(found, preview=preview)
            written = await self._writer.do(lambda entries: entries.adopt(wallpaper, image))
            if written is not None:
                self._budget.add(image, is_new=written.is_new)
        elif row.state == "stored":
            return row.image
        else:
            image = row.image
            written = await self._writer.record(wallpaper, image)
        if written is None:
            return None
        if written.refused_as == FilterReason.HIDDEN:
            return accepted(written)
        if written.image["path"] != image["path"]:
            await self._intake.remove(image)
        return None if written.refused_as else {**written.image, "status": "uptodate"}

    async def store_file(
        self,
        wallpaper: Wallpaper,
        part: Part,
        url: str,
        paths: Paths,
        claimed_pixels: int,
        *,
        preview: bool,
        accept_smaller: bool,
    ) -> StagedImage:
        """Inspect *part* and store it with its thumbnails; ``add_row`` has to follow.

        *claimed_pixels* is the listed number of pixels, 0 = unknown. Raises PictureRefusedError;
        SmallerThanListedError if the image has far fewer pixels, unless *accept_smaller*.
        """
        staged = await self._intake.stage(
            part, claimed_pixels, url, paths, accept_smaller=accept_smaller
        )
        if preview:
            staged = replace(staged, image={**staged.image, "preview": True})
        if self._storage.is_remote:
            staged = await self._writer.do(partial(self._uploads.begin, wallpaper, staged))
        await self._budget.reserve(staged.image)
        try:
            return await self._intake.put(staged)
        except BaseException:
            self._uploads.end(staged)
            staged.discard()
            raise

    async def add_row(self, wallpaper: Wallpaper, staged: StagedImage) -> StoredImage:
        """Write the row of a stored image; remove its file if the content has another path.

        If the file of another wallpaper occupies its path, the image gets another name. Raises
        PictureRefusedError if many wallpapers have the same content.
        """
        try:
            written = await self._write_row(wallpaper, staged)
        finally:
            self._uploads.end(staged)
        if written is None:
            await self._intake.withdraw(staged)
            alternatives = self._intake.alternatives(staged) if staged.picture else []
            for other in alternatives:
                staged = await self._intake.put(other)
                written = await self._write_row(wallpaper, staged)
                if written is not None:
                    break
            else:
                raise StoreError(f"{staged.image['path']}: path occupied by another file")
        self._budget.settle(staged.image, is_new=written.is_new)
        if written.image["path"] != staged.image["path"]:
            await self._intake.withdraw(staged, kept=written.image["path"])
        image = accepted(written)
        if staged.look is not None:
            seen = {image["checksum"]: staged.look}
            await self._writer.do(lambda entries: entries.looks.put_looks(seen))
        return image

    async def share(
        self, wallpaper: Wallpaper, image: StoredImage, *, preview: bool
    ) -> StoredImage | None:
        """Write a row of *wallpaper* with the image of another one; None = no longer stored.

        Raises PictureRefusedError.
        """
        shared = with_preview({**image, "status": "duplicate"}, preview=preview)
        written = await self._writer.record(wallpaper, shared)
        return accepted(written) if written else None

    async def fail(self, wallpaper: Wallpaper, reason: str, host: str, tried: str) -> None:
        """Record the failure of *wallpaper*, for ``scrapy retry``."""
        await self._writer.do(lambda entries: entries.fail(wallpaper, reason, host, tried))

    async def filter(self, wallpaper: Wallpaper, reason: str) -> None:
        """Record that *wallpaper* does not match the filters."""
        await self._writer.do(lambda entries: entries.filter(wallpaper, reason))

    async def _write_row(self, wallpaper: Wallpaper, staged: StagedImage) -> Entered | None:
        """Write the row of *staged*; None = another file occupies its path."""
        written = None
        if staged.is_put or staged.picture is None:
            written = await self._writer.record(wallpaper, staged.image)
        if written is None and staged.picture is not None:
            replace_file = partial(
                self._replace_file, wallpaper, staged.image, staged.picture, staged.thumbs
            )
            written = await self._writer.do(replace_file)
        return written

    def _replace_file(
        self,
        wallpaper: Wallpaper,
        image: StoredImage,
        picture: NewFile,
        thumbs: Sequence[NewFile],
        entries: Entries,
    ) -> Entered | None:
        """Replace a file by *picture* and write its row, unless another wallpaper needs the file.

        File and row change within one transaction, so no other program can interfere.
        """
        holder = entries.holder(image["path"], wallpaper)
        if holder is not None and holder.path != image["path"]:
            return None  # the paths are one file where case is ignored
        is_in_place = self._storage.matches(picture)
        if holder is None:
            if not is_in_place and self._intake.is_image(image["path"]):
                return None  # another run may be about to write its row
        elif holder.checksum != image["checksum"] and not is_in_place:
            if holder.is_needed:
                return None
            same_content = entries.find(image["checksum"]) if holder.has_others else None
            if same_content is not None and same_content.image["path"] != image["path"]:
                return None  # that wallpaper replaces its own file
        if not self._storage.replace(picture, thumbs):
            return None
        if holder is not None and holder.checksum != image["checksum"]:
            entries.forget(holder.checksum)
        return entries.record(wallpaper, image)
