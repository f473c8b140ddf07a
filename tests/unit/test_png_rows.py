"""The rows of a PNG are counted: each must be there, whatever the depth and the interlacing."""

from __future__ import annotations

import pytest
import pyvips

from tests.lacking_pixels import png_with_data, png_with_half_its_data, png_with_rows
from tests.pictures import encoded, noise
from tests.unit.test_second_opinion import reason_of

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
