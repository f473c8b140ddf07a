"""The rows of a PNG are counted: each must be there, whatever the depth and the interlacing."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
import pyvips

from tests.lacking_pixels import (
    apng_with_rows,
    chunk,
    png_with_data,
    png_with_half_its_data,
    png_with_rows,
)
from tests.pictures import encoded, noise
from tests.unit.test_second_opinion import LIMIT, reason_of
from wallpapers.errors import PictureRefusedError
from wallpapers.images import decoding

SIZES = [(32, 32), (33, 37), (39, 32), (36, 41)]
KINDS = {
    "grey": noise(1, mode="L"),
    "colour": noise(2),
    "alpha": noise(3, mode="RGBA"),
    "grey alpha": noise(4, mode="LA"),
    "16 bit": noise(5, mode="L").convert("I;16"),
    "1 bit": noise(6).convert("1"),
    "palette of 4 colours": noise(7).quantize(4),
}
PNG = encoded(noise(8), "PNG")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("interlaced", [False, True])
def test_the_last_byte_of_the_rows_must_be_there(
    kind: str, size: tuple[int, int], interlaced: bool
) -> None:
    png = encoded(KINDS[kind].crop((0, 0, *size)), "PNG")
    if interlaced:
        bits = 1 if kind == "1 bit" else 2 if "palette" in kind else None
        options = {"bitdepth": bits} if bits else {}
        picture = pyvips.Image.new_from_buffer(png, "")
        png = picture.write_to_buffer(".png", interlace=True, **options)
    assert reason_of(png) is None
    assert reason_of(png_with_rows(png, lambda rows: rows + b"more")) is None
    assert reason_of(png_with_rows(png, lambda rows: rows[:-1])) == "cut"


@pytest.mark.parametrize("check", ["structure", "decode", "strict"])
def test_compressed_data_that_ends_early_is_cut(check: str) -> None:
    assert reason_of(png_with_half_its_data(PNG), check) == "cut"
    assert reason_of(png_with_rows(PNG, lambda rows: rows[:4_000]), check) == "cut"
    assert reason_of(png_with_rows(PNG, lambda rows: rows[:4_000])[:-12], check) == "cut"


def test_chunks_may_split_the_compressed_data_anywhere() -> None:
    rows = bytes(64 * (1 + 96 * 3))
    assert reason_of(png_with_rows(PNG, lambda _: rows, pieces=1_000)) is None
    assert reason_of(png_with_rows(PNG, lambda _: rows[:-1], pieces=1_000)) == "cut"


def test_data_that_cannot_be_inflated_is_broken() -> None:
    assert reason_of(png_with_data(PNG, b"\x78\x9c" + b"\xff" * 400)) == "broken"


def test_a_large_blank_image_is_complete() -> None:
    """One window of its data inflates to many."""
    blank = noise(1, mode="L").point(lambda _: 0).resize((4_000, 3_000))
    assert reason_of(encoded(blank, "PNG")) is None


SMALL_CHANGE = noise(9)
SMALL_CHANGE.paste(noise(10, 40, 30), (20, 10))
APNG = encoded(noise(8), "PNG", save_all=True, append_images=[noise(9), SMALL_CHANGE])
FIRST_FRAME = APNG.index(b"fcTL", APNG.index(b"IDAT"))


def examined(png: bytes, max_pixels: int = LIMIT) -> str | None:
    """Return why *png* is refused before it is decoded, or None."""
    try:
        decoding.examine(png, max_pixels=max_pixels)
    except PictureRefusedError as refusal:
        return refusal.reason
    return None


def without_last_byte(rows: bytes) -> bytes:
    return rows[:-1]


def with_frame_header(change: Callable[[bytes], bytes]) -> bytes:
    """Return APNG with another header of its first frame after the still image."""
    content = change(APNG[FIRST_FRAME + 4 : FIRST_FRAME + 30])
    return APNG[: FIRST_FRAME - 4] + chunk(b"fcTL", content) + APNG[FIRST_FRAME + 34 :]


@pytest.mark.parametrize("frame", [1, 2])
def test_the_last_byte_of_each_frame_must_be_there(frame: int) -> None:
    assert examined(APNG) is None
    assert examined(apng_with_rows(APNG, frame, lambda rows: rows + b"more")) is None
    assert examined(apng_with_rows(APNG, frame, without_last_byte)) == "cut"


def test_a_frame_may_have_several_chunks_of_data() -> None:
    at = APNG.index(b"fdAT")
    (length,) = struct.unpack_from(">I", APNG, at - 4)
    number, rows = APNG[at + 4 : at + 8], APNG[at + 8 : at + 4 + length]
    parts = [chunk(b"fdAT", number + part) for part in (rows[:1], rows[1:700], rows[700:])]
    before, after = APNG[: at - 4], APNG[at + 8 + length :]
    assert examined(before + b"".join(parts) + after) is None
    assert examined(before + b"".join(parts[:2]) + after) == "cut"
    assert examined(before + after) == "cut"


def test_frames_that_no_viewer_shows_are_not_counted() -> None:
    cut = apng_with_rows(APNG, 1, without_last_byte)
    still = cut.index(b"acTL") - 4
    assert examined(cut[:still] + cut[still + 20 :]) is None
    assert examined(APNG[: FIRST_FRAME - 4] + chunk(b"fcTL", b"") + chunk(b"IEND", b"")) is None
    too_far = struct.pack(">I", 97)
    assert examined(with_frame_header(lambda head: head[:4] + too_far + head[8:])) is None


def test_frames_are_counted_up_to_the_largest_number_of_pixels() -> None:
    cut = apng_with_rows(APNG, 2, without_last_byte)
    assert examined(cut, 2 * 96 * 64 + 40 * 30) == "cut"
    assert examined(cut, 2 * 96 * 64 + 40 * 30 - 1) is None
