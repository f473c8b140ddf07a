"""Inspect part files and put them into the storage."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from posixpath import splitext
from typing import TYPE_CHECKING, Any

from wallpapers.errors import PictureRefusedError, SmallerThanListedError
from wallpapers.images import formats
from wallpapers.inspection.messages import ImageRequirements, Inspection, Task
from wallpapers.inspection.pool import InspectorPool
from wallpapers.items import StoredImage
from wallpapers.storage.batching import BatchExecutor, Work, run_each
from wallpapers.storage.contract import NewFile, Storage
from wallpapers.storage.parts import Part

if TYPE_CHECKING:
    from wallpapers.images.look import Look

# Returns the path of an image of this width and height, and those of its thumbnails by name.
Paths = Callable[[int, int], tuple[str, Mapping[str, str]]]

_DISK_THREADS = 2
_METADATA = {"width", "height", "checksum", "format", "size"}
_SHORT_DIGITS = 10  # of the sha256, appended to a file name that is occupied


@dataclass(frozen=True)
class StagedImage:
    """An inspected image with its thumbnails, before or after it is stored."""

    image: StoredImage
    picture: NewFile | None  # None: the same content is stored already, at the path of ``image``
    thumbs: tuple[NewFile, ...] = ()
    is_put: bool = False
    look: Look | None = None  # what it looks like, on request

    def renamed(self, digits: int) -> StagedImage:
        """Return a copy with *digits* of the sha256 in all file names."""
        assert self.picture is not None
        suffix = self.image["checksum"][:digits]
        image: StoredImage = {**self.image, "path": _with_suffix(self.image["path"], suffix)}
        return StagedImage(
            image,
            replace(self.picture, path=image["path"]),
            tuple(replace(thumb, path=_with_suffix(thumb.path, suffix)) for thumb in self.thumbs),
            look=self.look,
        )

    def discard(self) -> None:
        """Remove the part files; stored files stay."""
        for file in (self.picture, *self.thumbs):
            if file is not None:
                file.part.remove()


class Intake:
    """Inspect images and put them into a storage. All methods raise StoreError."""

    def __init__(
        self, storage: Storage, requirements: ImageRequirements, is_stopping: Callable[[], bool]
    ) -> None:
        self._storage = storage
        self._requirements = requirements
        self._pool = InspectorPool(requirements, is_stopping)
        self._disk: BatchExecutor[Work, Any] = BatchExecutor(
            _DISK_THREADS, "wallpapers-disk", run_each
        )

    def open(self) -> None:
        """Check that the storage accepts files."""
        self._storage.open()

    def part(self) -> Part:
        """Return a part file for a download; it refuses unwanted images by their first bytes.

        Starts an inspector if there is none.
        """
        self._pool.prepare()
        return self._storage.part(self._check_start)

    async def stage(
        self,
        part: Part,
        claimed_pixels: int,
        url: str,
        paths: Paths,
        *,
        accept_smaller: bool,
    ) -> StagedImage:
        """Inspect *part* and prepare to store it, with the extension of its format.

        *claimed_pixels* are those of the listing, 0 = unknown. Raises PictureRefusedError with a
        reason; SmallerThanListedError if the image has far fewer, unless *accept_smaller*.
        """
        if not part.size:
            raise PictureRefusedError("empty")
        await self._disk.do(partial(self._write, part))
        inspection = await self._pool.inspect(Task(part.path, claimed_pixels))
        width, height = inspection.picture.width, inspection.picture.height
        if inspection.smaller_than_listed and not accept_smaller:
            raise SmallerThanListedError(width, height, claimed_pixels)
        path, thumb_paths = paths(width, height)
        image = _stored_image(inspection, url, path)
        metadata = {key: value for key, value in image.items() if key in _METADATA}
        picture = NewFile(part, image["path"], f"image/{image['format'].lower()}", metadata)
        thumbs = tuple(
            NewFile(self._storage.part(lambda _: None), thumb_paths[name], "image/jpeg", metadata)
            for name in inspection.thumbs
        )
        for thumb, content in zip(thumbs, inspection.thumbs.values(), strict=True):
            if work := thumb.part.feed(content):
                await self._disk.do(work)
        return StagedImage(image, picture, thumbs, look=inspection.look)

    async def check_free_space(self) -> None:
        """Check that the disk has WALLPAPERS_MIN_FREE_SPACE left."""
        if self._storage.min_free_bytes:
            await self._disk.do(self._storage.check_free_space)

    async def put(self, staged: StagedImage) -> StagedImage:
        """Put *staged* into the storage, and return it with ``is_put``.

        This is False if its path has other content.
        """
        if staged.picture is None:
            return staged
        return replace(staged, is_put=await self._storage.put(staged.picture, staged.thumbs))

    def alternatives(self, staged: StagedImage) -> list[StagedImage]:
        """Return *staged* with its sha256 in the file names, shortened and in full."""
        return [staged.renamed(_SHORT_DIGITS), staged.renamed(len(staged.image["checksum"]))]

    async def withdraw(self, staged: StagedImage, kept: str = "") -> None:
        """Remove the stored files of *staged*, unless another program has replaced them.

        *kept* is a path with the same content. If both paths are one file, it is not removed.
        """

        def withdraw() -> None:
            file = staged.picture
            if file is None or self._storage.are_same(file.path, kept):
                return
            if self._storage.matches(file):
                self._storage.remove([file.path, *(thumb.path for thumb in staged.thumbs)])

        await self._disk.do(withdraw)

    async def remove(self, image: StoredImage) -> None:
        """Remove the file of *image* if it still has its size."""

        def remove() -> None:
            if self._storage.holds(image["path"], image["size"]):
                self._storage.remove([image["path"]])

        await self._disk.do(remove)

    def has_file(self, path: str) -> bool:
        """Return whether a file *path* exists, with any extension; blocks on the disk."""
        stem = _without_extension(path)
        return any(
            self._storage.has_name(stem + extension) for extension in formats.EXTENSIONS.values()
        )

    def is_image(self, path: str) -> bool:
        """Return whether the file *path* is a complete image; blocks on the disk."""
        return self._examine("", path) is not None

    async def find_image(self, url: str, path: str) -> StoredImage | None:
        """Return the complete image that is stored as *path*, with any extension."""
        image: StoredImage | None = await self._disk.do(partial(self._read_image, url, path))
        return image

    def close(self) -> None:
        """End processes and threads, and remove all part files. No other call may be running."""
        self._disk.close()
        self._pool.close()
        self._storage.close()

    def _write(self, part: Part) -> None:
        part.write()
        self._storage.check_free_space()

    def _check_start(self, start: bytes) -> None:
        """Check size and format in the first bytes. Raises PictureRefusedError."""
        picture = formats.read_header(start)
        if picture is None:
            return
        if picture.width * picture.height > self._requirements.max_pixels:
            raise PictureRefusedError("too_many_pixels", f"{picture.width}x{picture.height}")
        # The orientation is not known yet: the image must be unwanted upright and rotated.
        wanted, kind = self._requirements.wanted, picture.format
        why = wanted.find_mismatch(picture.width, picture.height, kind=kind)
        if why and wanted.find_mismatch(picture.height, picture.width, kind=kind):
            raise PictureRefusedError(*why)

    def _read_image(self, url: str, path: str) -> StoredImage | None:
        stem = _without_extension(path)
        for extension in formats.EXTENSIONS.values():
            name = stem + extension
            image = self._examine(url, name)
            if image is not None and image["path"] == name:
                return image
        return None

    def _examine(self, url: str, path: str) -> StoredImage | None:
        """Return the image in the file *path*, or None if it is missing or incomplete."""
        body = self._storage.find(path)
        if body is None:
            return None
        from wallpapers.images import decoding  # few runs decode images in this process

        try:
            picture = decoding.examine(
                body, max_pixels=self._requirements.max_pixels, check="strict"
            )
        except PictureRefusedError:
            return None
        checksum = hashlib.sha256(body).hexdigest()
        inspection = Inspection(checksum, len(body), picture, {})
        return _stored_image(inspection, url, path, "uptodate")


def _stored_image(
    inspection: Inspection, url: str, path: str, status: str = "downloaded"
) -> StoredImage:
    """Return the result of an inspection; *path* gets the extension of the format."""
    picture = inspection.picture
    return StoredImage(
        url=url,
        path=_without_extension(path) + formats.EXTENSIONS[picture.format],
        checksum=inspection.checksum,
        status=status,
        width=picture.width,
        height=picture.height,
        format=picture.format,
        size=inspection.size,
    )


def _without_extension(path: str) -> str:
    """Return *path* without the extension of an image; other extensions are part of the name."""
    stem, extension = splitext(path)
    return stem if extension.lower() in formats.ALL_EXTENSIONS else path


def _with_suffix(path: str, suffix: str) -> str:
    stem, extension = splitext(path)
    return f"{stem}-{suffix}{extension}"
