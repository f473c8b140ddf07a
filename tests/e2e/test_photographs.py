"""Real pictures: the wallpapers of Debian's package ukui-wallpapers, through the demo."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.e2e.command import scrapy
from tests.invariants import check_stored

BACKGROUNDS = Path("/usr/share/backgrounds")


@pytest.mark.system(f"{BACKGROUNDS}/the-mouse.jpg", package="ukui-wallpapers")
def test_real_wallpapers_are_stored_bit_for_bit(tmp_path: Path) -> None:
    shown = [path for path in BACKGROUNDS.rglob("*") if path.suffix in (".jpg", ".png")]
    assert len(shown) >= 10
    result = scrapy("demo", "--pictures", str(BACKGROUNDS), cwd=tmp_path)
    assert result.status == 0
    store = tmp_path / "downloads" / "demo"
    items = json.loads((store / "wallpapers.json").read_text())
    images = [image for item in items for image in item["images"]]
    for image in images:
        check_stored(store, image)
    served = {hashlib.sha256(path.read_bytes()).hexdigest() for path in shown}
    assert {image["checksum"] for image in images} == served
