"""What the catalogue answers about pictures."""

from __future__ import annotations

from dataclasses import dataclass

from wallpapers.items import StoredImage


@dataclass(frozen=True)
class Held:
    """A picture with a row; ``whole`` = the store has its file, too."""

    image: StoredImage
    state: str  # of the wallpaper
    whole: bool


@dataclass(frozen=True)
class Entered:
    """A picture as it was recorded, possibly under the path of the same content.

    ``refused_as`` is "placeholder" for a content that many wallpapers share, "hidden" for one
    whose wallpapers are all hidden, and "" for one that is accepted. ``is_new`` = the catalogue did
    not have the content before.
    """

    image: StoredImage
    refused_as: str = ""
    is_new: bool = False


@dataclass(frozen=True)
class Holder:
    """The picture whose row has a path, or one that differs in case alone."""

    path: str
    checksum: str
    is_whole: bool
    has_others: bool  # another wallpaper has this picture as well

    @property
    def is_needed(self) -> bool:
        """Whether another wallpaper would lose its picture with the file."""
        return self.is_whole and self.has_others
