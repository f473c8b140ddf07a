"""``scrapy crawl -s WALLPAPERS_DRY_RUN=True``: a feed, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.command import FAST, scrapy
from tests.pictures import exhibits
from wallpapers.demo.standin import StandIn


def test_a_dry_run_leaves_its_feed_alone(tmp_path: Path) -> None:
    with StandIn(exhibits(3)) as standin:
        result = scrapy(
            *("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *FAST),
            *("-s", "WALLPAPERS_DRY_RUN=True", "-O", "missing.json"),
            cwd=tmp_path,
        )
    assert result.status == 0
    assert [path.name for path in tmp_path.iterdir()] == ["missing.json"]
    items = json.loads((tmp_path / "missing.json").read_text())
    assert [item["images"] for item in items] == [[], [], []]
    assert "  wanted           3  dry run, nothing is stored" in result.log


def test_a_wrong_value_ends_the_command_with_1(tmp_path: Path) -> None:
    with StandIn(exhibits(1)) as standin:
        result = scrapy(
            *("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}"),
            *("-s", "WALLPAPERS_DRY_RUN=maybe"),
            cwd=tmp_path,
        )
        assert standin.asked == []
    assert result.status == 1
    assert "WALLPAPERS_DRY_RUN must be" in result.errors[0]
    assert list(tmp_path.iterdir()) == []
