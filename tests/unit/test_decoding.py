"""Images are recognized, measured and checked by their bytes, and refused with a reason."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.lacking_pixels import webp_with_half_its_data
from tests.pictures import encoded, noise
from wallpapers.errors import PictureRefusedError
from wallpapers.images import decoding, formats

LIMIT = 100_000_000
WHOLE = {
    "jpeg": encoded(noise(1)),
    "progressive": encoded(noise(2), progressive=True),
    "cmyk": encoded(noise(3, mode="CMYK")),
    "grey": encoded(noise(4, mode="L")),
    "mpo": encoded(noise(5), "MPO", save_all=True, append_images=[noise(6)]),
    "png": encoded(noise(7), "PNG"),
    "alpha": encoded(noise(8, mode="RGBA"), "PNG"),
    "palette": encoded(noise(9).convert("P"), "PNG"),
    "webp": encoded(noise(10), "WEBP"),
    "webp lossless alpha": encoded(noise(11, mode="RGBA"), "WEBP", lossless=True),
    "gif": encoded(noise(12), "GIF"),
    "animated gif": encoded(noise(13), "GIF", save_all=True, append_images=[noise(14), noise(15)]),
    "animated webp": encoded(noise(16), "WEBP", save_all=True, append_images=[noise(17)]),
    "avif": encoded(noise(18), "AVIF"),
    "bmp": encoded(noise(19), "BMP"),
    "bmp 8 bit": encoded(noise(20).convert("P"), "BMP"),
}
FORMATS = {"jpeg": "JPEG", "progressive": "JPEG", "cmyk": "JPEG", "grey": "JPEG", "mpo": "JPEG"}


@pytest.mark.parametrize("name", WHOLE)
def test_format_and_size_are_read_from_the_bytes(name: str) -> None:
    data = WHOLE[name]
    picture = decoding.examine(data, max_pixels=LIMIT)
    expected = FORMATS.get(name) or next(
        kind for kind in formats.EXTENSIONS if kind.lower() in (*name.split(), _png(name))
    )
    assert picture == formats.Picture(expected, 96, 64)
    decoding.check_structure(data, picture.format)
    assert not decoding.decode(data, picture.format, {}, whole=True, max_pixels=LIMIT).thumbs


def _png(name: str) -> str:
    return "png" if name in ("alpha", "palette") else ""


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_truncated_image_is_refused(name: str, share: float) -> None:
    data = WHOLE[name]
    if name == "mpo":  # only its first picture counts
        data = data[: data.index(b"\xff\xd9") + 2]
    assert reason_of(data[: int(len(data) * share)]) in ("cut", "not_an_image")


@pytest.mark.parametrize("name", WHOLE)
def test_bytes_after_the_end_are_ignored(name: str) -> None:
    assert reason_of(WHOLE[name] + b"tail" * 64) is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "not_an_image"),
        (b'{"error": 404}', "not_an_image"),
        (b"\0" * 4096, "not_an_image"),
        (b"\xff\xd8", "not_an_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", "format"),
        (b"<?xml version='1.0'?>\n<!-- x -->\n<svg/>", "format"),
        (encoded(noise(1), "TIFF"), "format"),
        (encoded(noise(1), "ICO"), "format"),
        (encoded(noise(1), "JPEG2000"), "format"),
        (encoded(noise(1), "PPM"), "format"),
        (b"<!---->" * 150 + b"x", "not_an_image"),  # once a pattern took exponential time for it
        (b"<?xml version='1.0'?><html></html>", "not_an_image"),
        (b"8BPS\0\1" + b"\0" * 64, "format"),
        (b"II\xbc\1" + b"\0" * 64, "format"),  # JPEG XR
        (encoded(noise(1), "PCX"), "format"),
        (b"P7\nWIDTH 96\nHEIGHT 64\nDEPTH 3\n", "format"),
        (encoded(noise(1), "PPM").replace(b"\n", b"\r\n", 2), "format"),
        (b"P5 # made by hand\n96 64 255\n", "format"),
        (b"BM" + bytes(12) + b"\x10\0\0\0" + bytes(64), "format"),  # OS/2, without all its fields
        (b"BA" + bytes(12) + b"BM" + bytes(12) + b"\x40\0\0\0" + bytes(64), "format"),
        (b"P1 is not a picture", "not_an_image"),
        (b"\n\n<!DOCTYPE html>", "not_an_image"),
        (b"%PDF-1.7\n", "format"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 64, "format"),
        (encoded(noise(1, 31, 64), "PNG"), "too_tiny"),
        (encoded(noise(1, 1, 1), "GIF"), "too_tiny"),
        (WHOLE["png"][:60] + b"\0\0\0\0" + WHOLE["png"][64:], "broken"),
        (b"GIF89a" + b"\x60\0\x40\0\0\0\0" + b"\x99" * 64, "broken"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0" + b"\0" * 9 + b"\xff\xd9", "broken"),
    ],
    ids=lambda value: repr(value)[:24] if isinstance(value, bytes) else None,
)
def test_other_files_are_refused_with_a_reason(data: bytes, reason: str) -> None:
    assert reason_of(data) == reason


def png_header(width: int, height: int) -> bytes:
    """Return a PNG that claims a size and holds no pixel."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0")),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )


@pytest.mark.parametrize(
    ("width", "height"), [(10_001, 10_000), (13_300, 13_300), (60_000, 60_000), (2**31 - 1, 32)]
)
def test_too_many_pixels_are_refused_from_the_header(width: int, height: int) -> None:
    assert reason_of(png_header(width, height)) == "too_many_pixels"


