"""Every image format is stored unchanged, whichever encoder made it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import Crawl
from tests.encoders import by_avifenc, by_cjpeg, by_cwebp, by_libvips
from tests.pictures import encoded, exhibit, noise
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn
from wallpapers.run.exit_status import ExitStatus


def corpus() -> Iterator[tuple[str, bytes]]:
    """Yield pictures of every allowed kind, made by Pillow, all of noisy content."""
    upright = Image.Exif()
    upright[0x0112] = 6
    frames = [noise(number) for number in range(3)]
    deep = noise(20, mode="L").convert("I;16").point(lambda level: level * 257)
    yield "baseline.jpg", encoded(noise(1), quality=90)
    yield "progressive.jpg", encoded(noise(2), progressive=True, quality=75)
    yield "optimised.jpg", encoded(noise(3), optimize=True, subsampling=0)
    yield "cmyk.jpg", encoded(noise(4, mode="CMYK"))
    yield "grey.jpg", encoded(noise(5, mode="L"))
    yield "rotated.jpg", encoded(noise(6), exif=upright, comment=b"kept")
    yield "icc.jpg", encoded(noise(7), icc_profile=b"\0" * 256)
    yield "restart.jpg", encoded(noise(8), restart_marker_blocks=4)
    yield "pair.mpo", encoded(frames[0], "MPO", save_all=True, append_images=frames[1:])
    yield "rgb.png", encoded(noise(9), "PNG")
    yield "alpha.png", encoded(noise(10, mode="RGBA"), "PNG")
    yield "grey-alpha.png", encoded(noise(11, mode="LA"), "PNG")
    yield "palette.png", encoded(noise(12).convert("P"), "PNG", transparency=3)
    yield "16bit.png", encoded(deep, "PNG")
    yield "1bit.png", encoded(noise(13).convert("1"), "PNG")
    yield "animated.png", encoded(frames[0], "PNG", save_all=True, append_images=frames[1:])
    yield "lossy.webp", encoded(noise(14), "WEBP")
    yield "lossless.webp", encoded(noise(15, mode="RGBA"), "WEBP", lossless=True)
    yield "animated.webp", encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    yield "still.gif", encoded(noise(16), "GIF")
    yield "animated.gif", encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    yield "still.avif", encoded(noise(17), "AVIF")
    yield "alpha.avif", encoded(noise(18, mode="RGBA"), "AVIF")
    yield "rgb.bmp", encoded(noise(19), "BMP")
    yield "palette.bmp", encoded(noise(21).convert("P"), "BMP")
    yield "tail.jpg", encoded(noise(22)) + b"PK\3\4" + bytes(5_000)


@pytest.mark.parametrize(
    "encode",
    [
        by_libvips,
        pytest.param(by_cjpeg, marks=pytest.mark.system("cjpeg", package="libjpeg-turbo-progs")),
        pytest.param(by_cwebp, marks=pytest.mark.system("cwebp", package="webp")),
        pytest.param(by_avifenc, marks=pytest.mark.system("avifenc", package="libavif-bin")),
    ],
)
def test_images_of_other_encoders_are_stored_byte_for_byte(
    crawl: Crawl, tmp_path: Path, encode: Callable[[Path], dict[str, bytes]]
) -> None:
    made = encode(tmp_path)
    with StandIn([exhibit(0, content, title=name) for name, content in made.items()]) as standin:
        run = crawl(standin, {"WALLPAPERS_CHECK": "decode"})
    assert run.exit_status is ExitStatus.COMPLETE
    assert {item["title"]: run.bytes_of(item["images"][0]) for item in run.items} == made
    for item in run.items:
        assert Path(item["images"][0]["path"]).suffix == Path(item["title"]).suffix


def of_corpus() -> list[Exhibit]:
    """Return the corpus as wallpapers."""
    return [exhibit(n, content, title=name) for n, (name, content) in enumerate(corpus())]


@pytest.mark.parametrize("check", ["structure", "decode"])
def test_every_format_is_stored_byte_for_byte(crawl: Crawl, check: str) -> None:
    """The stand-in calls each of them image/jpeg, under a name that ends with .jpg."""
    shown = of_corpus()
    with StandIn(shown) as standin:
        run = crawl(standin, {"WALLPAPERS_CHECK": check, "IMAGES_THUMBS": {"s": (32, 32)}})
    assert run.exit_status is ExitStatus.COMPLETE
    served = {shown.title: hashlib.sha256(shown.content()).hexdigest() for shown in shown}
    assert len(served) == 26
    stored = {
        item["title"]: hashlib.sha256(run.bytes_of(item["images"][0])).hexdigest()
        for item in run.items
    }
    assert stored == served
    kinds = {item["title"]: Path(item["images"][0]["path"]).suffix for item in run.items}
    expected = {".mpo": ".jpg"}
    for title, suffix in kinds.items():
        assert suffix == expected.get(Path(title).suffix, Path(title).suffix)


def test_the_size_is_the_one_that_is_displayed(crawl: Crawl) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    with StandIn([exhibit(1, encoded(noise(1), exif=exif))]) as standin:
        run = crawl(standin)
    assert [(image["width"], image["height"]) for image in run.images()] == [(64, 96)]
