"""Wallpapers and images to record in a catalogue."""

from __future__ import annotations

from wallpapers.catalogue.catalogue import Catalogue
from wallpapers.items import StoredImage, Wallpaper


def wallpaper(identity: str = "1", **more: object) -> Wallpaper:
    fields = {"source": "s", "listing": "国家地理", "title": "a\\'\x7f", **more}
    return Wallpaper(identity, [f"http://a.test/{identity}.jpg"], **fields)  # type: ignore[arg-type]


def image(checksum: str = "aa", path: str = "s/1.jpg", size: int = 10) -> StoredImage:
    return StoredImage(
        url="http://a.test/1.jpg",
        path=path,
        checksum=checksum,
        status="downloaded",
        width=1600,
        height=900,
        format="JPEG",
        size=size,
    )


def put(catalogue: Catalogue, store: dict[str, int], new: Wallpaper, stored: StoredImage) -> str:
    """Have *new* stored as *stored*; return the status that it got."""
    store[stored["path"]] = stored["size"]
    (entered,) = catalogue.run(lambda entries: entries.record_all([(new, stored)]))
    assert entered is not None
    assert not entered.refused_as
    return entered.image["status"]
