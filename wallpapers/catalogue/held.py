"""Define the results of queries for stored images."""

from __future__ import annotations

from typing import NamedTuple

from wallpapers.items import StoredImage


class Held(NamedTuple):
    """An image that has a row; ``whole`` = the store has its file, too."""

    image: StoredImage
    state: str  # of the wallpaper
    whole: bool


class Entered(NamedTuple):
    """An image as it was recorded, possibly at the path of an earlier one with the same content.

    ``refused_as`` is "placeholder" if many wallpapers share the content, "hidden" if all wallpapers
    with this content are hidden, and "" if it is accepted. ``is_new`` = the catalogue did not have
    the content before.
    """

    image: StoredImage
    refused_as: str = ""
    is_new: bool = False


class Holder(NamedTuple):
    """The image whose row has a path, or one that differs only in case."""

    path: str
    checksum: str
    is_whole: bool
    has_others: bool  # another wallpaper has this image as well

    @property
    def is_needed(self) -> bool:
        """Whether another wallpaper would lose its image if the file were replaced."""
        return self.is_whole and self.has_others
