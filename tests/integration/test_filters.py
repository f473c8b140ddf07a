"""Filters, applied to listed and actual sizes, and placeholders."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Crawl
from tests.pictures import encoded, exhibit, exhibits, noise
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn
from wallpapers.errors import ArgumentError
from wallpapers.options.filters import REASONS, ImageFilters
from wallpapers.run.exit_status import ExitStatus

WIDE, TALL, SQUARE = (160, 90), (90, 160), (120, 120)


def shown(*, claimed: bool) -> list[Exhibit]:
    """Return a wide, a tall and a square picture, whose claims are true or unknown."""
    return [
        exhibit(
            number,
            encoded(noise(number, *size)),
            width=size[0] * claimed,
            height=size[1] * claimed,
        )
        for number, size in enumerate((WIDE, TALL, SQUARE))
    ]


@pytest.mark.parametrize("claimed", [True, False])
@pytest.mark.parametrize(
    ("filters", "reason", "kept"),
    [
        ({"min_width": 100}, "too_small", {WIDE, SQUARE}),
        ({"max_width": 130}, "oversized", {TALL, SQUARE}),
        ({"min_height": 100}, "too_small", {TALL, SQUARE}),
        ({"max_height": 130}, "oversized", {WIDE, SQUARE}),
        ({"ratio": "16:9"}, "wrong_ratio", {WIDE}),
        ({"orientation": "landscape"}, "wrong_orientation", {WIDE}),
        ({"orientation": "portrait"}, "wrong_orientation", {TALL}),
        ({"min_megapixels": "0.0144"}, "too_small", {WIDE, TALL, SQUARE}),
        ({"min_megapixels": "0.01441"}, "too_small", set()),
    ],
)
def test_each_filter_rejects_images(
    crawl: Crawl, filters: dict[str, Any], reason: str, kept: set[tuple[int, int]], claimed: bool
) -> None:
    with StandIn(shown(claimed=claimed)) as standin:
        run = crawl(standin, **filters)
        asked = sum(path.startswith("/image/") for path in standin.asked)
    assert run.exit_status is ExitStatus.COMPLETE
    assert {(image["width"], image["height"]) for image in run.images()} == kept
    name = f"wallpapers/filtered/{reason}{'_by_claim' if claimed else ''}"
    assert run.stats.get(name, 0) == 3 - len(kept)
    assert asked == (len(kept) if claimed else 3)


def test_bytes_and_formats_are_checked_after_the_download(crawl: Crawl) -> None:
    small, large = exhibit(1), exhibit(2, encoded(noise(2, 400, 300), quality=100))
    png = exhibit(3, encoded(noise(3), "PNG"))
    with StandIn([small, large, png]) as standin:
        run = crawl(standin, max_bytes=20_000, formats="jpeg, webp")
    assert [image["size"] for image in run.images()] == [len(small.content())]
    assert run.stats["wallpapers/filtered/oversized"] == 1
    assert run.stats["wallpapers/filtered/unwanted_format"] == 1


def test_the_stricter_of_setting_and_argument_applies(crawl: Crawl) -> None:
    with StandIn(shown(claimed=True)) as standin:
        run = crawl(standin, {"IMAGES_MIN_WIDTH": 100}, min_width=10, min_height=100)
    assert [(image["width"], image["height"]) for image in run.images()] == [SQUARE]


@pytest.mark.parametrize(
    ("argument", "value", "allowed"),
    [
        ("ratio", "wide", "like 16:9"),
        ("ratio", "16:0", "like 16:9"),
        ("orientation", "upright", "one of landscape, portrait"),
        ("min_width", "-1", "a number 0 or more"),
        ("min_megapixels", "nan", "a number 0 or more, such as 8.3 or 5M"),
        ("formats", "JPEG,TIFF", "some of JPEG,"),
    ],
)
def test_an_invalid_filter_is_reported_before_the_first_request(
    crawl: Crawl, argument: str, value: str, allowed: str
) -> None:
    with StandIn(exhibits(1)) as standin:
        given: dict[str, Any] = {argument: value}
        with pytest.raises(ArgumentError, match=f"{argument} must be {allowed}"):
            crawl(standin, **given)
        assert standin.asked == []


_sides = st.integers(1, 20_000)


@given(_sides, _sides, _sides, _sides)
def test_a_ratio_has_a_tolerance_of_two_percent(
    width: int, height: int, wide: int, high: int
) -> None:
    why = ImageFilters(ratio=wide / high).find_mismatch(width, height)
    off = width * high / (height * wide)
    assert (why is None) == (abs(off - 1) <= 0.02)
    assert why is None or why[0] in REASONS


@given(_sides, _sides)
def test_an_image_matches_at_most_one_orientation(width: int, height: int) -> None:
    ways = [
        ImageFilters(orientation=way).find_mismatch(width, height)
        for way in ("landscape", "portrait")
    ]
    assert sum(why is None for why in ways) == (width != height)


class Candidates(StandIn):
    """Serves ``body`` as the first candidate of its second wallpaper, and an original behind it."""

    body = encoded(noise(77, 200, 200, "L"))

    def entry(self, exhibit: Exhibit) -> dict[str, Any]:
        entry = super().entry(exhibit)
        first = f"{self.origin}/image/pic/item/first.jpg"
        return {**entry, "downloadUrl": first} if exhibit is self.exhibits[-1] else entry

    async def _picture(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["name"] == "first.jpg":
            return await self.first(request)
        return await super()._picture(request)

    async def first(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=self.body, content_type="image/jpeg")


class HtmlBehindARedirect(Candidates):
    async def first(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(f"{self.origin}/sorry")

    def routes(self) -> list[web.RouteDef]:
        return [*super().routes(), web.get("/sorry", self._sorry)]

    async def _sorry(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>参数错误</html>", content_type="text/html")


def test_after_a_known_placeholder_the_next_candidate_is_tried(crawl: Crawl) -> None:
    known = {"WALLPAPERS_PLACEHOLDERS": [hashlib.sha512(Candidates.body).hexdigest()]}
    with Candidates(exhibits(2)) as standin:
        run = crawl(standin, known)
        assert run.exit_status is ExitStatus.COMPLETE
        assert all(image["width"] == 96 for image in run.images())


@pytest.mark.parametrize("fault", [Candidates, HtmlBehindARedirect])
def test_after_a_much_smaller_image_the_next_candidate_is_tried(
    crawl: Crawl, fault: type[StandIn]
) -> None:
    large = exhibit(9, encoded(noise(9, 1600, 900)), width=1600, height=900)
    with fault([exhibit(1), large]) as standin:
        run = crawl(standin)
    assert run.exit_status is ExitStatus.COMPLETE
    assert sorted(image["width"] for image in run.images()) == [96, 1600]


def test_a_wallpaper_with_only_a_placeholder_fails(crawl: Crawl) -> None:
    with StandIn([exhibit(1), exhibit(2, Candidates.body, width=1600, height=900)]) as standin:
        run = crawl(standin)
    assert run.exit_status is ExitStatus.FAILURES
    assert run.stats["wallpapers/failed/placeholder"] == 1
