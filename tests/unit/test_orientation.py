"""Result and thumbnail have the orientation that browsers show."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image, ImageChops, ImageOps, ImageStat

from tests.lacking_pixels import chunk
from tests.pictures import encoded, noise
from tests.unit.test_second_opinion import with_chunk
from wallpapers.images import decoding

LIMIT = 100_000_000
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def shown(data: bytes) -> tuple[tuple[int, int], Image.Image]:
    """Return the size of the result, and the thumbnail."""
    picture = decoding.examine(data, max_pixels=LIMIT)
    made = decoding.decode(
        data, picture.format, {"s": (48, 48)}, whole=False, max_pixels=LIMIT
    ).thumbs
    return (picture.width, picture.height), Image.open(io.BytesIO(made["s"]))


def is_like(one: Image.Image, other: Image.Image) -> bool:
    if one.size != other.size:
        return False
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean) < 20


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_thumbnails_have_the_orientation_of_the_result(kind: str, orientation: int) -> None:
    upright = noise(1, 192, 128)
    size, thumbnail = shown(encoded(upright, kind, exif=turned(orientation)))
    marked = upright.copy()
    marked.getexif()[0x0112] = orientation
    expected = ImageOps.exif_transpose(marked)
    assert size == expected.size
    expected.thumbnail((48, 48))
    assert is_like(thumbnail, expected)


def jpeg_with(*segments: bytes) -> bytes:
    data = encoded(noise(1))
    parts = [b"\xff\xe1" + struct.pack(">H", len(part) + 2) + part for part in segments]
    return data[:2] + b"".join(parts) + data[2:]


@pytest.mark.parametrize(
    "data",
    [
        jpeg_with(b"http://ns.adobe.com/xap/1.0/\0" + XMP),
        encoded(noise(1), "PNG", exif=b""),
        with_chunk(encoded(noise(1), "PNG"), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)),
        with_chunk(encoded(noise(1), "PNG"), chunk(b"eXIf", turned(6).tobytes()[6:]), behind=True),
        encoded(noise(1), "WEBP", xmp=XMP),
        encoded(noise(1), "AVIF", xmp=XMP),
        jpeg_with(turned(9).tobytes()),
        jpeg_with(turned(6).tobytes()[:-8]),
    ],
    ids=["xmp", "none", "png xmp", "behind", "webp xmp", "avif xmp", "no such turn", "damaged"],
)
def test_orientations_that_browsers_ignore_have_no_effect(data: bytes) -> None:
    size, thumbnail = shown(data)
    assert size == (96, 64)
    assert thumbnail.size == (48, 32)


def test_the_first_exif_with_an_orientation_counts() -> None:
    data = jpeg_with(b"Exif\0\0MM\0*\0\0\xff\xff", turned(6).tobytes(), turned(1).tobytes())
    size, thumbnail = shown(data)
    assert size == (64, 96)
    assert thumbnail.size == (32, 48)
