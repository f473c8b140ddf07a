"""Build the results of candidates that are passed to ``item_completed``."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from twisted.python.failure import Failure

from wallpapers.errors import PictureRefusedError
from wallpapers.images.placeholders import is_smaller_than_listed

if TYPE_CHECKING:
    from scrapy.pipelines.media import FileInfo, FileInfoOrError

    from wallpapers.catalogue.held import Entered
    from wallpapers.items import StoredImage, Wallpaper

# Why the catalogue refuses an image, by reason.
_REFUSALS = {
    "placeholder": "five other wallpapers have the same bytes",
    "hidden": "all other wallpapers with the same bytes are hidden",
}


def success(image: StoredImage) -> FileInfoOrError:
    """Return the result of a stored candidate."""
    return True, cast("FileInfo", image)


def failure(refusal: PictureRefusedError) -> FileInfoOrError:
    """Return the result of a candidate that failed."""
    return False, Failure(refusal)  # type: ignore[no-untyped-call]


def accepted(written: Entered) -> StoredImage:
    """Return the image that was recorded. Raises PictureRefusedError if it was refused."""
    if written.refused_as:
        raise PictureRefusedError(written.refused_as, _REFUSALS[written.refused_as])
    return written.image


def with_preview(image: StoredImage, *, preview: bool) -> StoredImage:
    """Return *image* with the entry ``preview``, or without it."""
    kept = {key: value for key, value in image.items() if key != "preview"}
    return cast("StoredImage", {**kept, "preview": True} if preview else kept)


def with_size_note(image: StoredImage, wallpaper: Wallpaper) -> StoredImage:
    """Return *image* with ``smaller_than_listed`` if it has far fewer pixels than listed."""
    claimed = wallpaper.width * wallpaper.height
    smaller = is_smaller_than_listed(image["width"], image["height"], claimed)
    return {**image, "smaller_than_listed": True} if smaller else image


def as_listed(
    known: StoredImage, wallpaper: Wallpaper, *, accepts_preview: bool
) -> StoredImage | None:
    """Return the stored image of *wallpaper* as the current listing describes it.

    None if it is a preview and the listing has an original now, unless *accepts_preview*.
    """
    if not known.get("preview"):
        return with_size_note(known, wallpaper)
    originals = {url for url in wallpaper.image_urls if url not in wallpaper.previews}
    if known["url"] in originals:
        return with_size_note(with_preview(known, preview=False), wallpaper)
    return known if accepts_preview else None


def without_traceback(refusal: PictureRefusedError) -> PictureRefusedError:
    """Return *refusal* without its traceback, whose frames would stay in memory."""
    refusal.__cause__ = refusal.__context__ = None
    return refusal.with_traceback(None)
