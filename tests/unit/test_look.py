"""What an image looks like: the same wherever and however often it is computed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from tests.pictures import encoded, noise
from wallpapers.demo import scenes
from wallpapers.images import colours, decoding, formats
from wallpapers.images.look import SIDE, Look, look

PROJECT = Path(__file__).parents[2]
LIMIT = 10**8

# What ImageHash 4.3.2 returns for scenes.draw(kind, number, 480, 270):
# numpy.packbits(imagehash.phash(picture, hash_size=16).hash)
IMAGEHASH = {
    "mountains": "de25a1f80683581c2bffa581583ca6bf39c0ec1f93fcb1013e5fe1a09fc0c60f",
    "dunes": "f38e8e717c63738e0a15b56a7b9646b5316ac85456b1238a995544623bbd99dc",
    "stars": "96d434d52591ed2449754b94ea247a6b0a92d2d27edcc733e9647f2d86a4b865",
    "aurora": "99f56e6b662a3308818899c5663b3f77919c6e636e6b933720c86d885e66a19b",
    "sea": "c738b8c7471eb8e3078e7e39afdc79c300c6f3885e38078cf873638c9c73c188",
    "lake": "c3871c38578f287820789fbc627f22c7d90ac3833cfcd341a0485fa75fbfa047",
    "forest": "9f5bb0b44f4a161568e4d35b3585887a4505b7e15a1ac9ade6501c835edde177",
    "snow": "c79f532464ded323bcd198637cc120557faac217c52c1eda651573fa96234871",
}


def look_at(data: bytes, **sizes: tuple[int, int]) -> Look:
    """Return the look of a file, as an inspector computes it."""
    kind = formats.sniff(data)
    decoded = decoding.decode(data, kind, sizes, whole=False, max_pixels=LIMIT, with_look=True)
    assert decoded.look is not None
    assert decoded.thumbs.keys() == sizes.keys()
    return decoded.look


@pytest.mark.parametrize("number", range(len(scenes.KINDS)))
def test_the_fingerprint_is_that_of_imagehash(number: int) -> None:
    kind = scenes.KINDS[number]
    assert look(scenes.draw(kind, number, 480, 270)).fingerprint.hex() == IMAGEHASH[kind]


def test_thumbnails_of_any_size_do_not_change_the_look() -> None:
    data = encoded(scenes.draw("lake", 1, 1600, 900))
    looks = {look_at(data), look_at(data, small=(100, 100)), look_at(data, large=(5000, 5000))}
    assert len(looks) == 1


def test_a_file_looks_like_what_it_displays() -> None:
    picture = scenes.draw("dunes", 3, 320, 180)
    upright = look(picture)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be rotated
    rotated = encoded(picture.transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif)
    assert look_at(rotated) == upright
    transparent = picture.convert("RGBA")
    transparent.putalpha(0)
    assert look_at(encoded(transparent, "PNG")) == look(Image.new("RGB", picture.size, "white"))


def test_a_very_large_image_is_reduced_first() -> None:
    picture = noise(1, 4 * SIDE, 40)
    reduced = look(picture.reduce(2))
    assert look_at(encoded(picture, "PNG")) == reduced
    assert look(picture) != reduced


@pytest.mark.parametrize("size", [(32, 32), (33, 3000), (3000, 33)])
def test_images_of_any_shape_have_a_look(size: tuple[int, int]) -> None:
    seen = look(noise(5, *size))
    assert seen.detail > 0
    assert not seen.plain


@pytest.mark.parametrize("colour", ["black", "white", "#808080", "navy"])
def test_an_image_of_one_colour_is_plain(colour: str) -> None:
    seen = look(Image.new("RGB", (640, 360), colour))
    assert seen.plain
    assert seen.detail == 0
    (swatch,) = seen.palette
    assert swatch.share == 1
    assert look(scenes.draw("snow", 1, 640, 360)).plain is False


def test_lightness_contrast_and_colourfulness_are_those_of_oklab() -> None:
    black, white = (look(Image.new("RGB", (64, 64), name)) for name in ("black", "white"))
    assert (black.lightness, white.lightness) == (0, 100)
    assert (black.contrast, black.colourfulness) == (0, 0)
    half = Image.new("RGB", (64, 64), "white")
    half.paste("black", (0, 0, 32, 64))
    assert look(half).contrast == pytest.approx(50)
    picture = scenes.draw("lake", 1, 320, 180)
    assert look(ImageOps.grayscale(picture).convert("RGB")).colourfulness < 0.1
    assert look(picture).colourfulness > 1


def test_hex_colours_are_converted_to_oklab() -> None:
    # The last is from https://bottosson.github.io/posts/oklab/, by way of CSS Color 4.
    assert colours.hex_to_oklab("#fff") == pytest.approx((1, 0, 0), abs=1e-4)
    assert colours.hex_to_oklab("000000") == pytest.approx((0, 0, 0), abs=1e-4)
    assert colours.hex_to_oklab("#ff0000") == pytest.approx((0.628, 0.2249, 0.1258), abs=1e-3)
    for wrong in ("", "#12", "red", "#12345g", "#1234567", "#١٢٣"):
        with pytest.raises(ValueError, match=r".*"):
            colours.hex_to_oklab(wrong)


def test_the_palette_has_the_colours_of_the_image_by_share() -> None:
    picture = Image.new("RGB", (100, 100), "#102030")
    picture.paste("#e0a040", (0, 0, 100, 30))
    picture.paste("#ffffff", (0, 0, 10, 10))
    shares = {swatch.hex: swatch.share for swatch in look(picture).palette}
    assert list(shares)[:2] == ["#102030", "#e0a040"]
    assert sum(shares.values()) == pytest.approx(1, abs=0.01)
    colourful = look(scenes.draw("aurora", 2, 320, 180)).palette
    assert len(colourful) == 6
    assert [swatch.share for swatch in colourful] == sorted(
        (swatch.share for swatch in colourful), reverse=True
    )


def test_an_enlarged_copy_is_recognized_as_perhaps_enlarged() -> None:
    picture = scenes.draw("forest", 3, 960, 540)
    assert not look(picture).perhaps_enlarged
    assert look(picture.resize((2880, 1620), Image.Resampling.BICUBIC)).perhaps_enlarged


def test_a_crawl_without_looks_does_not_import_numpy() -> None:
    program = "import sys, wallpapers.images.look, wallpapers.inspection.worker\n"
    program += "assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=PROJECT)
