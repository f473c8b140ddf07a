"""Previews are recognized whatever hooks of the pipeline are overridden."""

from __future__ import annotations

from typing import Any

from scrapy import Request

from tests.conftest import Crawl
from tests.pictures import exhibits
from tests.standin.sources import SearchStandIn
from wallpapers.pipelines.images import WallpaperImagesPipeline
from wallpapers.spiders.baidu_search import BaiduSearchSpider


def with_pipeline(pipeline: type) -> dict[str, Any]:
    return {"ITEM_PIPELINES": {pipeline: 500}}


class OwnNames(WallpaperImagesPipeline):
    """File names that do not show whether the image is a preview."""

    def file_path(self, request: Any, *args: Any, item: Any = None, **more: Any) -> str:
        return f"mine/{item.id}.jpg"


class WithoutOriginals(SearchStandIn):
    without_originals = True


def test_a_preview_with_a_users_file_name_is_a_preview(crawl: Crawl) -> None:
    settings = with_pipeline(OwnNames)
    with WithoutOriginals(exhibits(2)) as standin:
        first = crawl(standin, settings, spider=BaiduSearchSpider, previews=1)
        second = crawl(standin, settings, spider=BaiduSearchSpider, previews=1)
    assert [image.get("preview") for image in first.images()] == [True, True]
    assert second.stats["wallpapers/known"] == 2
    assert [image.get("preview") for image in second.images()] == [True, True]


def test_a_preview_with_a_users_file_name_is_replaced_by_its_original(crawl: Crawl) -> None:
    settings = with_pipeline(OwnNames)
    (shown,) = exhibits(1)
    with WithoutOriginals([shown]) as standin:
        crawl(standin, settings, spider=BaiduSearchSpider, previews=1)
    with SearchStandIn([shown]) as standin:
        run = crawl(standin, settings, spider=BaiduSearchSpider, previews=1)
        again = crawl(standin, settings, spider=BaiduSearchSpider, previews=1)
    assert run.stats["wallpapers/stored"] == again.stats["wallpapers/known"] == 1
    for image in (*run.images(), *again.images()):
        assert not image.get("preview")
        assert run.bytes_of(image) == shown.content()


class AskingPlainly(WallpaperImagesPipeline):
    def get_media_requests(self, item: Any, info: Any) -> list[Request]:
        return [Request(url) for url in item.image_urls]


def test_a_preview_from_a_users_request_is_a_preview(crawl: Crawl) -> None:
    with WithoutOriginals(exhibits(1)) as standin:
        run = crawl(standin, with_pipeline(AskingPlainly), spider=BaiduSearchSpider, previews=1)
    assert [image.get("preview") for image in run.images()] == [True]
