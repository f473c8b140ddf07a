"""What is stored and known: a storage and a catalogue, which never contradict each other for long.

A file comes before its row: what a kill leaves between the two is a file without a row, which the
next run finds under the wallpaper's name and enters.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Self

from wallpapers.catalogue.location import catalogue_url
from wallpapers.catalogue.writer import Writer
from wallpapers.errors import PictureRefusedError, StoreError
from wallpapers.items import StoredImage, Wallpaper
from wallpapers.options.setting_values import positive
from wallpapers.pipelines.drops import LeftForNextRun
from wallpapers.pipelines.results import labelled
from wallpapers.pipelines.setup import listed_at
from wallpapers.storage.address import folder_of, store_address
from wallpapers.storage.contract import NewFile, Storage
from wallpapers.storage.intake import Arrival, Intake
from wallpapers.storage.local import LocalStorage
from wallpapers.storage.remote import RemoteStorage

if TYPE_CHECKING:
    from pathlib import Path

    from scrapy.crawler import Crawler
    from scrapy.pipelines.files import FilesStoreProtocol
    from scrapy.pipelines.media import MediaPipeline

    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.catalogue.entries import Entered, Entries, Held
    from wallpapers.inspection.inspect_file import ImageRequirements
    from wallpapers.run.state import RunState
    from wallpapers.storage.parts import Part

_POLL_INTERVAL_S = 0.25
_MAX_WAIT_FOR_RUN_S = 600.0


class Library:
    """Keeps each content once, and never replaces the file of another wallpaper.

    All methods raise StoreError.
    """

    def __init__(
        self, storage: Storage, intake: Intake, writer: Writer, is_stopping: Callable[[], bool]
    ) -> None:
        self._is_stopping = is_stopping
        self._storage = storage
        self._intake = intake
        self._writer = writer
        self._uploads: dict[str, str] = {}  # path -> sha256 of what has no row yet

    @classmethod
    def from_crawler(
        cls,
        crawler: Crawler,
        state: RunState,
        requirements: ImageRequirements,
        scrapys_store: FilesStoreProtocol,
        info: MediaPipeline.SpiderInfo,
    ) -> Self:
        """Return the library that the settings name; a remote store is Scrapy's own."""
        settings = crawler.settings
        address = store_address(str(settings["IMAGES_STORE"]))
        is_folder = folder_of(address) is not None
        timeout_s = positive(settings, "WALLPAPERS_UPLOAD_TIMEOUT")
        storage: Storage = (
            LocalStorage(address)
            if is_folder
            else RemoteStorage(scrapys_store, address, info, timeout_s)
        )

        def open_catalogue() -> Catalogue:
            from wallpapers.catalogue.catalogue import Catalogue
            from wallpapers.catalogue.claims import Claims

            url, endpoint = catalogue_url(settings), listed_at(crawler.spider)
            claims = Claims(storage.run_name(), storage.is_running)
            return Catalogue.open(
                url, storage.holds, storage.address, endpoint=endpoint, claims=claims
            )

        intake = Intake(storage, requirements, lambda: state.stopping)
        return cls(storage, intake, Writer(open_catalogue), lambda: state.stopping)

    def open(self) -> None:
        """Check that the storage accepts files."""
        self._intake.open()

    async def open_catalogue(self) -> None:
        """Open the catalogue, which may take a while."""
        await self._writer.open()

    def close(self) -> None:
        """Close catalogue and storage. No call may be running."""
        self._writer.close()
        self._intake.close()

    def part(self) -> Part:
        """Return a part for a download."""
        return self._intake.part()

    def scratch_file(self) -> Path:
        """Return a new path on a local disk for what the run needs itself."""
        return self._storage.scratch_file()

    async def _listed(
        self, wallpaper: Wallpaper, has_file: Callable[[], bool]
    ) -> tuple[Held | None, bool]:
        """Enter *wallpaper*; wait while another run of this store is fetching its picture.

        A run that is stopped for so long that it seems frozen is not waited for any more.
        """
        end_s = monotonic() + _MAX_WAIT_FOR_RUN_S
        while True:
            held, file_is_there, elsewhere = await self._writer.take_up(wallpaper, has_file)
            if not elsewhere or monotonic() > end_s:
                return held, file_is_there
            if self._is_stopping():
                raise LeftForNextRun
            await asyncio.sleep(_POLL_INTERVAL_S)

    async def known(
        self, wallpaper: Wallpaper, url: str, path: str, *, preview: bool
    ) -> StoredImage | None:
        """Return the picture of *wallpaper*, if it is whole: by its row, or else as file *path*.

        *preview* tells whether that file would be a preview. An empty *path* is none.
        """

        def has_file() -> bool:
            return bool(path) and self._intake.has_file(path)

        held, file_is_there = await self._listed(wallpaper, has_file)
        if held is None:
            found = await self._intake.find_image(url, path) if file_is_there else None
            if found is None:
                return None
            image = labelled(found, preview=preview)
            entered = await self._writer.do(lambda entries: entries.adopt(wallpaper, image))
        elif not held.whole:
            return None  # a file may be there by now, but not the one that was stored
        elif held.state == "stored":
            return held.image
        else:
            image = held.image
            entered = await self._writer.store(wallpaper, image)
        if entered is None:
            return None
        if entered.image["path"] != image["path"]:
            await self._intake.remove(image)
        return {**entered.image, "status": "uptodate"} if entered.accepted else None

    async def keep(
        self,
        wallpaper: Wallpaper,
        part: Part,
        url: str,
        path: str,
        thumb_paths: Mapping[str, str],
        claimed_pixels: int,
        *,
        preview: bool,
        accept_smaller: bool,
    ) -> Arrival:
        """Store *part* and its thumbnails; it has to be entered afterwards.

        *claimed_pixels* are those of the listing, 0 = unknown. Raises PictureRefusedError with its
        reason; SmallerThanListedError where the picture has far fewer, unless *accept_smaller*.
        """
        arrival = await self._intake.stage(
            part, claimed_pixels, url, path, thumb_paths, accept_smaller=accept_smaller
        )
        arrival = replace(arrival, image=labelled(arrival.image, preview=preview))
        if self._storage.is_remote:
            arrival = await self._writer.do(partial(self._directed, wallpaper, arrival))
        try:
            return await self._intake.put(arrival)
        except BaseException:
            self._uploads.pop(arrival.image["path"], None)
            arrival.discard()
            raise

    async def enter(self, wallpaper: Wallpaper, arrival: Arrival) -> StoredImage:
        """Enter a picture that is stored; remove its file if the content has another path.

        Where the file of another wallpaper is in its place, it gets another name. Raises
        PictureRefusedError where the same content was served for many wallpapers.
        """
        try:
            entered = await self._entered(wallpaper, arrival)
        finally:
            self._uploads.pop(arrival.image["path"], None)
        if entered is None:
            others = self._intake.alternatives(arrival) if arrival.picture else []
            for other in others:
                arrival = await self._intake.put(other)
                entered = await self._entered(wallpaper, arrival)
                if entered is not None:
                    break
            else:
                raise StoreError(f"{arrival.image['path']}: something else is in its place")
        if entered.image["path"] != arrival.image["path"]:
            await self._intake.withdraw(arrival)
        return _accepted(entered)

    async def share(
        self, wallpaper: Wallpaper, image: StoredImage, *, preview: bool
    ) -> StoredImage | None:
        """Enter *wallpaper* with the picture of another one; None = that is no longer stored.

        Raises PictureRefusedError.
        """
        shared = labelled({**image, "status": "duplicate"}, preview=preview)
        entered = await self._writer.store(wallpaper, shared)
        return _accepted(entered) if entered else None

    async def fail(self, wallpaper: Wallpaper, reason: str, host: str, tried: str) -> None:
        """Enter the failure of *wallpaper*, for ``scrapy retry``."""
        await self._writer.do(lambda entries: entries.fail(wallpaper, reason, host, tried))

    async def filter(self, wallpaper: Wallpaper, reason: str) -> None:
        """Enter that *wallpaper* exists and is not wanted."""
        await self._writer.do(lambda entries: entries.filter(wallpaper, reason))

    async def _entered(self, wallpaper: Wallpaper, arrival: Arrival) -> Entered | None:
        """Enter *arrival*; None = the file of another wallpaper is in its place."""
        entered = None
        if arrival.is_put or arrival.picture is None:
            entered = await self._writer.store(wallpaper, arrival.image)
        if entered is None and arrival.picture is not None:
            claim = partial(self._claim, wallpaper, arrival.image, arrival.picture, arrival.thumbs)
            entered = await self._writer.do(claim)
        return entered

    def _claim(
        self,
        wallpaper: Wallpaper,
        image: StoredImage,
        picture: NewFile,
        thumbs: Sequence[NewFile],
        entries: Entries,
    ) -> Entered | None:
        """Enter *image* in place of another content, if no other wallpaper has it there.

        File and row change within one transaction, so that no other program comes in between.
        """
        holder = entries.holder(image["path"], wallpaper)
        is_there = self._storage.matches(picture)
        if holder is None:
            if not is_there and self._intake.is_image(image["path"]):
                return None  # another run may be about to enter it
        elif holder.checksum != image["checksum"] and not is_there:
            if holder.is_needed:
                return None
            twin = entries.find(image["checksum"]) if holder.has_others else None
            if twin is not None and twin.image["path"] != image["path"]:
                return None  # each heals its own file
        if not self._storage.replace(picture, thumbs):
            return None
        if holder is not None and holder.checksum != image["checksum"]:
            entries.forget(holder.checksum)
        return entries.store(wallpaper, image)

    def _directed(self, wallpaper: Wallpaper, arrival: Arrival, entries: Entries) -> Arrival:
        """Return *arrival* without a file where its content is stored, or under a free path.

        A remote store would upload the first in vain, and replace what has the second.
        """
        twin = entries.find(arrival.image["checksum"])
        if twin is not None and twin.whole:
            image: StoredImage = {
                **arrival.image,
                "path": twin.image["path"],
                "status": "duplicate",
            }
            return replace(arrival, image=image, picture=None)
        checksum = arrival.image["checksum"]
        for way in (arrival, *self._intake.alternatives(arrival)):
            path = way.image["path"]
            holder = entries.holder(path, wallpaper)
            is_free = holder is None or not holder.is_needed
            if is_free and self._uploads.setdefault(path, checksum) == checksum:
                return way
        raise StoreError(f"{arrival.image['path']}: other pictures have all its names")


def _accepted(entered: Entered) -> StoredImage:
    if not entered.accepted:
        raise PictureRefusedError("placeholder", "the same bytes stand for five others")
    return entered.image
