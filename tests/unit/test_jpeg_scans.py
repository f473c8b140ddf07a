"""A JPEG that was truncated and closed again is cut; one that only looks like it is stored."""

from __future__ import annotations

import random
from typing import Any

import pytest
from PIL import Image

from tests.lacking_pixels import closed_jpeg, jpeg_with_size
from tests.pictures import encoded, noise
from tests.unit.test_second_opinion import JPEGS
from wallpapers.errors import PictureRefusedError
from wallpapers.images import decoding

LIMIT = 100_000_000
SIZES = {"nothing": {}, "small": {"s": (32, 32)}, "large": {"l": (500, 500)}}
OPTIONS: list[dict[str, Any]] = [
    {"quality": 30},
    {"progressive": True},
    {"restart_marker_blocks": 3},
    {"progressive": True, "restart_marker_rows": 1, "subsampling": 0},
    {"optimize": True, "subsampling": 1},
]


def reason_of(data: bytes, sizes: dict[str, tuple[int, int]], *, whole: bool = True) -> str | None:
    """Return why *data* is refused, or None."""
    try:
        decoding.examine(data, max_pixels=LIMIT)
        decoding.decode(data, "JPEG", sizes, whole=whole, max_pixels=LIMIT)
    except PictureRefusedError as refusal:
        return refusal.reason
    return None


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("name", JPEGS)
def test_scans_that_end_early_are_cut(name: str, sizes: str) -> None:
    jpeg = JPEGS[name]
    assert reason_of(jpeg, SIZES[sizes]) is None
    for share in (0.1, 0.5, 0.9):
        assert reason_of(closed_jpeg(jpeg, share), SIZES[sizes]) == "cut", share


@pytest.mark.parametrize("name", JPEGS)
def test_a_header_that_claims_more_than_the_scans_hold_is_cut(name: str) -> None:
    for size in [(96, 200), (200, 64), (128, 128)]:
        assert reason_of(jpeg_with_size(JPEGS[name], *size), {}) == "cut", size


def test_thumbnails_show_that_blocks_are_missing() -> None:
    for name in ("baseline", "restarts", "grey", "cmyk"):
        cut = closed_jpeg(JPEGS[name])
        assert reason_of(cut, SIZES["small"], whole=False) == "cut", name


@pytest.mark.parametrize("name", ["restarts", "progressive", "progressive with restarts"])
def test_headers_show_without_decoding_that_scans_end_early(name: str) -> None:
    for share in (0.1, 0.4, 0.6):
        assert reason_of(closed_jpeg(JPEGS[name], share), {}, whole=False) == "cut", share


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_complete_images_that_end_in_grey_are_accepted(mode: str, options: dict[str, Any]) -> None:
    if mode == "L":
        options = {key: value for key, value in options.items() if key != "subsampling"}
    sizes = random.Random(mode)
    for number in range(5):
        width, height = sizes.randrange(32, 200), sizes.randrange(32, 200)
        picture = noise(number, width, height, mode)
        level = 127 if mode == "CMYK" else 128
        grey = Image.new(mode, (width, 24), (level,) * len(picture.getbands()))
        picture.paste(grey, (0, height - 24))
        assert reason_of(encoded(picture, **options), {}) is None, (width, height)
        assert reason_of(encoded(picture, **options), SIZES["small"]) is None, (width, height)


def test_bytes_behind_the_scans_are_ignored() -> None:
    for jpeg in JPEGS.values():
        assert reason_of(jpeg[:-2] + b"\xff\xff\xff\xd9" + closed_jpeg(jpeg), {}) is None
