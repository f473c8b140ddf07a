"""The server of the gallery, stopped while its catalogue opens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from scrapy.settings import Settings
from sqlalchemy import URL

from wallpapers import settings as defaults
from wallpapers.catalogue.catalogue import Catalogue
from wallpapers.gallery.server import GalleryServer
from wallpapers.gallery.thumbnails import requirements_of
from wallpapers.storage.local import LocalStorage


def test_a_server_that_is_stopped_while_its_catalogue_opens_closes_it(tmp_path: Path) -> None:
    is_opening, may_open = threading.Event(), threading.Event()
    closed = []

    @contextmanager
    def catalogue() -> Iterator[Catalogue]:
        is_opening.set()
        assert may_open.wait(60)
        url = URL.create("sqlite", database=str(tmp_path / "catalogue.db"))
        opened = Catalogue.open(url, lambda path, size: True)
        yield opened
        opened.close()
        closed.append(opened)

    async def run() -> None:
        requirements = requirements_of(Settings({"IMAGES_STORE": str(tmp_path), **vars(defaults)}))
        server = GalleryServer(
            catalogue(), LocalStorage(str(tmp_path)), requirements, "127.0.0.1", 0
        )
        serving = asyncio.ensure_future(server.run(print))
        await asyncio.to_thread(is_opening.wait, 60)
        serving.cancel()
        may_open.set()
        with pytest.raises(asyncio.CancelledError):
            await serving

    asyncio.run(run())
    assert len(closed) == 1
