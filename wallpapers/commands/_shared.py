"""What the commands share that look at a store and its catalogue."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wallpapers.catalogue.location import catalogue_url
from wallpapers.errors import SettingError, StoreError, UserError
from wallpapers.run.exit_status import ExitStatus
from wallpapers.storage.address import folder_of
from wallpapers.storage.local import LocalStorage

if TYPE_CHECKING:
    from scrapy.commands import ScrapyCommand
    from scrapy.settings import BaseSettings

    from wallpapers.catalogue.catalogue import Catalogue


@contextmanager
def catalogue_of(
    settings: BaseSettings, *, reads_only: bool = False, check: bool = False
) -> Iterator[Catalogue]:
    """Open the catalogue that *settings* name, for the time of the block; it has to be there.

    *check* reads an SQLite file whole for its integrity. Raises UserError and StoreError.
    """
    from wallpapers.catalogue.catalogue import Catalogue

    url = catalogue_url(settings)
    if url.get_backend_name() == "sqlite" and not _may_exist(str(url.database)):
        raise SettingError(
            f"there is no catalogue at {url.database}: crawl first, or name the store with "
            "-s IMAGES_STORE=<folder>"
        )
    folder = folder_of(str(settings["IMAGES_STORE"]))
    store = LocalStorage(str(folder)) if folder else None
    holds = store.holds if store else lambda path, size: True
    catalogue = Catalogue.open(url, holds, reads_only=reads_only, check=check)
    try:
        yield catalogue
    finally:
        catalogue.close()


def _may_exist(path: str) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        pass  # SQLite is asked, and its failure is explained
    return True


def status_of(error: UserError | StoreError) -> int:
    """Print *error* in a line, and return the exit status for it."""
    print(f"scrapy: {error}", file=sys.stderr)
    return ExitStatus.STORE if isinstance(error, StoreError) else ExitStatus.COULD_NOT_START


@contextmanager
def output_of(command: ScrapyCommand) -> Iterator[None]:
    """End *command* quietly, with OUTPUT_CLOSED, where the reader of its output has gone."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes what is left when it ends, and would complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        command.exitcode = ExitStatus.OUTPUT_CLOSED
