"""What wants to take all memory is refused before it has it."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web

from tests.e2e.command import FAST, measured
from tests.pictures import exhibits
from tests.standin import listing_faults, picture_faults
from tests.standin.transfer_faults import large_jpeg
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn

pytestmark = pytest.mark.slow

LIMIT_MB = 300
LARGE_MB = 160
KNOWN_MB = 150


class LargeAndCut(StandIn):
    """Serves large pictures that end early."""

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        return web.Response(body=CUT, content_type="image/jpeg")


CUT = large_jpeg(8)[:-5_000]


def test_refused_pictures_leave_nothing_in_memory(tmp_path: Path) -> None:
    with LargeAndCut(exhibits(60)) as standin:
        result = measured(
            *("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}"),
            *("-s", f"IMAGES_STORE={tmp_path}", *FAST),
        )
    assert result.status == 3
    assert result.log.count("failed cut") == 60
    assert result.peak_mb < 160


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (picture_faults.PictureOfTooManyPixels, 3),
        (picture_faults.GzipBomb, 3),
        (picture_faults.EndlessPicture, 3),
        (listing_faults.DeepJson, 4),
        (listing_faults.HugeListing, 4),
        (listing_faults.InflatingListing, 4),
    ],
)
def test_peak_memory_under_attack(tmp_path: Path, fault: type[StandIn], status: int) -> None:
    with fault(exhibits(3)) as standin:
        result = measured(
            *("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}"),
            *("-s", f"IMAGES_STORE={tmp_path}", *FAST),
        )
    assert result.status == status
    assert result.peak_mb < LIMIT_MB


def test_a_thousand_known_wallpapers_cost_no_request_and_little_memory(tmp_path: Path) -> None:
    words = ("crawl", "baidu_wallpaper", "-s", f"IMAGES_STORE={tmp_path}", *FAST)
    with StandIn(exhibits(1_000)) as standin:
        endpoint = ("-a", f"endpoint={standin.endpoint}")
        assert measured(*words, *endpoint).status == 0
        standin.asked.clear()
        again = measured(*words, *endpoint)
        assert not any(path.startswith("/image/") for path in standin.asked)
    assert again.status == 0
    assert " known        1,000\n" in again.log
    assert again.peak_mb < KNOWN_MB


def test_large_pictures_take_a_buffer_each(tmp_path: Path) -> None:
    with LargePictures(exhibits(64)) as standin:
        result = measured(
            *("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}"),
            *("-s", f"IMAGES_STORE={tmp_path}", "-s", "CONCURRENT_REQUESTS_PER_DOMAIN=32", *FAST),
        )
    assert result.status == 0
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.jpg")) > 64 * 15_000_000
    assert result.peak_mb < LARGE_MB


class LargePictures(StandIn):
    """Serves one picture of 16 MB under many names, each made different by a comment."""

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        name = exhibit.id.encode()
        comment = b"\xff\xfe" + (len(name) + 2).to_bytes(2, "big") + name
        return web.Response(body=LARGE[:2] + comment + LARGE[2:], content_type="image/jpeg")


LARGE = large_jpeg(16)
