"""Turn a part into a stored picture: inspect it in a process, then put it into the storage."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from posixpath import splitext
from typing import Any

from wallpapers.errors import PictureRefusedError, SmallerThanListedError
from wallpapers.images import decoding
from wallpapers.inspection.inspect_file import Demands, Findings, Task
from wallpapers.inspection.pool import Crew
from wallpapers.items import StoredImage
from wallpapers.storage.batching import BatchExecutor, Work, run_each
from wallpapers.storage.contract import NewFile, Storage
from wallpapers.storage.parts import Part

_DISK_THREADS = 2
_METADATA = {"width", "height", "checksum", "format", "size"}
_SHORT_DIGITS = 10  # of the sha256 in the name of a file whose own name is taken


@dataclass(frozen=True)
class Arrival:
    """A picture that was inspected, with its thumbnails, before or after it is put."""

    image: StoredImage
    picture: NewFile | None  # None: its content is stored already, under the path of *image*
    thumbs: tuple[NewFile, ...] = ()
    is_put: bool = False

    def renamed(self, digits: int) -> Arrival:
        """Return it with *digits* of its sha256 in all names, to be put there."""
        assert self.picture is not None
        mark = self.image["checksum"][:digits]
        image: StoredImage = {**self.image, "path": _marked(self.image["path"], mark)}
        return Arrival(
            image,
            replace(self.picture, path=image["path"]),
            tuple(replace(thumb, path=_marked(thumb.path, mark)) for thumb in self.thumbs),
        )

    def discard(self) -> None:
        """Remove the parts; what was put stays."""
        for file in (self.picture, *self.thumbs):
            if file is not None:
                file.part.remove()


class Intake:
    """Inspects pictures and puts them into a storage. All methods raise StoreError."""

    def __init__(self, storage: Storage, demands: Demands, is_stopping: Callable[[], bool]) -> None:
        self._storage = storage
        self._demands = demands
        self._crew = Crew(demands, is_stopping)
        self._disk: BatchExecutor[Work, Any] = BatchExecutor(
            _DISK_THREADS, "wallpapers-disk", run_each
        )

    def open(self) -> None:
        """Check that the storage accepts files, before anything is downloaded."""
        self._storage.open()

    def part(self) -> Part:
        """Return a part for a download, which its first bytes may end.

        Starts an inspection process where there is none.
        """
        self._crew.prepare()
        return self._storage.part(self._look)

    async def inspect(
        self,
        part: Part,
        claimed_pixels: int,
        url: str,
        path: str,
        thumb_paths: Mapping[str, str],
        *,
        accept_smaller: bool,
    ) -> Arrival:
        """Return what is in *part*, to be stored as *path* with its true extension.

        *claimed_pixels* are those of the listing, 0 = unknown. Raises PictureRefusedError with its
        reason; SmallerThanListedError where the picture has far fewer, unless *accept_smaller*.
        """
        if not part.size:
            raise PictureRefusedError("empty")
        await self._disk.do(part.write)
        found = await self._crew.inspect(Task(str(part.path), claimed_pixels))
        if found.smaller_than_listed and not accept_smaller:
            width, height = found.picture.width, found.picture.height
            raise SmallerThanListedError(width, height, claimed_pixels)
        image = _stored_image(found, url, path)
        metadata = {key: value for key, value in image.items() if key in _METADATA}
        picture = NewFile(part, image["path"], f"image/{image['format'].lower()}", metadata)
        thumbs = tuple(
            NewFile(self._storage.part(lambda _: None), thumb_paths[name], "image/jpeg", metadata)
            for name in found.thumbs
        )
        for thumb, content in zip(thumbs, found.thumbs.values(), strict=True):
            if work := thumb.part.feed(content):
                await self._disk.do(work)
        return Arrival(image, picture, thumbs)

    async def put(self, arrival: Arrival) -> Arrival:
        """Put *arrival*; it says whether it was, or whether its path has another content."""
        if arrival.picture is None:
            return arrival
        return replace(arrival, is_put=await self._storage.put(arrival.picture, arrival.thumbs))

    def alternatives(self, arrival: Arrival) -> list[Arrival]:
        """Return *arrival* under names that no other content should have."""
        return [arrival.renamed(_SHORT_DIGITS), arrival.renamed(len(arrival.image["checksum"]))]

    async def withdraw(self, arrival: Arrival) -> None:
        """Remove the files of *arrival*, unless another program has put its own there."""

        def withdraw() -> None:
            file = arrival.picture
            if file is not None and self._storage.matches(file):
                self._storage.remove([file.path, *(thumb.path for thumb in arrival.thumbs)])

        await self._disk.do(withdraw)

    async def remove(self, image: StoredImage) -> None:
        """Remove the file of *image*, if it is there with its size."""

        def remove() -> None:
            if self._storage.holds(image["path"], image["size"]):
                self._storage.remove([image["path"]])

        await self._disk.do(remove)

    def has_file(self, path: str) -> bool:
        """Return whether there is a file *path*, with any extension; blocks on the disk."""
        return any(
            self._storage.holds(_with_extension(path, extension))
            for extension in decoding.EXTENSIONS.values()
        )

    def is_picture(self, path: str) -> bool:
        """Return whether the file *path* is a whole picture; blocks on the disk."""
        return self._examined("", path) is not None

    async def find(self, url: str, path: str) -> StoredImage | None:
        """Return the whole picture that is stored as *path*, with any extension."""
        found: StoredImage | None = await self._disk.do(partial(self._find, url, path))
        return found

    def close(self) -> None:
        """End processes and threads, and remove all parts. No call may be running."""
        self._disk.close()
        self._crew.close()
        self._storage.close()

    def _look(self, start: bytes) -> None:
        """Refuse a picture by its first bytes, as far as they tell. Raises PictureRefusedError."""
        picture = decoding.glance(start)
        if picture is None:
            return
        if picture.width * picture.height > self._demands.max_pixels:
            raise PictureRefusedError("too_many_pixels", f"{picture.width}x{picture.height}")
        # It may be turned by 90 degrees, which is not known yet.
        wanted, kind = self._demands.wanted, picture.format
        why = wanted.find_mismatch(picture.width, picture.height, kind=kind)
        if why and wanted.find_mismatch(picture.height, picture.width, kind=kind):
            raise PictureRefusedError(*why)

    def _find(self, url: str, path: str) -> StoredImage | None:
        for extension in decoding.EXTENSIONS.values():
            name = _with_extension(path, extension)
            image = self._examined(url, name)
            if image is not None and image["path"] == name:
                return image
        return None

    def _examined(self, url: str, path: str) -> StoredImage | None:
        body = self._storage.find(path)
        if body is None:
            return None
        try:
            picture = decoding.examine(body, max_pixels=self._demands.max_pixels, check="strict")
        except PictureRefusedError:
            return None
        checksum = hashlib.sha256(body).hexdigest()
        found = Findings(checksum, len(body), picture, {})
        return _stored_image(found, url, path, "uptodate")


def _stored_image(found: Findings, url: str, path: str, status: str = "downloaded") -> StoredImage:
    """Return the result for what was found, under *path* with its true extension."""
    picture = found.picture
    return StoredImage(
        url=url,
        path=_with_extension(path, decoding.EXTENSIONS[picture.format]),
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


def _marked(path: str, mark: str) -> str:
    stem, extension = splitext(path)
    return f"{stem}-{mark}{extension}"


_EXTENSIONS = {*decoding.EXTENSIONS.values(), ".jpeg"}
