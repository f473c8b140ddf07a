"""Store images in S3 or Google Cloud Storage, through Scrapy's store classes."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.utils.defer import ensure_awaitable

from wallpapers.errors import StoreError, store_errors
from wallpapers.storage.batching import BatchExecutor, Work, run_each
from wallpapers.storage.contract import NewFile, Storage
from wallpapers.storage.parts import Part
from wallpapers.storage.run_folder import RunFolder

if TYPE_CHECKING:
    from scrapy.pipelines.files import FilesStoreProtocol
    from scrapy.pipelines.media import MediaPipeline

_DISK_THREADS = 2


class RemoteStorage(Storage):
    """Upload files to one of Scrapy's stores, which can only write.

    A put replaces the file at the same path, so the caller checks the catalogue first. The client
    libraries retry for minutes; an upload that takes longer than *timeout_s* fails.
    """

    is_remote = True

    def __init__(
        self,
        store: FilesStoreProtocol,
        address: str,
        info: MediaPipeline.SpiderInfo,
        timeout_s: float,
        min_free_bytes: int = 0,
    ) -> None:
        self.address = address
        self.min_free_bytes = min_free_bytes
        self._store = store
        self._info = info
        self._timeout_s = timeout_s
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._executor: BatchExecutor[Work, bytes] = BatchExecutor(
            _DISK_THREADS, "wallpapers-upload", run_each
        )

    def open(self) -> None:
        with store_errors(Path(tempfile.gettempdir())):
            self._scratch = tempfile.TemporaryDirectory(prefix="wallpapers-")
            self._run = RunFolder(Path(self._scratch.name))

    async def put(self, picture: NewFile, thumbs: Sequence[NewFile] = ()) -> bool:
        for file in (*thumbs, picture):
            body = await self._executor.do(partial(_content_of, file.part))
            headers = {"Content-Type": file.content_type}
            try:
                async with asyncio.timeout(self._timeout_s):
                    await ensure_awaitable(
                        self._store.persist_file(
                            file.path, BytesIO(body), self._info, dict(file.metadata), headers
                        )
                    )
            except TimeoutError as error:
                message = f"{file.path}: timeout, not uploaded in {self._timeout_s:g} s"
                raise StoreError(message) from error
            except Exception as error:  # each client library has its own exceptions
                raise StoreError(f"{file.path}: {error}") from error
        return True

    def replace(self, picture: NewFile, thumbs: Sequence[NewFile] = ()) -> bool:
        return True  # put has replaced it

    def find(self, path: str) -> bytes | None:
        return None

    def holds(self, path: str, size: int | None = None) -> bool:
        return size is not None

    def is_missing(self, path: str) -> bool:
        return False

    def images(self, other_store: str) -> Iterator[tuple[str, int]]:
        return iter(())

    def checksum(self, path: str) -> str | None:
        return None

    def has_name(self, path: str) -> bool:
        return False

    def are_same(self, one: str, other: str) -> bool:
        return one == other

    def matches(self, file: NewFile) -> bool:
        return False

    def remove(self, paths: Sequence[str]) -> None:
        """Do nothing: Scrapy's stores cannot remove files."""

    def close(self) -> None:
        self._executor.close()
        if self._run is not None:
            self._run.close()
        if self._scratch is not None:
            self._scratch.cleanup()


def _content_of(part: Part) -> bytes:
    part.write()
    with store_errors(part.path):
        return part.folder.read(part.name)
