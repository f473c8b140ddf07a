"""What we have: the store and the catalogue, which never contradict each other for long.

A file comes before its row: what a kill leaves between the two is a file without a row, which the
next run finds under the wallpaper's name and enters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from wallpapers import placeholders
from wallpapers.catalogue.writer import Writer
from wallpapers.errors import PictureRefusedError
from wallpapers.items import StoredImage, Wallpaper
from wallpapers.pipelines.workbench import Workbench, stored_image

if TYPE_CHECKING:
    from wallpapers.downloads.parts import Part


class Holdings:
    """Keeps each content once, and knows what needs no request. All methods raise StoreError."""

    def __init__(self, workbench: Workbench, writer: Writer) -> None:
        self._workbench = workbench
        self._writer = writer

    async def known(self, wallpaper: Wallpaper, url: str, path: str) -> StoredImage | None:
        """Return the picture of *wallpaper*, if it is whole: by its row, or else as file *path*.

        An empty *path* is none.
        """

        def there() -> bool:
            return bool(path) and self._workbench.is_there(path)

        held, file_is_there = await self._writer.take_up(wallpaper, there)
        if held is None:
            found = await self._workbench.find(url, path) if file_is_there else None
        elif not held.whole:
            return None  # whatever is there by now, it is not what was stored
        elif held.state == "stored":
            return held.image
        else:
            found = held.image
        if found is None:
            return None
        try:
            return {**await self.enter(wallpaper, found), "status": "uptodate"}
        except PictureRefusedError:
            return None

    async def keep(
        self,
        part: Part,
        url: str,
        path: str,
        thumb_paths: Mapping[str, str],
        claimed_pixels: int,
    ) -> StoredImage:
        """Store *part*, its thumbnails beside it; it has to be entered afterwards.

        *claimed_pixels* are what the listing promises, 0 = nothing. Raises PictureRefusedError with
        its reason.
        """
        found = await self._workbench.inspect(part, claimed_pixels)
        if found.smaller_than_listed:
            width, height = found.picture.width, found.picture.height
            raise placeholders.smaller_than_listed(width, height, claimed_pixels)
        image = stored_image(found, url, path)
        if not self._workbench.is_remote:
            await self._workbench.store(part, image, found.thumbs, thumb_paths)
            return image
        twin = await self._writer.do(lambda entries: entries.find(image["checksum"]))
        if twin is not None and twin.whole:  # which saves an upload
            return {**image, "path": twin.image["path"], "status": "duplicate"}
        await self._workbench.upload(part, image, found.thumbs, thumb_paths)
        return image

    async def enter(
        self, wallpaper: Wallpaper, image: StoredImage, thumb_paths: Iterable[str] = ()
    ) -> StoredImage:
        """Enter a picture whose file is whole; remove the file if it is one too many.

        Raises PictureRefusedError where the same bytes stand for many wallpapers.
        """
        entered = await self._writer.store(wallpaper, image)
        one_too_many = entered.image["path"] != image["path"]
        # Another program may have put its own bytes there meanwhile.
        if one_too_many and self._workbench.is_whole(image["path"], image["size"]):
            await self._workbench.remove([image["path"], *thumb_paths])
        if not entered.accepted:
            raise PictureRefusedError("placeholder", "the same bytes stand for five others")
        return entered.image

    async def share(self, wallpaper: Wallpaper, image: StoredImage) -> StoredImage:
        """Enter *wallpaper* with a picture that another one brought. Raises PictureRefusedError."""
        return await self.enter(wallpaper, {**image, "status": "duplicate"})

    async def fail(self, wallpaper: Wallpaper, reason: str, host: str, tried: str) -> None:
        """Remember that *wallpaper* could not be had, for ``scrapy retry``."""
        await self._writer.do(lambda entries: entries.fail(wallpaper, reason, host, tried))

    async def filter(self, wallpaper: Wallpaper, reason: str) -> None:
        """Remember that *wallpaper* is there, but not wanted."""
        await self._writer.do(lambda entries: entries.filter(wallpaper, reason))
