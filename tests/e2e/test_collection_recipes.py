"""What docs/collection.md says about other programs, where they are installed."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import Crawl
from tests.e2e.command import PROJECT, scrapy
from tests.pictures import exhibits
from wallpapers.demo.standin import StandIn

DOCUMENT = (PROJECT / "docs" / "collection.md").read_text()
RECIPES = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)


def test_recipes_run_where_their_library_is_installed(
    crawl: Crawl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StandIn(exhibits(3)) as standin:
        store = crawl(standin, {"WALLPAPERS_LOOK": "always"}).store
    assert scrapy("export", f"{tmp_path}/dataset", "-s", f"IMAGES_STORE={store}").status == 0
    monkeypatch.chdir(tmp_path)
    libraries = []
    for recipe in RECIPES:
        libraries += re.findall(r"^import (daft|duckdb)$", recipe, re.MULTILINE)
        if find_spec(libraries[-1]) is not None:
            exec(recipe, {})
    assert libraries == ["duckdb", "daft"]
