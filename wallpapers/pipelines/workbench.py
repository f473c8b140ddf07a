"""Turn a part into a picture of the store: have it inspected, then write it, all in workers."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from io import BytesIO
from pathlib import Path
from posixpath import splitext
from typing import TYPE_CHECKING

from scrapy.utils.defer import ensure_awaitable

from wallpapers import imaging
from wallpapers.batches import Batches, each
from wallpapers.downloads.parts import Part
from wallpapers.downloads.runfolder import RunFolder
from wallpapers.errors import PictureRefusedError, StoreError, store_errors
from wallpapers.inspection.crew import Crew
from wallpapers.inspection.findings import Demands, Findings, Task, Thumbs
from wallpapers.items import StoredImage
from wallpapers.store import FolderStore

if TYPE_CHECKING:
    from scrapy.pipelines.files import FilesStoreProtocol
    from scrapy.pipelines.media import MediaPipeline

_DISK_THREADS = 2


class Workbench:
    """Turns bytes that came in into a StoredImage, or says why not."""

    def __init__(
        self,
        store: FilesStoreProtocol,
        demands: Demands,
        info: MediaPipeline.SpiderInfo,
        is_stopping: Callable[[], bool],
    ) -> None:
        self._store = store
        self._demands = demands
        self._info = info
        self._crew = Crew(demands, is_stopping)
        self._disk = Batches(_DISK_THREADS, "wallpapers-disk", each)
        if isinstance(store, FolderStore):
            self._shelf = Batches(_DISK_THREADS, "wallpapers-shelf", store.adopt_all)
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
        """Return where a picture may flow in; it is refused by its first bytes, if they say so.

        Raises StoreError where nobody could look at it.
        """
        assert self._parts is not None
        self._crew.prepare()
        return self._parts.part(self._look)

    @property
    def is_remote(self) -> bool:
        """Is the store anything but a folder?"""
        return not isinstance(self._store, FolderStore)

    async def inspect(self, part: Part, claimed_pixels: int) -> Findings:
        """Return what *part* is. Raises PictureRefusedError with its reason, and StoreError."""
        if not part.size:
            raise PictureRefusedError("empty")
        await self._disk.do(part.write)
        return await self._crew.inspect(Task(str(part.path), claimed_pixels))

    async def store(
        self, part: Part, image: StoredImage, thumbs: Thumbs, thumb_paths: Mapping[str, str]
    ) -> None:
        """Put *part* in the folder as *image*, its thumbnails beside it. Raises StoreError."""
        assert self._parts is not None
        files: list[tuple[Part, str]] = []
        try:
            # The thumbnails come first: a wallpaper that is there has them.
            for name, content in thumbs.items():
                thumb = self._parts.part(lambda _: None)
                files.append((thumb, thumb_paths[name]))
                if work := thumb.feed(content):
                    await self._disk.do(work)
            await self._shelf.do([*files, (part, image["path"])])
        finally:
            for thumb, _ in files:
                thumb.remove()

    async def upload(
        self, part: Part, image: StoredImage, thumbs: Thumbs, thumb_paths: Mapping[str, str]
    ) -> None:
        """Send *part* as *image*, and *thumbs* beside it, to a remote store. Raises StoreError."""
        body = await self._disk.do(part.path.read_bytes)
        files = [(thumb_paths[name], content) for name, content in thumbs.items()]
        await self._upload([*files, (image["path"], body)], image)

    async def remove(self, paths: Iterable[str]) -> None:
        """Remove files that turned out to be one too many; Scrapy's remote stores cannot."""
        if isinstance(self._store, FolderStore):
            store = self._store
            for path in paths:
                await self._disk.do(partial(store.remove, path))

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
        found: StoredImage | None = await self._disk.do(lambda: self._find(url, path))
        return found

    def close(self) -> None:
        """Let the workers go; nothing may be under way any more."""
        self._disk.close()
        if isinstance(self._store, FolderStore):
            self._shelf.close()
        self._crew.close()
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

    def _find(self, url: str, path: str) -> StoredImage | None:
        assert isinstance(self._store, FolderStore)
        for extension in imaging.EXTENSIONS.values():
            name = _with_extension(path, extension)
            body = self._store.read(name)
            if body is None:
                continue
            try:
                picture = imaging.examine(body, max_pixels=self._demands.max_pixels, check="strict")
            except PictureRefusedError:
                continue
            if imaging.EXTENSIONS[picture.format] == extension:
                checksum = hashlib.sha256(body).hexdigest()
                found = Findings(checksum, len(body), picture, {})
                return stored_image(found, url, path, "uptodate")
        return None

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


def stored_image(found: Findings, url: str, path: str, status: str = "downloaded") -> StoredImage:
    """Return the result for what was found, under *path* with its true extension."""
    picture = found.picture
    return StoredImage(
        url=url,
        path=_with_extension(path, imaging.EXTENSIONS[picture.format]),
        checksum=found.checksum,
        status=status,
        width=picture.width,
        height=picture.height,
        format=picture.format,
        size=found.size,
    )


def _with_extension(path: str, extension: str) -> str:
    """Return *path* with the true extension in place of any other that pictures have."""
    stem, given = splitext(path)
    return (stem if given.lower() in _EXTENSIONS else path) + extension


_EXTENSIONS = {*imaging.EXTENSIONS.values(), ".jpeg"}
