"""The recipes of docs/collection.md for other programs run unchanged."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import Crawl
from tests.e2e.command import PROJECT, scrapy
from tests.pictures import exhibits
from tests.readers import needs_readers, run_reader
from wallpapers.demo.standin import StandIn

DOCUMENT = (PROJECT / "docs" / "collection.md").read_text()
LIBRARY = re.compile(r"^(?:import|from) (daft|datasets|duckdb|ray|webdataset)\b", re.MULTILINE)
RECIPES = {
    library[1]: recipe
    for recipe in re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    if (library := LIBRARY.search(recipe))
}
ON_RAY = "import daft, ray\nray.init('local')\ndaft.set_runner_ray()\n"

pytestmark = [pytest.mark.slow, needs_readers]


def test_each_recipe_runs(crawl: Crawl, tmp_path: Path) -> None:
    with StandIn(exhibits(3)) as standin:
        store = crawl(standin, {"WALLPAPERS_LOOK": "always"}).store
    folders = {kind: tmp_path / kind for kind in ("parquet", "webdataset")}
    for kind, folder in folders.items():
        words = ("--to", kind, "-s", f"IMAGES_STORE={store}")
        assert scrapy("export", f"{folder}/dataset", *words).status == 0
    printed = {
        name: run_reader(recipe, folders["webdataset" if name == "webdataset" else "parquet"])
        for name, recipe in RECIPES.items()
    }
    printed["daft on ray"] = run_reader(ON_RAY + RECIPES["daft"], folders["parquet"])
    assert printed["datasets"].startswith("{'file_name': ")
    assert printed["webdataset"].count("(96, 64) wallpaper") == 3
    assert re.search(r"baidu_wallpaper +│ +3 ", printed["duckdb"])
    for name in ("daft", "daft on ray"):
        assert printed[name].count("│ baidu_wallpaper/") == 3
    assert printed["ray"].count("'mode': 'RGB'") == 3