def test_the_limit_itself_is_allowed() -> None:
    gif = encoded(noise(1), "GIF")
    large = gif[:6] + struct.pack("<HH", 10_000, 10_000) + gif[10:]
    assert decoding.examine(large, max_pixels=LIMIT).width == 10_000


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize(
    ("orientation", "size"), [(1, (96, 64)), (3, (96, 64)), (6, (64, 96)), (8, (64, 96))]
)
def test_the_size_is_the_one_that_is_displayed(
    kind: str, orientation: int, size: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(noise(1), kind, exif=exif)
    picture = decoding.examine(data, max_pixels=LIMIT)
    assert (picture.width, picture.height) == size


def test_damaged_exif_is_ignored() -> None:
    data = encoded(noise(1), exif=b"Exif\0\0MM\0*\0\0\xff\xff\xff\xff\xff")
    assert reason_of(data) is None


def test_complete_decoding_finds_damage_that_the_structure_check_misses() -> None:
    half = webp_with_half_its_data(WHOLE["webp"])
    decoding.check_structure(half, "WEBP")
    with pytest.raises(PictureRefusedError, match="broken"):
        decoding.decode(half, "WEBP", {}, whole=True, max_pixels=LIMIT)


@pytest.mark.parametrize("name", WHOLE)
def test_a_thumbnail_is_an_upright_jpeg_within_its_size(name: str) -> None:
    sizes = {"wide": (48, 12), "tall": (12, 48), "larger": (500, 500)}
    kind = FORMATS.get(name) or _kind(name)
    made = decoding.decode(WHOLE[name], kind, sizes, whole=False, max_pixels=LIMIT).thumbs
    opened = {key: Image.open(io.BytesIO(data)) for key, data in made.items()}
    assert {key: image.size for key, image in opened.items()} == {
        "wide": (18, 12),
        "tall": (12, 8),
        "larger": (96, 64),
    }
    assert {(image.format, image.mode) for image in opened.values()} == {("JPEG", "RGB")}


def _kind(name: str) -> str:
    return formats.sniff(WHOLE[name])


def test_a_thumbnail_shows_transparency_as_white_and_16_bit_grey_as_grey() -> None:
    clear = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    grey = Image.new("I;16", (64, 64), 0x8000)
    for image, level in ((clear, 255), (grey, 128)):
        png, sizes = encoded(image, "PNG"), {"a": (32, 32)}
        made = decoding.decode(png, "PNG", sizes, whole=False, max_pixels=LIMIT).thumbs
        levels = Image.open(io.BytesIO(made["a"])).tobytes()
        assert level - 2 <= min(levels) <= max(levels) <= level + 2


@pytest.mark.parametrize("kind", ["WEBP", "AVIF", "JPEG"])
def test_the_memory_of_a_decoder_is_estimated_before_it_is_allocated(kind: str) -> None:
    options = {"progressive": True} if kind == "JPEG" else {}
    data, sizes = encoded(noise(1), kind, **options), {"a": (32, 32)}
    with pytest.raises(MemoryError):
        decoding.decode(data, kind, sizes, whole=False, max_pixels=LIMIT, memory=96 * 64 * 2)


def test_an_image_above_the_memory_limit_still_has_format_and_size() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for options in ({"exif": exif}, {"lossless": True}, {}):
        data = encoded(noise(1), "WEBP", **options)
        picture = decoding.examine(data, max_pixels=LIMIT, memory=1)
        assert picture == decoding.examine(data, max_pixels=LIMIT)
        assert formats.read_header(data[:100]) == formats.Picture("WEBP", 96, 64)


def test_the_message_of_the_decoder_is_kept() -> None:
    twelve_bits = WHOLE["jpeg"].replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c")
    with pytest.raises(
        PictureRefusedError, match=r"^broken \(JPEG: cannot handle 12-bit layers\)$"
    ):
        decoding.examine(twelve_bits, max_pixels=LIMIT)


def gif(screen: bytes, blocks: bytes) -> bytes:
    """Return a GIF of extension blocks only."""
    return b"GIF89a" + screen + b"\0\0\0" + blocks + b";"


@pytest.mark.parametrize(
    "hostile",
    [
        b"\xff\xd8" + b"\xff\xe1\0\x0aExif\0\0ab" * 400_000 + b"\xff\xd9",
        b"\xff\xd8" + b"\xff\xfe\0\2" * 1_000_000 + b"\xff\xd9",
        gif(b"\x60\0\x40\0", b"\x21\xfe" + b"\1a" * 2_000_000 + b"\0"),
        b"\x89PNG\r\n\x1a\n" + (b"\0\0\0\0aaAa" + zlib.crc32(b"aaAa").to_bytes(4, "big")) * 300_000,
    ],
    ids=["exif", "comments", "gif blocks", "png chunks"],
)
def test_more_segments_than_any_encoder_writes_are_refused(hostile: bytes) -> None:
    """Decoders take minutes, or gigabytes, over these."""
    assert reason_of(hostile) == "broken"


@settings(max_examples=200)
@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_damaged_bytes_raise_only_picture_refused_error(name: str, data: st.DataObject) -> None:
    damaged = bytearray(WHOLE[name])
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    reason_of(bytes(damaged))


def reason_of(data: bytes) -> str | None:
    """Return why *data* is refused, or None where it is not."""
    try:
        decoding.examine(data, max_pixels=LIMIT)
    except PictureRefusedError as refusal:
        return refusal.reason
    return None
