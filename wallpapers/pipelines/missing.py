"""Handle stored images whose files are gone: find moved ones, and fetch or hide the others."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from wallpapers.catalogue.comparison import compare
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.errors import PictureRefusedError
from wallpapers.run.program import program_name
from wallpapers.run.reasons import FilterReason
from wallpapers.storage.files import is_below
from wallpapers.storage.moved import MovedFiles

if TYPE_CHECKING:
    from wallpapers.catalogue.entries import Entries
    from wallpapers.catalogue.held import Held
    from wallpapers.catalogue.writer import Writer
    from wallpapers.items import StoredImage
    from wallpapers.run.ledger import RunLedger
    from wallpapers.storage.contract import Storage

logger = logging.getLogger(__name__)


@dataclass
class _Search:
    """The result of searching the store, after the first missing file of the run."""

    files: MovedFiles
    may_hide: bool


class MissingFiles:
    """Decide whether a wallpaper whose stored file is gone was moved, is fetched again, or hidden.

    The store is searched once in a run, and only if a file is missing. With *hides*, missing images
    are hidden, unless most of the store is missing, as after the loss of a disk.
    """

    def __init__(self, storage: Storage, writer: Writer, ledger: RunLedger, *, hides: bool) -> None:
        self._storage = storage
        self._writer = writer
        self._ledger = ledger
        self._hides = hides
        self._lock = asyncio.Lock()
        self._search: _Search | None = None
        self._moved: dict[str, str] = {}  # new path by sha256

    async def resolve(self, held: Held) -> Held | None:
        """Return *held* under its new path if its file was moved; None = it has to be fetched.

        Raises PictureRefusedError if it counts as deleted by the user.
        """
        image = held.image
        path = image["path"]
        if not is_below(path) or not await asyncio.to_thread(self._storage.is_missing, path):
            return None  # damaged
        async with self._lock:
            search = self._search = self._search or await self._search_store()
            moved = await self._find_moved(image, search)
        if moved is not None:
            return held._replace(image={**image, "path": moved}, whole=True)
        if search.may_hide:
            await self._writer.do(partial(_hide, image["checksum"]))
            raise PictureRefusedError(FilterReason.HIDDEN, "its file was deleted")
        self._ledger.count_missing()
        return None

    async def _search_store(self) -> _Search:
        files = await asyncio.to_thread(dict, self._storage.images(FILE_NAME))
        compared = await self._writer.do(partial(compare, files=files))
        found = MovedFiles(self._storage, compared.without_row)
        gone = sum(not found.has_size(size) for size in compared.missing)
        may_hide = self._hides and gone * 2 <= compared.expected
        if self._hides and not may_hide:
            logger.warning(
                "Missing files not hidden but fetched again: %s of %s images are missing from the "
                "store, more than half; if you have deleted them, use %s hide",
                f"{gone:,}",
                f"{compared.expected:,}",
                program_name(),
            )
        return _Search(found, may_hide)

    async def _find_moved(self, image: StoredImage, search: _Search) -> str | None:
        checksum, size = image["checksum"], image["size"]
        if checksum in self._moved or not search.files.has_size(size):
            return self._moved.get(checksum)
        path = await asyncio.to_thread(search.files.find, size, checksum)
        if path is None:
            return None
        if not await self._writer.do(lambda entries: entries.follow(checksum, path)):
            return None
        self._moved[checksum] = path
        self._ledger.count_moved()
        return path


def _hide(checksum: str, entries: Entries) -> None:
    """Hide all wallpapers of an image."""
    for keys in entries.decisions.keys_by_checksum([checksum]).values():
        entries.decisions.hide(keys)
