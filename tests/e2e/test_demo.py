"""``scrapy demo``: real files, a feed and a table, without a network."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.command import scrapy
from tests.invariants import check_stored
from tests.pictures import encoded, noise
from wallpapers.demo import gallery


def test_the_pictures_of_a_folder_are_served_and_stored(tmp_path: Path) -> None:
    shown = tmp_path / "shown" / "deep"
    shown.mkdir(parents=True)
    contents = {encoded(noise(1)), encoded(noise(2), "PNG"), encoded(noise(3), "WEBP")}
    for number, content in enumerate(contents):
        (shown / f"{number}.jpg").write_bytes(content)
    (shown / "readme.txt").write_text("no picture")

    for status in ("downloaded", "uptodate"):
        result = scrapy("demo", "--pictures", str(tmp_path / "shown"), cwd=tmp_path)
        assert result.status == 0
        assert "skipped " in result.log
        assert "outcome: complete (exit status 0)" in result.log
        assert "downloads/demo/wallpapers.json" in result.output
        store = tmp_path / "downloads" / "demo"
        items = json.loads((store / "wallpapers.json").read_text())
        images = [image for item in items for image in item["images"]]
        assert {(store / image["path"]).read_bytes() for image in images} == contents
        assert [image["status"] for image in images] == [status] * 3
        for image in images:
            check_stored(store, image)


def test_wrong_usage_is_reported_in_one_line(tmp_path: Path) -> None:
    for words in (("--pictures", "/nowhere"), ("more",)):
        result = scrapy("demo", *words, cwd=tmp_path)
        assert result.status == 2
    assert not (tmp_path / "downloads").exists()


def test_a_drawn_wallpaper_is_the_same_every_time() -> None:
    shown = gallery.drawn_exhibits()
    assert len({exhibit.id for exhibit in shown}) == 60
    assert len({(exhibit.width, exhibit.height) for exhibit in shown}) >= 4
    assert shown[7].content() == gallery.drawn_exhibits()[7].content()
