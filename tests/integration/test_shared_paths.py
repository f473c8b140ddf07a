"""Two images with the same path: neither replaces the other, in either order."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.conftest import Crawl
from tests.e2e.command import FAST, finish_all, start
from tests.pictures import encoded, exhibit, exhibits, noise
from tests.s3 import BUCKET, keys, s3_bucket, s3_server, settings_of
from tests.standin.sources import SearchStandIn
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn
from wallpapers.listings.page import Page
from wallpapers.pipelines.images import WallpaperImagesPipeline
from wallpapers.settings import ITEM_PIPELINES
from wallpapers.spiders.baidu_search import BaiduSearchSpider
from wallpapers.spiders.baidu_wallpaper import BaiduWallpaperSpider


class OneNamePipeline(WallpaperImagesPipeline):
    """A user's own names for files, which are the same for all of them."""

    def file_path(self, request: Any, *args: Any, **more: Any) -> str:
        return "all/of them.jpg"


class ByIdPipeline(WallpaperImagesPipeline):
    """A user's own names for files, which are the same for a preview and its original."""

    def file_path(self, request: Any, *args: Any, item: Any = None, **more: Any) -> str:
        return f"by id/{item.id}.jpg"


def pipelines(own: type[WallpaperImagesPipeline]) -> dict[str, Any]:
    return {"ITEM_PIPELINES": {**ITEM_PIPELINES, WallpaperImagesPipeline: None, own: 500}}


def files(store: Path, folder: str) -> list[Path]:
    return sorted(path for path in (store / folder).rglob("*") if path.is_file())


def test_images_with_the_same_path_are_all_stored(crawl: Crawl) -> None:
    settings = {**pipelines(OneNamePipeline), "IMAGES_THUMBS": {"small": (32, 32)}}
    with StandIn(exhibits(8)) as standin:
        run = crawl(standin, settings)
        standin.asked.clear()
        again = crawl(standin, settings)
    assert run.stats["wallpapers/stored"] == again.stats["wallpapers/known"] == 8
    assert not any(path.startswith("/image/") for path in standin.asked)
    assert len(files(crawl.store, "all")) == 8
    assert len({image["path"] for image in run.images()}) == 8
    thumbs = [path.read_bytes() for path in files(crawl.store, "thumbs")]
    assert len(thumbs) == len(set(thumbs)) == 8


def test_a_damaged_file_is_replaced(crawl: Crawl) -> None:
    shown = exhibits(2)
    for one in shown:
        with StandIn([one]) as standin:
            crawl(standin, pipelines(OneNamePipeline))
    before = {path: path.read_bytes() for path in files(crawl.store, "all")}
    for path in before:
        path.write_bytes(b"damaged")
    for one in reversed(shown):  # the first to heal could take the name of the other one
        with StandIn([one]) as standin:
            stats = crawl.stats_of(standin, pipelines(OneNamePipeline))
        assert stats["wallpapers/stored"] == 1
    assert {path: path.read_bytes() for path in files(crawl.store, "all")} == before


def test_a_missing_file_is_replaced_by_the_image_of_its_own_wallpaper(crawl: Crawl) -> None:
    first, second = exhibits(2)
    with StandIn([first]) as standin:
        crawl(standin, pipelines(OneNamePipeline))
    (only,) = files(crawl.store, "all")
    only.unlink()
    with StandIn([second]) as standin:
        crawl(standin, pipelines(OneNamePipeline))
    with StandIn([first, second]) as standin:
        run = crawl(standin, pipelines(OneNamePipeline))
    assert run.stats["wallpapers/stored"] == run.stats["wallpapers/known"] == 1
    assert len(files(crawl.store, "all")) == 2


class WithPreviews(BaiduWallpaperSpider):
    """Takes all pictures of the wallpaper ``c`` for previews."""

    def read_page(self, body: bytes) -> Page:
        page = super().read_page(body)
        for wallpaper in page.wallpapers:
            if wallpaper.id == "c":
                wallpaper.previews = wallpaper.image_urls
        return page


@pytest.mark.parametrize("order", [("c", "c-preview"), ("c-preview", "c")], ids="first ".join)
def test_an_id_that_looks_like_a_preview_has_its_own_file(
    crawl: Crawl, order: tuple[str, str]
) -> None:
    shown = {name: exhibit(number, id=name) for number, name in enumerate(("c", "c-preview"))}
    for name in order:
        with StandIn([shown[name]]) as standin:
            assert crawl(standin, spider=WithPreviews).stats["wallpapers/stored"] == 1
    with StandIn(list(shown.values())) as standin:
        run = crawl(standin, spider=WithPreviews)
    assert run.stats["wallpapers/known"] == 2
    for item in run.items:
        (image,) = item["images"]
        assert run.bytes_of(image) == shown[item["id"]].content()
        assert image.get("preview", False) == (item["id"] == "c")


