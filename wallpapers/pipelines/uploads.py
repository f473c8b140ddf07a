"""Choose the path of an upload to a remote store, where a put replaces whatever is there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wallpapers.errors import StoreError
from wallpapers.items import StoredImage, Wallpaper
from wallpapers.storage.names import folded

if TYPE_CHECKING:
    from wallpapers.catalogue.entries import Entries
    from wallpapers.storage.intake import Intake, StagedImage


class Uploads:
    """The paths of the uploads whose rows are not written yet."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._checksums: dict[str, str] = {}  # folded path -> sha256

    def begin(self, wallpaper: Wallpaper, staged: StagedImage, entries: Entries) -> StagedImage:
        """Return *staged* without a file if its content is stored, otherwise under a free path.

        This avoids needless uploads, and those that would replace the file of another wallpaper.
        """
        same_content = entries.find(staged.image["checksum"])
        if same_content is not None and same_content.whole:
            image: StoredImage = {
                **staged.image,
                "path": same_content.image["path"],
                "status": "duplicate",
            }
            return replace(staged, image=image, picture=None)
        checksum = staged.image["checksum"]
        for option in (staged, *self._intake.alternatives(staged)):
            path = option.image["path"]
            holder = entries.holder(path, wallpaper)
            is_free = holder is None or (holder.path == path and not holder.is_needed)
            if is_free and self._checksums.setdefault(folded(path), checksum) == checksum:
                return option
        raise StoreError(f"{staged.image['path']}: all alternative names are in use")

    def end(self, staged: StagedImage) -> None:
        """Release the path of an upload, whose row is written or which has failed."""
        self._checksums.pop(folded(staged.image["path"]), None)
