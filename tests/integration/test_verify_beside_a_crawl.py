"""``verify`` while a crawl stores images: each file is written before its row."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path

from sqlalchemy import URL

from tests.integration.catalogue_rows import image, wallpaper
from tests.pictures import encoded, noise
from wallpapers.catalogue.catalogue import Catalogue
from wallpapers.catalogue.entries import Entries
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.maintenance.verify import verify
from wallpapers.storage.local import LocalStorage
from wallpapers.storage.reading import FolderReader
from wallpapers.storage.run_folder import RunFolder

PATH = "s/1.jpg"


class RowComesLater(LocalStorage):
    """The crawl writes the row after the files were compared with the rows for the first time."""

    catalogue: Catalogue

    def holds(self, path: str, size: int | None = None) -> bool:
        stored = image(path=PATH, size=(self.root / PATH).stat().st_size)
        self.catalogue.run(partial(Entries.record, wallpaper=wallpaper(), image=stored))
        return super().holds(path, size)


def test_an_image_whose_row_a_crawl_is_about_to_write_is_not_reported(tmp_path: Path) -> None:
    store = RowComesLater(str(tmp_path))
    (tmp_path / PATH).parent.mkdir()
    (tmp_path / PATH).write_bytes(encoded(noise(1)))
    url = URL.create("sqlite", database=str(tmp_path / FILE_NAME))
    with closing(Catalogue.open(url, lambda path, size: True)) as store.catalogue:
        with closing(RunFolder(tmp_path)):
            beside = verify(store.catalogue, FolderReader(store), store)
        assert beside.not_in_catalogue == []
        (tmp_path / PATH).rename(tmp_path / "s" / "2.jpg")
        alone = verify(store.catalogue, FolderReader(store), LocalStorage(str(tmp_path)))
    assert alone.not_in_catalogue == ["s/2.jpg"]
