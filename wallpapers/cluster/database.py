"""Open the catalogue of a cluster, and run transactions in it without blocking the reactor."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection, text

from wallpapers.catalogue.catalogue import Catalogue
from wallpapers.catalogue.location import catalogue_url
from wallpapers.cluster import queue
from wallpapers.errors import CatalogueError, SettingError
from wallpapers.logs.masking import HideSecrets
from wallpapers.run.command_line import shell_command

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings
    from sqlalchemy import URL

    from wallpapers.catalogue.entries import Entries

logger = logging.getLogger(__name__)

T = TypeVar("T")

_RETRY_INTERVAL_S = 1.0


def process_name() -> str:
    """Return the name of this process, by which others find its connections."""
    return f"wallpapers {socket.gethostname()[:40]}:{os.getpid()}"  # at most 63 bytes


def cluster_url(settings: BaseSettings) -> URL:
    """Return the address of the catalogue, with the name of this process. Raises UserError."""
    url = catalogue_url(settings)
    if url.get_backend_name() != "postgresql":
        raise SettingError(
            "a cluster needs its catalogue in PostgreSQL: "
            "WALLPAPERS_CATALOGUE must be like postgresql://<user>:<password>@<host>/<database>"
        )
    return url.update_query_dict({"application_name": process_name()})


def open_catalogue(settings: BaseSettings, *, installs: bool = False) -> Catalogue:
    """Open the catalogue of *settings*, and check that it has the tables of the queue.

    *installs* creates them. Raises UserError and CatalogueError.
    """
    url = cluster_url(settings)
    queue.require_library()
    HideSecrets().update_settings(settings)
    catalogue = Catalogue.open(url, lambda path, size: True)
    try:
        if installs:
            catalogue.run(lambda entries: _install(entries.connection))
        elif not catalogue.run(lambda entries: queue.is_installed(entries.connection)):
            raise SettingError(
                f"{catalogue} has no queue; create it with: {shell_command('cluster', 'init')}"
            )
    except BaseException:
        catalogue.close()
        raise
    return catalogue


def _install(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(7262003)"))
    queue.install(connection)


class Database:
    """Run transactions of the catalogue in a thread, one at a time.

    Raises CatalogueError.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="wallpapers-cluster")

    async def do(self, work: Callable[[Entries], T]) -> T:
        """Return the result of *work*, done in one transaction."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._catalogue.run, work)

    async def do_when_back(self, work: Callable[[Entries], T]) -> T:
        """Return the result of *work*; while the catalogue fails, try again."""
        is_away = False
        while True:
            try:
                return await self.do(work)
            except CatalogueError as error:
                if not is_away:
                    logger.warning("Catalogue failed: %s; waiting for it", error)
                is_away = True
            await asyncio.sleep(_RETRY_INTERVAL_S)

    def close(self) -> None:
        """Close the catalogue when the running transaction has ended."""
        self._thread.submit(self._catalogue.close)
        self._thread.shutdown(wait=False)
