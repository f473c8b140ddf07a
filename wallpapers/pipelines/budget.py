"""Keep the images of a store within WALLPAPERS_MAX_STORE_SIZE."""

from __future__ import annotations

import asyncio
from collections import Counter
from time import monotonic
from typing import TYPE_CHECKING

from wallpapers.errors import StoreError
from wallpapers.items import StoredImage

if TYPE_CHECKING:
    from wallpapers.catalogue.writer import Writer

_READ_AGAIN_S = 60.0  # other runs may store images, too


class StoreBudget:
    """The sizes in the catalogue, plus those of images whose rows are not written yet.

    A limit of 0 means no limit; then nothing is read.
    """

    def __init__(self, limit_bytes: int, writer: Writer) -> None:
        self._limit_bytes = limit_bytes
        self._writer = writer
        self._used_bytes = 0
        self._reserved_bytes = 0
        self._reserved: Counter[str] = Counter()  # reservations by sha256
        self._reading = asyncio.Lock()
        self._read_again_s = 0.0

    async def check(self) -> None:
        """Raise StoreError if the store exceeds its budget already."""
        if self._limit_bytes:
            await self._read()
            if self._used_bytes > self._limit_bytes:
                raise self._exceeded()

    async def reserve(self, image: StoredImage) -> None:
        """Reserve the bytes of an image that is about to be stored. Raises StoreError."""
        if not self._limit_bytes:
            return
        await self._read()
        checksum = image["checksum"]
        total_bytes = self._used_bytes + self._reserved_bytes + image["size"]
        if total_bytes > self._limit_bytes and not self._reserved[checksum]:
            # A duplicate, and an image whose file was lost, are in the catalogue already.
            known = await self._writer.do(lambda entries: entries.find(checksum))
            if known is None:
                raise self._exceeded()
        if not self._reserved[checksum]:
            self._reserved_bytes += image["size"]
        self._reserved[checksum] += 1

    def settle(self, image: StoredImage, *, is_new: bool) -> None:
        """End a reservation, because the row is written; *is_new* as in ``add``."""
        if self._limit_bytes:
            self._reserved[image["checksum"]] -= 1
            if not self._reserved[image["checksum"]]:
                self._reserved_bytes -= image["size"]
                del self._reserved[image["checksum"]]
        self.add(image, is_new=is_new)

    def add(self, image: StoredImage, *, is_new: bool) -> None:
        """Count an image whose row is written, if it *is_new* in the catalogue."""
        self._used_bytes += image["size"] if is_new else 0

    async def _read(self) -> None:
        """Read the sum of the sizes in the catalogue, at most once a minute."""
        async with self._reading:
            if monotonic() >= self._read_again_s:
                self._used_bytes = await self._writer.do(lambda entries: entries.stored_bytes())
                self._read_again_s = monotonic() + _READ_AGAIN_S

    def _exceeded(self) -> StoreError:
        from rich.filesize import decimal

        used, limit = self._used_bytes + self._reserved_bytes, self._limit_bytes
        return StoreError(
            f"WALLPAPERS_MAX_STORE_SIZE reached: images take {decimal(used)} of {decimal(limit)}; "
            "delete some with the command hide --delete, or raise the setting"
        )
