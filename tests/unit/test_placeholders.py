"""Only small images are placeholders if they are smaller than listed: listings may be wrong."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.pictures import encoded, noise
from wallpapers.errors import PictureRefusedError
from wallpapers.inspection.inspect_file import inspect_file
from wallpapers.inspection.messages import ImageRequirements, Inspection, Task


def inspect(path: Path, width: int, height: int, claimed: int, **options: object) -> Inspection:
    path.write_bytes(encoded(noise(1, width, height)))
    requirements = ImageRequirements("structure", 10**8, **options)  # type: ignore[arg-type]
    return inspect_file(Task(str(path), claimed), requirements, lambda pixels: nullcontext())


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
def test_an_image_below_a_quarter_of_the_listed_pixels_is_marked(
    tmp_path: Path, size: tuple[int, int], claimed: int, smaller: bool
) -> None:
    assert inspect(tmp_path / "a", *size, claimed).smaller_than_listed is smaller


@pytest.mark.parametrize("size", [(639, 360), (640, 359), (359, 640), (200, 200), (500, 500)])
def test_a_small_image_far_below_its_claim_is_a_placeholder(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    assert not inspect(tmp_path / "a", *size, size[0] * size[1] * 4).smaller_than_listed
    with pytest.raises(PictureRefusedError, match="placeholder"):
        inspect(tmp_path / "a", *size, size[0] * size[1] * 4 + 1)


def test_known_bytes_are_a_placeholder_regardless_of_the_claim(tmp_path: Path) -> None:
    known = frozenset([hashlib.sha512(encoded(noise(1, 640, 360))).hexdigest()])
    with pytest.raises(PictureRefusedError, match="on the list of known placeholders"):
        inspect(tmp_path / "a", 640, 360, 0, placeholders=known)