def test_a_preview_is_never_known_as_the_original(crawl: Crawl) -> None:
    class DeadOriginals(SearchStandIn):
        def original(self, exhibit: Any) -> str:
            return f"{self.origin}/image/gone/{exhibit.sign}.jpg"

    shown, settings = exhibits(2), pipelines(ByIdPipeline)
    with DeadOriginals(shown) as standin:
        run = crawl(standin, settings, spider=BaiduSearchSpider, previews=1)
    assert [image["preview"] for image in run.images()] == [True, True]
    with SearchStandIn(shown) as alive:
        later = crawl(alive, settings, spider=BaiduSearchSpider, previews=1)
    assert later.stats["wallpapers/stored"] == 2
    assert not any("preview" in image for image in later.images())
    assert {image["path"] for image in later.images()} == {image["path"] for image in run.images()}


def test_a_foreign_file_at_the_path_is_kept(crawl: Crawl) -> None:
    """Without a row it may be the picture of a run that is about to enter it."""
    (shown,) = exhibits(1)
    with StandIn([shown]) as standin:
        (image,) = crawl(standin).images()
        path = crawl.store / image["path"]
        other = encoded(noise(99))
        path.write_bytes(other[:-50])  # so that it is not known
        with closing(sqlite3.connect(crawl.store / FILE_NAME)) as catalogue, catalogue:
            catalogue.execute("DELETE FROM wallpapers")
            catalogue.execute("DELETE FROM pictures")
        assert crawl(standin).images()[0]["path"] == image["path"]  # half a picture is nobody's

    class Meanwhile(StandIn):
        async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
            path.write_bytes(other)  # by another run, after this one has looked
            return await super().picture(request, exhibit)

    path.unlink()
    with closing(sqlite3.connect(crawl.store / FILE_NAME)) as catalogue, catalogue:
        catalogue.execute("DELETE FROM wallpapers")
        catalogue.execute("DELETE FROM pictures")
    with Meanwhile([shown]) as standin:
        (image,) = crawl(standin).images()
    assert path.read_bytes() == other
    assert (crawl.store / image["path"]).read_bytes() == shown.content()


def new(store: Path) -> None:
    pass


def lost(store: Path) -> None:
    for path in store.rglob("*.jpg"):
        path.unlink()


def damaged(store: Path) -> None:
    for path in store.rglob("*.jpg"):
        path.write_bytes(b"damaged")


class Differing(StandIn):
    """Serves other bytes to each of two programs, and to both in the same moment."""

    def __init__(self, shown: list[Exhibit]) -> None:
        super().__init__(shown)
        self._waiting: dict[str, asyncio.Event] = {}

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        is_first = exhibit.id not in self._waiting
        both = self._waiting.setdefault(exhibit.id, asyncio.Event())
        if is_first:
            await both.wait()
        both.set()
        seed = int(exhibit.id) * 2 + is_first
        return web.Response(body=encoded(noise(seed)), content_type="image/jpeg")


@pytest.mark.slow
@pytest.mark.parametrize("before", [new, lost, damaged])
def test_crawls_with_different_bytes_stay_consistent_with_the_catalogue(
    crawl: Crawl, tmp_path: Path, before: Callable[[Path], None]
) -> None:
    shown = exhibits(12)  # fewer than a program asks for at a time
    if before is not new:
        with StandIn(shown) as standin:
            crawl(standin)
        before(crawl.store)
    with Differing(shown) as standin:
        endpoint, store = f"endpoint={standin.endpoint}", f"IMAGES_STORE={crawl.store}"
        words = ("crawl", "baidu_wallpaper", "-a", endpoint, "-s", store, *FAST)
        running = [start(*words) for _ in range(2)]
        assert [result.status for result in finish_all(running)] == [0, 0]
    with closing(sqlite3.connect(crawl.store / FILE_NAME)) as catalogue:
        rows = catalogue.execute("SELECT path, sha256 FROM pictures").fetchall()
        stored = "SELECT count(*) FROM wallpapers JOIN pictures USING (sha256)"
        assert catalogue.execute(stored).fetchone() == (12,)
    for path, sha256 in rows:
        assert hashlib.sha256((crawl.store / path).read_bytes()).hexdigest() == sha256
    with StandIn(shown) as standin:
        assert crawl(standin).stats["wallpapers/known"] == 12


@pytest.mark.parametrize("before", [0, 1])
def test_an_upload_keeps_objects_of_other_wallpapers(
    crawl: Crawl, tmp_path: Path, before: int
) -> None:
    shown = exhibits(4)
    with s3_server() as address, s3_bucket(address) as bucket:
        settings = {
            **settings_of(address),
            **pipelines(OneNamePipeline),
            "IMAGES_STORE": f"s3://{BUCKET}/",
            "WALLPAPERS_CATALOGUE": f"sqlite:///{tmp_path / 'catalogue.db'}",
        }
        for count in (before, 4) if before else (4,):
            with StandIn(shown[:count]) as standin:
                crawl.stats_of(standin, settings)
        objects = (bucket.get_object(Bucket=BUCKET, Key=key) for key in keys(bucket))
        contents = [stored["Body"].read() for stored in objects]
    assert sorted(contents) == sorted(exhibit.content() for exhibit in shown)
