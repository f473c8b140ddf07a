"""Complete images with unusual structures are stored; truncated ones and placeholders are not."""

from __future__ import annotations

import io
import random

import pytest
from PIL import Image

from tests.conftest import Crawl
from tests.pictures import encoded, exhibit, exhibits, noise
from tests.unit.test_orientation import XMP, jpeg_with
from tests.unit.test_second_opinion import (
    ANIMATED,
    BEFORE_FRAME,
    CHUNKS,
    EOI,
    GIF,
    JPEGS,
    long_webp,
    phone,
    pixels_first,
    with_chunk,
)
from wallpapers.demo.standin import StandIn
from wallpapers.run.exit_status import ExitStatus

ODD = {
    **{f"png {name}": with_chunk(encoded(noise(1), "PNG"), CHUNKS[name]) for name in CHUNKS},
    **{
        f"png {name} behind": with_chunk(encoded(noise(2), "PNG"), CHUNKS[name], behind=True)
        for name in CHUNKS
    },
    "png wrong crc of the end": encoded(noise(5), "PNG")[:-1] + b"\0",
    **{f"jpeg {name}": JPEGS[name].removesuffix(EOI) for name in JPEGS},
    "gif without trailer": GIF[:-1],
    "gif with nuls": ANIMATED.replace(BEFORE_FRAME, bytes(3) + BEFORE_FRAME),
    "webp of many frames": long_webp(2_100),
    "phone": phone(),
    "avif": pixels_first(encoded(noise(3), "AVIF")),
    "polyglot": encoded(noise(4)) + b"PK\3\4" + random.Random(1).randbytes(200_000),
}


@pytest.mark.parametrize(
    "settings",
    [{}, {"WALLPAPERS_CHECK": "decode", "IMAGES_THUMBS": {"s": (32, 32)}}],
    ids=["structure", "decode and thumbnails"],
)
def test_images_that_every_viewer_shows_are_stored_byte_for_byte(
    crawl: Crawl, settings: dict[str, object]
) -> None:
    shown = [exhibit(number, ODD[name], title=name) for number, name in enumerate(ODD)]
    with StandIn(shown) as standin:
        run = crawl(standin, settings)
    assert {item["title"] for item in run.items if item["images"]} == set(ODD)
    assert run.exit_status is ExitStatus.COMPLETE
    assert {item["title"]: run.bytes_of(item["images"][0]) for item in run.items} == ODD


def test_a_strict_check_refuses_doubtful_images(crawl: Crawl) -> None:
    names = ["gif without trailer", "jpeg baseline", "png wrong crc", "gif with nuls"]
    with StandIn([exhibit(number, ODD[name]) for number, name in enumerate(names)]) as standin:
        run = crawl(standin, {"WALLPAPERS_CHECK": "strict"})
    assert run.stats["wallpapers/failed/cut"] == 2
    assert run.stats["wallpapers/failed/broken"] == 1
    assert run.stats["wallpapers/stored"] == 1


def test_images_that_lack_pixels_are_cut(crawl: Crawl) -> None:
    lacking = [
        JPEGS["progressive"][:-40],
        JPEGS["restarts"][:-10],
        encoded(noise(1), "PNG")[:-400],
        ANIMATED[:-400],
        encoded(noise(2), "WEBP")[:-10],
        pixels_first(encoded(noise(3), "AVIF"))[:-10],
    ]
    shown = [exhibit(number, content) for number, content in enumerate(lacking)]
    with StandIn([*shown, exhibit(9)]) as standin:
        run = crawl(standin)
    assert run.stats["wallpapers/failed/cut"] == len(lacking)
    assert run.stats["wallpapers/stored"] == 1


def test_thumbnail_and_result_agree(crawl: Crawl) -> None:
    with StandIn([exhibit(1, jpeg_with(b"http://ns.adobe.com/xap/1.0/\0" + XMP))]) as standin:
        run = crawl(standin, {"IMAGES_THUMBS": {"s": (48, 48)}})
    assert [(image["width"], image["height"]) for image in run.images()] == [(96, 64)]
    (path,) = run.store.glob("thumbs/s/*/*/*.jpg")
    assert Image.open(io.BytesIO(path.read_bytes())).size == (48, 32)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(9) + b"\xff\xda\0\2" + EOI, "broken (JPEG: "),
        (b"II\xbc\1" + bytes(200), "format (starts with "),
        (b"\n\5\1\x08" + bytes(200), "format (starts with "),
        (b"P7\nWIDTH 96\nHEIGHT 64\n", "format (starts with "),
        (b"P6\r\n96 64\r\n255\r\n" + bytes(96 * 64 * 3), "format (starts with "),
        (b"BM" + bytes(12) + b"\x10\0\0\0" + bytes(200), "format (starts with "),
    ],
    ids=["no frame", "jpeg xr", "pcx", "pam", "ppm", "os/2"],
)
def test_the_log_line_shows_the_first_bytes(crawl: Crawl, content: bytes, line: str) -> None:
    with StandIn([*exhibits(1), exhibit(2, content)]) as standin:
        run = crawl(standin)
    (warning,) = run.warnings()
    assert line in warning
    assert "mmap" not in warning
