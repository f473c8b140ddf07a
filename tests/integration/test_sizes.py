"""Sizes and amounts as people write them, and filters that a source applies itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Crawl
from tests.integration.test_sources import pages_asked
from tests.pictures import encoded, exhibit, exhibits, noise
from tests.standin.sources import FlipStandIn, SearchStandIn, WallhavenStandIn
from wallpapers.demo.standin import StandIn
from wallpapers.errors import ArgumentError
from wallpapers.options.sizes import Size
from wallpapers.spiders.baidu_flip import BaiduFlipSpider
from wallpapers.spiders.baidu_search import BaiduSearchSpider
from wallpapers.spiders.wallhaven import WallhavenSpider

SCREENS = {
    "hd": exhibit(1, width=1280, height=720),
    "full hd": exhibit(2, width=1920, height=1080),
    "4k": exhibit(3, width=3840, height=2160),
    "tall": exhibit(4, width=2160, height=3840),
}


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        ({"min_size": "1920x1080"}, {"full hd", "4k", "tall"}),
        ({"min_size": "1920 X 1081"}, {"4k", "tall"}),
        ({"min_size": "4K"}, {"4k"}),
        ({"min_size": "1080p", "max_width": "4k"}, {"full hd", "4k", "tall"}),
        ({"min_size": "hd", "min_height": "1081"}, {"4k", "tall"}),
        ({"min_width": "4k"}, {"4k"}),
        ({"min_height": "4k"}, {"4k", "tall"}),
        ({"max_width": "1920px"}, {"hd", "full hd"}),
        ({"min_megapixels": "2M"}, {"full hd", "4k", "tall"}),
        ({"min_megapixels": "8.2 MP"}, {"4k", "tall"}),
        ({"ratio": "9x16"}, {"tall"}),
        ({"ratio": "16/9"}, {"hd", "full hd", "4k"}),
        ({"ratio": "1.78"}, {"hd", "full hd", "4k"}),
    ],
)
def test_a_size_may_be_written_as_people_do(
    crawl: Crawl, filters: dict[str, Any], kept: set[str]
) -> None:
    """What matches by its claim is requested; none of these images has the listed size."""
    with StandIn(list(SCREENS.values())) as standin:
        crawl(standin, **filters)
        asked = " ".join(standin.asked)
    assert {name for name, shown in SCREENS.items() if shown.sign in asked} == kept


@pytest.mark.parametrize(
    ("limit", "stored"), [("2k", 0), ("2.5k", 1), ("2Ki", 0), ("1M", 1), ("2500B", 1), ("0", 1)]
)
def test_an_amount_of_bytes_may_have_a_unit(crawl: Crawl, limit: str, stored: int) -> None:
    content = encoded(noise(1))
    content += bytes(2_400 - len(content))
    with StandIn([exhibit(1, content)]) as standin:
        run = crawl(standin, max_bytes=limit)
    assert run.stats["wallpapers/stored"] == stored
    assert run.stats["wallpapers/filtered"] == 1 - stored


def test_jpg_is_jpeg(crawl: Crawl) -> None:
    with StandIn([exhibit(1), exhibit(2, encoded(noise(2), "PNG"))]) as standin:
        run = crawl(standin, formats="jpg")
    assert [image["format"] for image in run.images()] == ["JPEG"]


@pytest.mark.parametrize(
    ("settings", "arguments", "line"),
    [
        ({}, {"min_width": "200", "max_width": "100"}, "min_width must not exceed max_width, got "),
        ({}, {"min_height": "4k", "max_height": "1080p"}, "max_height, got 2160 and 1080"),
        ({}, {"min_size": "4k", "max_height": "2000"}, "min_size must not exceed max_height, got "),
        (
            {"IMAGES_MIN_WIDTH": 300},
            {"max_width": "200"},
            "IMAGES_MIN_WIDTH must not exceed max_width, got 300 and 200",
        ),
        ({}, {"min_size": "large"}, "min_size must be like 3840x2160, or a size such as 4k, got"),
        ({}, {"min_size": "3840"}, "min_size must be like 3840x2160"),
        ({}, {"min_width": "1920x1080"}, "min_size=3840x2160 sets both sides, got '1920x1080'"),
        ({}, {"ratio": "16:9:1"}, "ratio must be like 16:9 or 1.78, got '16:9:1'"),
        ({}, {"max_bytes": "5X"}, "a number 0 or more, such as 5000000, 5M or 500k, got '5X'"),
        ({}, {"max_bytes": "1.5"}, "max_bytes must be a number 0 or more"),
        ({}, {"size": "4k"}, "(did you mean 'min_size'?)"),
    ],
)
def test_a_wrong_filter_ends_the_run_before_the_first_request(
    crawl: Crawl, settings: dict[str, Any], arguments: dict[str, Any], line: str
) -> None:
    with StandIn(exhibits(1)) as standin:
        with pytest.raises(ArgumentError) as caught:
            crawl(standin, settings, **arguments)
        assert standin.asked == []
    assert line in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "arguments", "sent"),
    [
        ({}, {"min_size": "3840x2160"}, ["3840x2160"]),
        ({}, {"min_width": "4k", "min_height": "1000"}, ["3840x1000"]),
        ({"IMAGES_MIN_WIDTH": 800}, {"min_size": "640x480"}, ["800x480"]),
        ({}, {"atleast": "1080p", "min_size": "4k"}, ["1920x1080"]),
        ({}, {"min_width": "100"}, None),
        ({}, {}, None),
    ],
)
def test_wallhaven_filters_by_the_least_size(
    crawl: Crawl, settings: dict[str, Any], arguments: dict[str, Any], sent: list[str] | None
) -> None:
    with WallhavenStandIn(exhibits(1)) as standin:
        crawl(standin, settings, spider=WallhavenSpider, **arguments)
        (page,) = pages_asked(standin)
    assert page.get("atleast") == sent


EXACT = {"min_size": "1080p", "max_width": "1920", "max_height": "1080"}


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        (EXACT, Size(1920, 1080)),
        ({"width": "4k", "height": "4k"}, Size(3840, 2160)),
        ({**EXACT, "width": "800"}, Size(800)),
        ({"min_size": "1080p"}, Size()),
    ],
)
def test_baidu_searches_for_the_only_size_that_matches(
    crawl: Crawl, arguments: dict[str, Any], sent: Size
) -> None:
    for spider, kind in ((BaiduSearchSpider, SearchStandIn), (BaiduFlipSpider, FlipStandIn)):
        with kind(exhibits(1)) as standin:
            crawl(standin, spider=spider, **arguments)
            page = pages_asked(standin)[0]
        asked = [int("".join(page.get(side, [])) or 0) for side in ("width", "height")]
        assert Size(*asked) == sent
