"""The claim of a listing is no proof: small pictures alone are placeholders by it."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.pictures import encoded, noise
from wallpapers.errors import PictureRefusedError
from wallpapers.inspection.inspect_file import Demands, Findings, Task, inspect


def look_at(path: Path, width: int, height: int, claimed: int, **demands: object) -> Findings:
    path.write_bytes(encoded(noise(1, width, height)))
    made = Demands("structure", 10**8, **demands)  # type: ignore[arg-type]
    return inspect(Task(str(path), claimed), made, lambda pixels: nullcontext())


@pytest.mark.parametrize(
    ("size", "claimed", "smaller"),
    [
        ((640, 360), 0, False),
        ((640, 360), 640 * 360 * 4, False),
        ((640, 360), 640 * 360 * 4 + 1, True),
        ((360, 640), 10**7, True),
        ((1920, 1080), 7680 * 4320, True),
    ],
)
def test_a_picture_that_is_smaller_than_listed_is_told(
    tmp_path: Path, size: tuple[int, int], claimed: int, smaller: bool
) -> None:
    assert look_at(tmp_path / "a", *size, claimed).smaller_than_listed is smaller


@pytest.mark.parametrize("size", [(639, 360), (640, 359), (359, 640), (200, 200), (500, 500)])
def test_a_small_picture_far_below_its_claim_is_a_placeholder(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    assert not look_at(tmp_path / "a", *size, size[0] * size[1] * 4).smaller_than_listed
    with pytest.raises(PictureRefusedError, match="placeholder"):
        look_at(tmp_path / "a", *size, size[0] * size[1] * 4 + 1)


def test_known_bytes_are_a_placeholder_whatever_is_claimed(tmp_path: Path) -> None:
    known = frozenset([hashlib.sha512(encoded(noise(1, 640, 360))).hexdigest()])
    with pytest.raises(PictureRefusedError, match="a known one"):
        look_at(tmp_path / "a", 640, 360, 0, placeholders=known)
