"""An image with less than a quarter of the listed pixels is tried last, and marked if stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import pytest
from scrapy import Request, Spider
from scrapy.http import Response, TextResponse

from tests.conftest import Crawl, Run
from tests.pictures import encoded, exhibit, noise
from tests.standin.sources import SearchStandIn
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn
from wallpapers.run.exit_status import ExitStatus
from wallpapers.spiders.baidu_search import BaiduSearchSpider

LISTED = {"width": 4000, "height": 3000}
SMALLER, LARGER, RIGHT, TINY = (700, 400), (1200, 800), (2000, 1500), (600, 300)


class OneWallpaperSpider(Spider):
    """Yield one wallpaper listed as 4000x3000 whose candidates are all images of the stand-in."""

    name = "one"
    endpoint: str

    async def start(self) -> AsyncIterator[Any]:
        yield Request(self.endpoint)

    def parse(self, response: Response) -> Iterator[Any]:
        assert isinstance(response, TextResponse)
        urls = [entry["downloadUrl"] for entry in response.json()["imgs"] if entry]
        yield {"id": "one", "image_urls": urls, **LISTED}


class LastIsMissing(StandIn):
    """Respond with 404 to the address of the last exhibit."""

    async def picture(self, request: Any, exhibit: Exhibit) -> Any:
        response = await super().picture(request, exhibit)
        if exhibit is self.exhibits[-1]:
            response.set_status(404)
        return response


class FirstIsMissing(StandIn):
    """Respond with 404 to the address of the first exhibit."""

    async def picture(self, request: Any, exhibit: Exhibit) -> Any:
        response = await super().picture(request, exhibit)
        if exhibit is self.exhibits[0]:
            response.set_status(404)
        return response


def images_of(*sizes: tuple[int, int]) -> list[Exhibit]:
    return [exhibit(n, encoded(noise(n, *size)), **LISTED) for n, size in enumerate(sizes)]


def crawl_one(crawl: Crawl, standin: StandIn) -> Run:
    return crawl(standin, spider=OneWallpaperSpider)


def assert_stored(run: Run, expected: Exhibit, *, smaller: bool) -> None:
    (image,) = run.images()
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == 1
    assert run.bytes_of(image) == expected.content()
    assert image.get("smaller_than_listed", False) is smaller
    assert run.stats.get("wallpapers/smaller_than_listed", 0) == smaller
    assert not run.warnings()


def test_the_only_candidate_is_stored_and_marked_also_when_it_is_known(crawl: Crawl) -> None:
    with StandIn(images_of(SMALLER)) as standin:
        first = crawl_one(crawl, standin)
        second = crawl_one(crawl, standin)
    assert_stored(first, standin.exhibits[0], smaller=True)
    (image,) = second.images()
    assert second.exit_status is ExitStatus.COMPLETE
    assert second.stats["wallpapers/known"] == 1
    assert image["status"] == "uptodate"
    assert image["smaller_than_listed"] is True
    assert images_requested(standin) == 1


def test_a_later_candidate_of_the_listed_size_is_preferred(crawl: Crawl) -> None:
    with StandIn(images_of(SMALLER, RIGHT)) as standin:
        run = crawl_one(crawl, standin)
    assert_stored(run, standin.exhibits[1], smaller=False)


@pytest.mark.parametrize("sizes", [(SMALLER, LARGER), (LARGER, SMALLER)])
def test_the_largest_of_several_smaller_candidates_is_stored(
    crawl: Crawl, sizes: Sequence[tuple[int, int]]
) -> None:
    with StandIn(images_of(*sizes)) as standin:
        run = crawl_one(crawl, standin)
    assert_stored(run, standin.exhibits[sizes.index(LARGER)], smaller=True)


def test_a_small_image_is_a_placeholder(crawl: Crawl) -> None:
    with StandIn(images_of(TINY)) as standin:
        run = crawl_one(crawl, standin)
    assert run.exit_status is ExitStatus.FAILURES
    assert run.stats["wallpapers/failed/placeholder"] == 1
    assert "wallpapers/smaller_than_listed" not in run.stats
    assert not run.images()
    (line,) = run.warnings()
    assert "placeholder (600x300, listed with 12,000,000 pixels)" in line


@pytest.mark.parametrize("faulty", [LastIsMissing, FirstIsMissing])
def test_a_smaller_image_is_stored_if_the_other_candidate_is_missing(
    crawl: Crawl, faulty: type[StandIn]
) -> None:
    with faulty(images_of(SMALLER, SMALLER)) as standin:
        run = crawl_one(crawl, standin)
    stored = 0 if faulty is LastIsMissing else 1
    assert_stored(run, standin.exhibits[stored], smaller=True)


class OnlyPreviews(SearchStandIn):
    without_originals = True


def test_previews_are_not_marked(crawl: Crawl) -> None:
    with OnlyPreviews(images_of(SMALLER)) as standin:
        run = crawl(standin, spider=BaiduSearchSpider, previews=1)
        again = crawl(standin, spider=BaiduSearchSpider, previews=1)
    assert run.stats["wallpapers/stored"] == again.stats["wallpapers/known"] == 1
    for image in (*run.images(), *again.images()):
        assert image["preview"] is True
        assert "smaller_than_listed" not in image
    assert "wallpapers/smaller_than_listed" not in run.stats


def images_requested(standin: StandIn) -> int:
    return sum(path.startswith("/image/") for path in standin.asked)
