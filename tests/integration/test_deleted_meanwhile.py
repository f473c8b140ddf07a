"""A file that another program deletes at the last moment is missing; the store has not failed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from pathlib import Path

from scrapy.settings import Settings

from tests.conftest import Crawl
from tests.pictures import exhibits
from wallpapers.catalogue.existing import open_existing
from wallpapers.collection.looking import LookReport, look_at_images, requirements_of
from wallpapers.demo.standin import StandIn
from wallpapers.storage.local import LocalStorage
from wallpapers.storage.reading import FolderReader


class Deleting(FolderReader):
    """Another program deletes each file before an inspector opens it."""

    def as_file(self, path: str) -> AbstractContextManager[Path]:
        (self._storage.root / path).unlink()
        return super().as_file(path)


def look(store: Path) -> LookReport:
    settings = Settings()
    settings.setmodule("wallpapers.settings", priority="project")
    settings.set("IMAGES_STORE", str(store), priority="cmdline")
    catalogue = open_existing(settings)
    assert catalogue is not None
    with closing(catalogue):
        reader = Deleting(LocalStorage(str(store)))
        return look_at_images(catalogue, reader, requirements_of(settings))


def test_an_image_that_is_deleted_before_it_is_looked_at_is_missing(crawl: Crawl) -> None:
    with StandIn(exhibits(3)) as standin:
        run = crawl(standin)
    with ThreadPoolExecutor(1) as thread:  # the event loop of this one is that of the crawls
        report = thread.submit(look, run.store).result()
    assert sorted(report.missing) == sorted(image["path"] for image in run.images())
    assert report.seen == 0
