"""Open the catalogue of a store if there is one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from wallpapers.catalogue.location import catalogue_url
from wallpapers.catalogue.read_only import is_on_read_only_file_system
from wallpapers.storage.address import usable_folder_of, with_final_slash
from wallpapers.storage.local import LocalStorage

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings
    from sqlalchemy import URL

    from wallpapers.catalogue.catalogue import Catalogue


def open_existing(
    settings: BaseSettings,
    *,
    reads_only: bool = False,
    accepts_read_only: bool = False,
    unchanged: bool = False,
    check: bool = False,
) -> Catalogue | None:
    """Open the catalogue of *settings*; return None if there is none.

    *reads_only* and *accepts_read_only* also open one on a read-only file system, where changes
    raise StoreError. *unchanged* changes nothing at all, not even an older schema. *check* tests
    the integrity of the whole SQLite file. Raises UserError and StoreError; a catalogue of another
    bucket is a StoreError.
    """
    from wallpapers.catalogue.catalogue import Catalogue
    from wallpapers.catalogue.upgrade import check_store

    uri = str(settings["IMAGES_STORE"])
    folder = usable_folder_of(uri)
    url = catalogue_url(settings)
    if not _may_exist(url):
        return None
    store = LocalStorage(str(folder)) if folder else None
    holds = store.holds if store else lambda path, size: True
    accepts_read_only |= reads_only
    if unchanged or (accepts_read_only and is_on_read_only_file_system(url)):
        return Catalogue.open_unchanged(url, holds)
    catalogue = Catalogue.open(url, holds, reads_only=reads_only, check=check)
    if folder is None:
        try:
            catalogue.run(lambda entries: check_store(entries.connection, with_final_slash(uri)))
        except BaseException:
            catalogue.close()
            raise
    return catalogue


def _may_exist(url: URL) -> bool:
    if url.get_backend_name() != "sqlite":
        return True
    try:
        os.lstat(str(url.database))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        pass  # opening it fails too, with an error message that explains it
    return True
