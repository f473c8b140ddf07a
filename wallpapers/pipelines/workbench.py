"""Check, hash, thumbnail and write pictures in a few workers, never in the reactor's thread."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from posixpath import splitext
from typing import TYPE_CHECKING, TypeVar

from scrapy.utils.defer import ensure_awaitable

from wallpapers import imaging, placeholders
from wallpapers.downloads.parts import Part
from wallpapers.downloads.runfolder import RunFolder
from wallpapers.errors import PictureRefusedError, StoreError, store_errors
from wallpapers.filters import Wanted
from wallpapers.frames import Buffer
from wallpapers.items import StoredImage
from wallpapers.store import FolderStore

if TYPE_CHECKING:
    from scrapy.pipelines.files import FilesStoreProtocol
    from scrapy.pipelines.media import MediaPipeline

T = TypeVar("T")
Thumbs = dict[str, bytes]  # by name


@dataclass(frozen=True)
class Demands:
    """What a picture must be to be kept, and what is made of it."""

    check: str  # structure or decode
    max_pixels: int
    wanted: Wanted
    placeholders: frozenset[str]  # sha512 of pictures that stand for a missing one
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
            max_workers=min(4, os.cpu_count() or 1), thread_name_prefix="wallpapers"
        )
        self._parts: RunFolder | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    def open(self) -> None:
        """Make room for pictures on their way. Raises StoreError."""
        if isinstance(self._store, FolderStore):
            self._store.open()
            root = self._store.root  # on the same file system, so that a rename is all it takes
        else:
            self._scratch = tempfile.TemporaryDirectory(prefix="wallpapers-")
            root = Path(self._scratch.name)
        with store_errors(root):
            self._parts = RunFolder(root)

    def part(self) -> Part:
        """Return where a picture may flow in; it is refused by its first bytes, if they say so."""
        assert self._parts is not None
        return self._parts.part(self._look)

    @property
    def is_remote(self) -> bool:
        """Is the store anything but a folder?"""
        return not isinstance(self._store, FolderStore)

    async def make(
        self, part: Part, url: str, path: str, claimed_pixels: int
    ) -> tuple[StoredImage, Thumbs]:
        """Return what *part* is, with its path and its true extension, and its thumbnails by name.

        Raises PictureRefusedError with its reason, and StoreError.
        """
        return await self._run(lambda: self._make(part, url, path, claimed_pixels))

    async def store(
        self,
        part: Part,
        url: str,
        path: str,
        thumb_paths: Mapping[str, str],
        claimed_pixels: int,
    ) -> StoredImage:
        """Make of *part* what it is, and put it in the folder, its thumbnails beside it.

        Raises PictureRefusedError with its reason, and StoreError.
        """

        def work() -> StoredImage:
            image, thumbs = self._make(part, url, path, claimed_pixels)
            self._write(thumbs, thumb_paths, part, image["path"])
            return image

        return await self._run(work)

    async def upload(
        self, part: Part, image: StoredImage, thumbs: Thumbs, thumb_paths: Mapping[str, str]
    ) -> None:
        """Send *part* as *image*, and *thumbs* beside it, to a remote store. Raises StoreError."""
        body = await self._run(part.path.read_bytes)
        files = [(thumb_paths[name], content) for name, content in thumbs.items()]
        await self._upload([*files, (image["path"], body)], image)

    async def remove(self, paths: Iterable[str]) -> None:
        """Remove files that turned out to be one too many; Scrapy's remote stores cannot."""
        if isinstance(self._store, FolderStore):
            store = self._store
            for path in paths:
                await self._run(partial(store.remove, path))

    def is_whole(self, path: str, size_bytes: int) -> bool:
        """Is *path* there with its size? Of a remote store that is believed, not asked."""
        return not isinstance(self._store, FolderStore) or self._store.holds(path, size_bytes)

    def is_there(self, path: str) -> bool:
        """Is anything under *path*, with any extension? Blocks on the disk; remote: no."""
        store = self._store
        return isinstance(store, FolderStore) and any(
            store.has(_with_extension(path, extension)) for extension in imaging.EXTENSIONS.values()
        )

    async def find(self, url: str, path: str) -> StoredImage | None:
        """Return what is stored under *path*, whatever its extension, if it is a whole picture."""
        if not isinstance(self._store, FolderStore):
            return None
        return await self._run(lambda: self._find(url, path))

    def close(self) -> None:
        """Let the workers go; nothing may be under way any more."""
        self._executor.shutdown()
        if self._parts is not None:
            self._parts.close()
        if self._scratch is not None:
            self._scratch.cleanup()

    def _look(self, start: bytes) -> None:
        """Refuse a picture by its first bytes, as far as they tell. Raises PictureRefusedError."""
        picture = imaging.glance(start)
        if picture is None:
            return
        if picture.width * picture.height > self._demands.max_pixels:
            raise PictureRefusedError("too_many_pixels", f"{picture.width}x{picture.height}")
        # It may be turned by 90 degrees, which is not known yet.
        wanted, kind = self._demands.wanted, picture.format
        why = wanted.why_not(picture.width, picture.height, kind=kind)
        if why and wanted.why_not(picture.height, picture.width, kind=kind):
            raise PictureRefusedError(*why)

    def _make(
        self, part: Part, url: str, path: str, claimed_pixels: int
    ) -> tuple[StoredImage, Thumbs]:
        demands = self._demands
        thumbs: Thumbs = {}
        with part.content() as data:
            picture = self._examine(data)
            self._check_wanted(picture, part.size)
            placeholders.check(
                data,
                picture.width,
                picture.height,
                claimed_pixels=claimed_pixels,
                known=demands.placeholders,
            )
            if demands.check == "decode":
                imaging.check_pixels(data, picture.format, max_pixels=demands.max_pixels)
            if demands.thumbs:
                thumbs = imaging.thumbnails(
                    data, picture.format, demands.thumbs, max_pixels=demands.max_pixels
                )
        image = _stored_image(picture, part.checksum, part.size, url, path, "downloaded")
        return image, thumbs

    def _check_wanted(self, picture: imaging.Picture, size_bytes: int) -> None:
        sides = picture.width, picture.height
        why = self._demands.wanted.why_not(*sides, size_bytes=size_bytes, kind=picture.format)
        if why:
            raise PictureRefusedError(*why)

    def _write(self, thumbs: Thumbs, thumb_paths: Mapping[str, str], part: Part, path: str) -> None:
        """Write the thumbnails first: a wallpaper that is there has them."""
        assert self._parts is not None
        assert isinstance(self._store, FolderStore)
        for name, content in thumbs.items():
            thumb = self._parts.part(lambda _: None)
            try:
                thumb.feed(content)
                thumb.write()
                self._store.adopt(thumb, thumb_paths[name])
            finally:
                thumb.remove()
        self._store.adopt(part, path)

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
                checksum = hashlib.sha256(body).hexdigest()
                return _stored_image(picture, checksum, len(body), url, path, "uptodate")
        return None

    def _examine(self, data: Buffer) -> imaging.Picture:
        return imaging.examine(data, max_pixels=self._demands.max_pixels)

    async def _upload(self, files: Iterable[tuple[str, bytes]], image: StoredImage) -> None:
        meta = {key: image[key] for key in ("width", "height", "checksum", "format", "size")}
        for path, body in files:
            kind = "jpeg" if path != image["path"] else image["format"].lower()
            headers = {"Content-Type": f"image/{kind}"}
            try:
                await ensure_awaitable(
                    self._store.persist_file(path, BytesIO(body), self._info, meta, headers)
                )
            except Exception as error:  # whatever the client library of a remote store raises
                raise StoreError(f"{path}: {error}") from error

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


def _stored_image(
    picture: imaging.Picture, checksum: str, size: int, url: str, path: str, status: str
) -> StoredImage:
    return StoredImage(
        url=url,
        path=_with_extension(path, imaging.EXTENSIONS[picture.format]),
        checksum=checksum,
        status=status,
        width=picture.width,
        height=picture.height,
        format=picture.format,
        size=size,
    )


def _with_extension(path: str, extension: str) -> str:
    """Return *path* with the true extension in place of any other that pictures have."""
    stem, given = splitext(path)
    return (stem if given.lower() in _EXTENSIONS else path) + extension


_EXTENSIONS = {*imaging.EXTENSIONS.values(), ".jpeg"}
