"""``scrapy doctor``: the image that it requests, and what it leaves behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aiohttp import web

from tests.e2e.test_doctor import cells, doctor
from tests.lacking_pixels import closed_jpeg, jpeg_with_size
from tests.pictures import encoded, exhibit, exhibits, noise
from tests.standin.sources import (
    SearchStandIn,
)
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn


class MovedPictures(StandIn):
    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        if "moved" in request.query:
            return await super().picture(request, exhibit)
        raise web.HTTPFound(request.url.update_query(moved=1))


class ErrorPages(StandIn):
    """Redirects images to an error page, as the hosts of deleted thumbnails do."""

    def routes(self) -> list[web.RouteDef]:
        return [*super().routes(), web.get("/search/error.html", self.error)]

    async def error(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text="<!DOCTYPE html><title>error</title>", content_type="text/html")

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        raise web.HTTPFound("/search/error.html")


class SmallPictures(StandIn):
    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        return web.Response(body=encoded(noise(1, 40, 32)), content_type="image/jpeg")


class TruncatedPictures(StandIn):
    """Serves an image whose header claims more pixels than the memory suffices for."""

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        truncated = closed_jpeg(encoded(noise(1), progressive=True, subsampling=0))
        body = jpeg_with_size(truncated, 9_900, 9_900)
        return web.Response(body=body, content_type="image/jpeg")


class FirstIsGone(StandIn):
    """Serves no image for its first wallpaper, as third-party hosts do."""

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        if exhibit is self.exhibits[0]:
            raise web.HTTPNotFound
        return await super().picture(request, exhibit)


@pytest.mark.parametrize(
    ("kind", "status", "picture"),
    [
        (MovedPictures, 0, "JPEG 96x64"),
        (FirstIsGone, 0, "JPEG 96x64"),
        (ErrorPages, 4, "not_an_image"),
        (TruncatedPictures, 4, "too_many_pixels (needs more than 512 MB to decode)"),
        (SmallPictures, 4, "placeholder (40x32, listed with 6,144 pixels)"),
    ],
)
def test_the_image_is_requested_and_checked_as_in_a_crawl(
    tmp_path: Path, kind: type[StandIn], status: int, picture: str
) -> None:
    with kind(exhibits(5)) as standin:
        result = doctor(standin.endpoint, tmp_path)
    assert cells(result)[-1].startswith(picture)
    assert result.status == status


def test_a_preview_is_not_compared_with_the_listed_size(tmp_path: Path) -> None:
    class OnlyPreviews(SearchStandIn):
        without_originals = True

    with OnlyPreviews([exhibit(1, width=1920, height=1080)]) as standin:
        words = ("-a", "previews=1", "-a", "protocol=data")
        result = doctor(standin.endpoint, tmp_path, *words, spider="baidu_search")
    assert cells(result)[-1] == "JPEG 48x32 (preview)"
    assert result.status == 0


def test_doctor_stores_nothing_whatever_the_settings(tmp_path: Path) -> None:
    feed = json.dumps({str(tmp_path / "feed.json"): {"format": "json"}})
    pipelines = json.dumps({"wallpapers.pipelines.images.WallpaperImagesPipeline": 1})
    with StandIn(exhibits(2)) as standin:
        result = doctor(
            standin.endpoint,
            tmp_path,
            *("-s", f"FEEDS={feed}", "-s", f"JOBDIR={tmp_path / 'job'}"),
            *("-s", "HTTPCACHE_ENABLED=True", "-s", f"HTTPCACHE_DIR={tmp_path / 'cache'}"),
            *("-s", f"ITEM_PIPELINES={pipelines}"),
        )
    assert result.status == 0
    assert not list(tmp_path.iterdir())
