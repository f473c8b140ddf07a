"""What became of a candidate, in the form that Scrapy's ``item_completed`` is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from twisted.python.failure import Failure

from wallpapers.errors import PictureRefusedError
from wallpapers.images.placeholders import is_smaller_than_listed

if TYPE_CHECKING:
    from scrapy.pipelines.media import FileInfo, FileInfoOrError

    from wallpapers.items import StoredImage, Wallpaper


def success(image: StoredImage) -> FileInfoOrError:
    """Return the result of a candidate that is stored."""
    return True, cast("FileInfo", image)


def failure(refusal: PictureRefusedError) -> FileInfoOrError:
    """Return the result of a candidate that gave nothing."""
    return False, Failure(refusal)  # type: ignore[no-untyped-call]


def labelled(image: StoredImage, *, preview: bool) -> StoredImage:
    """Return *image* with ``preview`` set or removed: that depends on the wallpaper."""
    kept = {key: value for key, value in image.items() if key != "preview"}
    return cast("StoredImage", {**kept, "preview": True} if preview else kept)


def measured(image: StoredImage, wallpaper: Wallpaper) -> StoredImage:
    """Return *image* with ``smaller_than_listed`` where it has far fewer pixels than listed."""
    claimed = wallpaper.width * wallpaper.height
    smaller = is_smaller_than_listed(image["width"], image["height"], claimed)
    return {**image, "smaller_than_listed": True} if smaller else image


def bare(refusal: PictureRefusedError) -> PictureRefusedError:
    """Return *refusal* without its traceback, which would keep all that its frames hold."""
    refusal.__cause__ = refusal.__context__ = None
    return refusal.with_traceback(None)
