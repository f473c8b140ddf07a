"""An image that lacks pixels is not stored, although the structure of its file is complete."""

from __future__ import annotations

import pytest

from tests.conftest import Crawl
from tests.lacking_pixels import (
    apng_with_rows,
    avif_with_half_its_data,
    closed_jpeg,
    gif_with_size,
    jpeg_with_size,
    png_with_half_its_data,
    png_with_rows,
    webp_with_half_its_data,
)
from tests.pictures import encoded, exhibit, noise
from tests.unit.test_second_opinion import JPEGS
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.standin import StandIn
from wallpapers.run.exit_status import ExitStatus

PNG = encoded(noise(1), "PNG")
PNGS = [
    png_with_half_its_data(PNG),
    png_with_rows(PNG, lambda rows: rows[: len(rows) // 2]),
]
ANIMATED_PNG = encoded(noise(5), "PNG", save_all=True, append_images=[noise(6), noise(7)])
TRUNCATED_JPEGS = [closed_jpeg(jpeg) for jpeg in JPEGS.values()]
TOO_LARGE_JPEGS = [jpeg_with_size(jpeg, 96, 128) for jpeg in JPEGS.values()]
GIF = gif_with_size(encoded(noise(2), "GIF"), 96, 128)
WEBP = webp_with_half_its_data(encoded(noise(3), "WEBP"))
AVIF = avif_with_half_its_data(encoded(noise(4), "AVIF"))


@pytest.mark.parametrize("check", ["decode", "strict"])
def test_decoding_finds_missing_pixels_in_every_format(crawl: Crawl, check: str) -> None:
    cut = [*PNGS, *TRUNCATED_JPEGS, *TOO_LARGE_JPEGS, GIF]
    with StandIn([exhibit(n, data) for n, data in enumerate([*cut, WEBP, AVIF])]) as standin:
        run = crawl(standin, {"WALLPAPERS_CHECK": check})
    assert run.stats["wallpapers/failed/cut"] == len(cut)
    assert run.stats["wallpapers/failed/broken"] == 2  # their decoders do not name the cause
    assert run.exit_status is ExitStatus.FAILURES
    assert not run.images()


def test_the_headers_of_a_jpeg_show_that_restart_markers_or_scans_are_missing(crawl: Crawl) -> None:
    names = ["restarts", "progressive", "progressive with restarts"]
    cut = [closed_jpeg(JPEGS[name]) for name in names]
    shown = [*cut, *(JPEGS[name] for name in names)]
    with StandIn([exhibit(n, data) for n, data in enumerate(shown)]) as standin:
        run = crawl(standin)
    assert run.stats["wallpapers/failed/cut"] == len(cut)
    assert run.stats["wallpapers/stored"] == len(names)


def test_without_decoding_other_missing_pixels_are_found_in_a_png_only(crawl: Crawl) -> None:
    shown = [*PNGS, TRUNCATED_JPEGS[0], TOO_LARGE_JPEGS[0], GIF]
    with StandIn([exhibit(n, data) for n, data in enumerate(shown)]) as standin:
        run = crawl(standin)
    assert run.stats["wallpapers/failed/cut"] == len(PNGS)
    assert run.stats["wallpapers/stored"] == 3


def test_rows_of_a_frame_of_an_animated_png_are_counted(crawl: Crawl) -> None:
    cut = [apng_with_rows(ANIMATED_PNG, frame, lambda rows: rows[:4_000]) for frame in (1, 2)]
    with StandIn([exhibit(n, data) for n, data in enumerate([*cut, ANIMATED_PNG])]) as standin:
        run = crawl(standin)
    assert run.stats["wallpapers/failed/cut"] == len(cut)
    assert run.stats["wallpapers/stored"] == 1


def test_thumbnails_find_missing_pixels_too(crawl: Crawl) -> None:
    shown = [*PNGS, TRUNCATED_JPEGS[0], TOO_LARGE_JPEGS[0], GIF]
    with StandIn([exhibit(n, data) for n, data in enumerate(shown)]) as standin:
        run = crawl(standin, {"IMAGES_THUMBS": {"small": (32, 32)}})
    assert run.stats["wallpapers/failed/cut"] == len(shown)


def test_a_file_in_the_store_that_would_take_too_much_memory_is_fetched_again(crawl: Crawl) -> None:
    """It has no row, and its headers claim pixels that its scans do not have."""
    truncated = closed_jpeg(encoded(noise(8), progressive=True, subsampling=0))
    with StandIn([exhibit(1)]) as standin:
        (image,) = crawl(standin).images()
        (crawl.store / FILE_NAME).unlink()
        (crawl.store / image["path"]).write_bytes(jpeg_with_size(truncated, 9_900, 9_900))
        run = crawl(standin)
    assert run.stats["wallpapers/stored"] == 1
