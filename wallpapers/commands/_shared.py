"""What the commands share that look at a store and its catalogue."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from wallpapers.catalogue.location import catalogue_url
from wallpapers.errors import SettingError, StoreError, UserError
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.program import program_name
from wallpapers.storage.address import folder_of
from wallpapers.storage.local import LocalStorage

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

    from wallpapers.catalogue.catalogue import Catalogue


@contextmanager
def catalogue_of(settings: BaseSettings) -> Iterator[Catalogue]:
    """Open the catalogue that *settings* name, for the time of the block; it has to be there.

    Raises UserError and StoreError.
    """
    from wallpapers.catalogue.catalogue import Catalogue

    url = catalogue_url(settings)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        raise SettingError(
            f"there is no catalogue at {url.database}: crawl first, or name the store with "
            "-s IMAGES_STORE=<folder>"
        )
    folder = folder_of(str(settings["IMAGES_STORE"]))
    store = LocalStorage(str(folder)) if folder else None
    catalogue = Catalogue.open(url, store.holds if store else lambda path, size: True)
    try:
        yield catalogue
    finally:
        catalogue.close()


def status_of(error: UserError | StoreError) -> int:
    """Say *error* in a line, and return the exit status for it."""
    print(f"{program_name()}: {error}", file=sys.stderr)
    return ExitStatus.STORE if isinstance(error, StoreError) else ExitStatus.COULD_NOT_START
