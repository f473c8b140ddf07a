"""Check, hash, thumbnail and write pictures in a few workers, never in the reactor's thread."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, TypeVar

from scrapy.utils.defer import ensure_awaitable

from wallpapers import imaging
from wallpapers.errors import PictureRefusedError, StoreError
from wallpapers.items import StoredImage
from wallpapers.store import FolderStore

if TYPE_CHECKING:
    from scrapy.pipelines.files import FilesStoreProtocol
    from scrapy.pipelines.media import MediaPipeline

T = TypeVar("T")


@dataclass(frozen=True)
class Demands:
    """What a picture must be to be kept, and what is made of it."""

    check: str  # structure or decode
    max_pixels: int
    min_width: int
    min_height: int
    thumbs: Mapping[str, tuple[int, int]]  # name -> largest width and height, pixels


class Workbench:
    """Turns bytes that came in into a StoredImage, or says why not."""

    def __init__(
        self, store: FilesStoreProtocol, demands: Demands, info: MediaPipeline.SpiderInfo
    ) -> None:
        self._store = store
        self._demands = demands
        self._info = info
        self._executor = ThreadPoolExecutor(
            max_workers=min(4, (os.cpu_count() or 1) + 1), thread_name_prefix="wallpapers"
        )

    async def keep(
        self, body: bytes, url: str, path: str, thumb_paths: Mapping[str, str]
    ) -> StoredImage:
        """Store *body* under *path* with its true extension, and its thumbnails beside it.

        Raises PictureRefusedError with its reason, and StoreError.
        """
        image, thumbs = await self._run(lambda: self._make(body, url, path))
        files = [(thumb_paths[name], content, "JPEG") for name, content in thumbs.items()]
        # The original comes last: a wallpaper that is there has its thumbnails.
        await self._write([*files, (image["path"], body, image["format"])], image)
        return image

    async def find(self, url: str, path: str) -> StoredImage | None:
        """Return what is stored under *path*, whatever its extension, if it is a whole picture."""
        if not isinstance(self._store, FolderStore):
            return None
        return await self._run(lambda: self._find(url, path))

    def close(self) -> None:
        """Let the workers go; nothing may be under way any more."""
        self._executor.shutdown()

    def _make(self, body: bytes, url: str, path: str) -> tuple[StoredImage, dict[str, bytes]]:
        demands = self._demands
        picture = self._examine(body)
        if picture.width < demands.min_width or picture.height < demands.min_height:
            wanted = f"{demands.min_width}x{demands.min_height}"
            raise PictureRefusedError(
                "too_small", f"{picture.width}x{picture.height}, wanted {wanted}"
            )
        if demands.check == "decode":
            imaging.check_pixels(body, picture.format, max_pixels=demands.max_pixels)
        thumbs: dict[str, bytes] = {}
        if demands.thumbs:
            thumbs = imaging.thumbnails(
                body, picture.format, demands.thumbs, max_pixels=demands.max_pixels
            )
        return _stored_image(picture, body, url, path, "downloaded"), thumbs

    def _find(self, url: str, path: str) -> StoredImage | None:
        assert isinstance(self._store, FolderStore)
        for extension in imaging.EXTENSIONS.values():
            name = _with_extension(path, extension)
            body = self._store.read(name)
            if body is None:
                continue
            try:
                picture = self._examine(body)
            except PictureRefusedError:
                continue
            if imaging.EXTENSIONS[picture.format] == extension:
                return _stored_image(picture, body, url, path, "uptodate")
        return None

    def _examine(self, body: bytes) -> imaging.Picture:
        picture = imaging.examine(body, max_pixels=self._demands.max_pixels)
        imaging.check_structure(body, picture.format)
        return picture

    async def _write(self, files: Iterable[tuple[str, bytes, str]], image: StoredImage) -> None:
        store = self._store
        if isinstance(store, FolderStore):
            await self._run(lambda: self._write_locally(store, files))
            return
        meta = {key: image[key] for key in ("width", "height", "checksum", "format", "size")}
        for path, body, kind in files:
            headers = {"Content-Type": f"image/{kind.lower()}"}
            try:
                await ensure_awaitable(
                    store.persist_file(path, BytesIO(body), self._info, meta, headers)
                )
            except Exception as error:  # whatever the client library of a remote store raises
                raise StoreError(f"{path}: {error}") from error

    @staticmethod
    def _write_locally(store: FolderStore, files: Iterable[tuple[str, bytes, str]]) -> None:
        for path, body, _ in files:
            store.persist_file(path, BytesIO(body))

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


def _stored_image(
    picture: imaging.Picture, body: bytes, url: str, path: str, status: str
) -> StoredImage:
    return StoredImage(
        url=url,
        path=_with_extension(path, imaging.EXTENSIONS[picture.format]),
        checksum=hashlib.sha256(body).hexdigest(),
        status=status,
        width=picture.width,
        height=picture.height,
        format=picture.format,
        size=len(body),
    )


def _with_extension(path: str, extension: str) -> str:
    """Return *path* with the true extension in place of any other that pictures have."""
    pure = PurePosixPath(path)
    if pure.suffix.lower() in {*imaging.EXTENSIONS.values(), ".jpeg"}:
        pure = pure.with_suffix("")
    return f"{pure}{extension}"
