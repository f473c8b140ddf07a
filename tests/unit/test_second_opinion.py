"""Images that every viewer shows completely are accepted, whatever is wrong with the file."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable

import pytest
from PIL import Image

from tests.lacking_pixels import chunk
from tests.pictures import encoded, noise
from wallpapers.errors import PictureRefusedError
from wallpapers.images import decoding

LIMIT = 100_000_000
EOI = b"\xff\xd9"
JPEGS = {
    "baseline": encoded(noise(1)),
    "odd size": encoded(noise(2, 97, 61)),
    "progressive": encoded(noise(3), progressive=True),
    "restarts": encoded(noise(4), restart_marker_blocks=2),
    "progressive with restarts": encoded(noise(5), progressive=True, restart_marker_blocks=2),
    "cmyk": encoded(noise(6, mode="CMYK"), subsampling=0),
    "grey": encoded(noise(7, mode="L")),
}


def reason_of(data: bytes, check: str = "structure") -> str | None:
    """Return why *data* is refused, or None; what is accepted has thumbnails and decodes whole."""
    try:
        picture = decoding.examine(data, max_pixels=LIMIT, check=check)
        sizes = {"small": (48, 48)}
        assert decoding.decode(data, picture.format, sizes, whole=True, max_pixels=LIMIT).thumbs
    except PictureRefusedError as refusal:
        return refusal.reason
    return None


def with_chunk(png: bytes, extra: bytes, *, behind: bool = False) -> bytes:
    """Insert *extra* before the first IDAT, or behind the last."""
    at = png.index(b"IEND" if behind else b"IDAT") - 4
    return png[:at] + extra + png[at:]


LARGE = zlib.compress(bytes(range(256)) * 8_000)
CHUNKS = {
    "profile": chunk(b"iCCP", b"printer\0\0" + LARGE),
    "xmp": chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + LARGE),
    "text": chunk(b"zTXt", b"Raw profile type exif\0\0" + LARGE),
    "wrong crc": chunk(b"tEXt", b"Title\0x")[:-1] + b"\0",
    "wrong crc of transparency": chunk(b"tRNS", bytes(6))[:-1] + b"\0",
}


@pytest.mark.parametrize("name", CHUNKS)
@pytest.mark.parametrize("behind", [False, True])
def test_damaged_chunks_beside_the_pixels_of_a_png_are_ignored(name: str, behind: bool) -> None:
    png = with_chunk(encoded(noise(1), "PNG"), CHUNKS[name], behind=behind)
    assert reason_of(png) is None
    assert reason_of(png, "strict") == ("broken" if "wrong" in name else None)


GIF = encoded(noise(2), "GIF")
ANIMATED = encoded(noise(3), "GIF", save_all=True, append_images=[noise(4), noise(5)], duration=100)
BEFORE_FRAME = b"\x21\xf9\4"


@pytest.mark.parametrize("gif", [GIF, ANIMATED], ids=["still", "animated"])
@pytest.mark.parametrize(
    "change",
    [
        lambda gif: gif[:-1],
        lambda gif: gif[:-1] + bytes(3),
        lambda gif: gif[:-1] + bytes(3) + b";",
        lambda gif: gif[:-2],  # the end of the last block, too
        lambda gif: gif[:-1] + b"\x21\xfe\5com",
    ],
    ids=["no trailer", "nuls", "nuls and trailer", "no terminator", "half comment"],
)
def test_a_gif_with_complete_frames_is_accepted(
    gif: bytes, change: Callable[[bytes], bytes]
) -> None:
    assert reason_of(change(gif)) is None


def test_nuls_between_the_blocks_of_a_gif_are_skipped() -> None:
    assert ANIMATED.count(BEFORE_FRAME) == 3
    padded = ANIMATED.replace(BEFORE_FRAME, bytes(3) + BEFORE_FRAME)
    assert reason_of(padded) is None
    assert reason_of(padded, "strict") is None


def test_the_structure_decides_if_the_check_is_strict() -> None:
    assert reason_of(GIF[:-1], "strict") == "cut"
    assert reason_of(GIF[:-1] + b"\0;", "strict") is None
    assert reason_of(JPEGS["baseline"][:-2], "strict") == "cut"


def test_a_gif_with_half_a_frame_is_cut() -> None:
    last = ANIMATED.rindex(BEFORE_FRAME)
    for end in range(last + 1, len(ANIMATED) - 3):
        assert reason_of(ANIMATED[:end]) == "cut", end
    assert reason_of(ANIMATED[:last]) is None  # two whole frames


@pytest.mark.parametrize("name", JPEGS)
@pytest.mark.parametrize("behind", [b"", b"\xff", b"\0\0\0", b"<html></html>"])
def test_a_jpeg_that_lacks_only_eoi_is_accepted(name: str, behind: bytes) -> None:
    assert reason_of(JPEGS[name].removesuffix(EOI) + behind) is None


@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_that_lacks_bits_of_its_scans_is_cut(name: str) -> None:
    data = JPEGS[name].removesuffix(EOI)
    first_scan = data.index(b"\xff\xda")
    for missing in (*range(1, 40), *range(40, len(data) - first_scan - 20, 23)):
        assert reason_of(data[:-missing]) == "cut", missing


@pytest.mark.parametrize("name", ["restarts", "progressive with restarts", "progressive"])
def test_a_jpeg_that_lacks_intervals_or_scans_is_cut(name: str) -> None:
    """It ends where a part of it does: no bit is missing there."""
    data = JPEGS[name]
    first_scan = data.index(b"\xff\xda")
    ends = [found.start() for found in re.finditer(rb"\xff[\xd0-\xd7\xda\xc4]", data)]
    for end in ends:
        if end > first_scan:
            assert reason_of(data[:end]) == "cut", end
            assert reason_of(data[: end + 2]) == "cut", end


def test_a_png_that_lacks_only_its_end_is_accepted() -> None:
    png = encoded(noise(8), "PNG")
    assert reason_of(png[:-12]) is None
    for missing in (40, 400, 4_000):
        assert reason_of(png[:-missing]) == "cut", missing


@pytest.mark.parametrize("name", [b"IHDR", b"IDAT"])
def test_a_wrong_crc_of_a_critical_chunk_is_final(name: bytes) -> None:
    png = bytearray(encoded(noise(8), "PNG"))
    at = png.index(name)
    (length,) = struct.unpack_from(">I", png, at - 4)
    png[at + 4 + length] ^= 1
    assert reason_of(bytes(png)) == "broken"


def long_webp(frames: int) -> bytes:
    """Return an animated WEBP of 64x48 pixels."""
    still = encoded(noise(9, 64, 48), "WEBP", quality=10)[12:]
    size = (63).to_bytes(3, "little") + (47).to_bytes(3, "little")
    frame = bytes(6) + size + b"\x10\0\0\0" + still
    chunks = [(b"VP8X", b"\2\0\0\0" + size), (b"ANIM", bytes(6))] + [(b"ANMF", frame)] * frames
    body = b"".join(name + struct.pack("<I", len(content)) + content for name, content in chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def test_a_long_animation_is_accepted() -> None:
    assert reason_of(long_webp(2_100)) is None


def phone() -> bytes:
    """Return a picture whose second one was cut off; its index names it still."""
    data = encoded(noise(1), "MPO", save_all=True, append_images=[noise(2)])
    return data[: data.index(EOI) + 2]


@pytest.mark.parametrize("more", [b"", b"\xff\xd8\xff\xe0half a picture"])
def test_further_images_of_a_jpeg_are_ignored(more: bytes) -> None:
    assert reason_of(phone() + more) is None


def test_a_damaged_index_of_further_images_is_ignored() -> None:
    data = bytearray(phone())
    at = data.index(b"MPF\0")
    data[at + 4 : at + 60] = bytes(range(56))
    assert reason_of(bytes(data)) is None


def boxes(avif: bytes) -> dict[bytes, bytes]:
    """Return the top-level boxes by name."""
    found, at = {}, 0
    while at < len(avif):
        (length,) = struct.unpack_from(">I", avif, at)
        found[avif[at + 4 : at + 8]] = avif[at : at + length]
        at += length
    return found


def pixels_first(avif: bytes) -> bytes:
    """Return *avif* with its pixels before its header, and a free box between."""
    part, free = boxes(avif), b"\0\0\0\x10free" + bytes(8)
    pixels_at = len(part[b"ftyp"]) + len(part[b"meta"]) + 8
    header = part[b"meta"].replace(
        struct.pack(">I", pixels_at), struct.pack(">I", len(part[b"ftyp"]) + len(free) + 8)
    )
    assert header != part[b"meta"]
    return part[b"ftyp"] + free + part[b"mdat"] + free + header


def test_the_boxes_of_an_avif_may_come_in_any_order() -> None:
    avif = pixels_first(encoded(noise(1), "AVIF"))
    assert reason_of(avif) is None
    assert reason_of(avif[:-1]) == "cut"
    assert reason_of(avif[: avif.index(b"meta") - 4]) == "cut"


@pytest.mark.parametrize("kind", ["WEBP", "AVIF"])
def test_a_box_that_goes_beyond_the_file_is_cut(kind: str) -> None:
    whole = encoded(noise(1), kind)
    for missing in (1, 8, 100):
        assert reason_of(whole[:-missing]) == "cut"


def test_a_jpeg_with_endlessly_repeated_scans_is_refused() -> None:
    """Decoders take seconds over each of them, though they are a few bytes."""
    jpeg = encoded(Image.new("L", (6_000, 4_000)), progressive=True)
    scan = jpeg.rindex(b"\xff\xda")
    assert reason_of(jpeg[:-2] + (jpeg[scan:-2]) * 900 + EOI) == "broken"
