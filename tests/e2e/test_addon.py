"""The add-on in a fresh project of Scrapy's."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.command import Result, finish, start_python
from tests.pictures import exhibits
from tests.standin.picture_faults import MissingPicture
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn

SPIDER = """
import scrapy


class PlainSpider(scrapy.Spider):
    name = "plain"

    async def start(self):
        yield scrapy.Request(self.url)

    def parse(self, response):
        for entry in filter(None, response.json()["imgs"]):
            yield {"image_urls": [entry["downloadUrl"]], "title": entry["desc"]}
"""


def scrapy_in(folder: Path, *words: str) -> Result:
    """Run Scrapy in a project that is not this one."""
    program = (sys.executable, "-m", "scrapy")
    return finish(start_python(*words, instead=program, cwd=folder, settings_module=""))


def fresh_project(folder: Path, settings: str = "") -> Path:
    """Return a project as ``scrapy startproject`` makes it, with the add-on and a plain spider."""
    assert scrapy_in(folder, "startproject", "fresh").status == 0
    project = folder / "fresh"
    with (project / "fresh" / "settings.py").open("a") as file:
        file.write('\nADDONS = {"wallpapers.addon.WallpapersAddon": 0}\n')
        file.write("WALLPAPERS_ALLOW_PRIVATE_ADDRESSES = True\n" + settings)
    (project / "fresh" / "spiders" / "plain.py").write_text(SPIDER)
    return project


def crawl(project: Path, standin: StandIn) -> Result:
    return scrapy_in(project, "crawl", "plain", "-a", f"url={standin.endpoint}", "-O", "feed.json")


def stored(project: Path) -> set[bytes]:
    return {path.read_bytes() for path in (project / "downloads").rglob("*.jpg")}


def bodies(shown: list[Exhibit]) -> set[bytes]:
    return {exhibit.content() for exhibit in shown}


def test_a_fresh_project_stores_the_images_of_its_items(tmp_path: Path) -> None:
    project, shown = fresh_project(tmp_path), exhibits(5)
    with StandIn(shown) as standin:
        result = crawl(project, standin)
        assert "stored           5" in result.log
        assert "outcome: complete" in result.log
        again = crawl(project, standin)
        assert "known            5" in again.log
    assert stored(project) == bodies(shown)
    items = json.loads((project / "feed.json").read_text())
    assert [item["images"][0]["status"] for item in items] == ["uptodate"] * 5
    with closing(sqlite3.connect(project / "downloads" / ".catalogue.db")) as catalogue:
        assert catalogue.execute("SELECT count(*) FROM pictures").fetchone() == (5,)


@pytest.mark.slow
def test_the_pipeline_takes_the_place_of_scrapys(tmp_path: Path) -> None:
    pipelines = 'ITEM_PIPELINES = {"scrapy.pipelines.images.ImagesPipeline": 1}\n'
    project, shown = (
        fresh_project(tmp_path, pipelines + 'IMAGES_STORE = "downloads"\n'),
        exhibits(3),
    )
    with StandIn(shown) as standin:
        result = crawl(project, standin)
    assert "stored           3" in result.log
    assert stored(project) == bodies(shown)


def test_the_exit_status_comes_with_the_commands(tmp_path: Path) -> None:
    project = fresh_project(tmp_path, 'COMMANDS_MODULE = "wallpapers.commands"\n')
    with MissingPicture(exhibits(3)) as standin:
        result = crawl(project, standin)
    assert result.status == 3
    assert "http_404" in result.log
