"""Scrapy's own commands, as in any Scrapy project."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from tests.e2e.command import Result, finish, scrapy, start_python
from tests.pictures import exhibits
from tests.standin.picture_faults import MissingPicture
from wallpapers.demo.standin import StandIn

PRIVATE = ("-s", "WALLPAPERS_ALLOW_PRIVATE_ADDRESSES=True")
MODULES = ("-s", "SPIDER_MODULES=wallpapers.spiders,mine", "-s", "NEWSPIDER_MODULE=mine")
PARSING = """
        for entry in filter(None, response.json()["imgs"]):
            yield {"image_urls": [entry["downloadUrl"]]}
"""
SPIDER = f"""
import scrapy

class PlainSpider(scrapy.Spider):
    name = "plain"

    async def start(self):
        yield scrapy.Request(self.url)

    def parse(self, response):
{PARSING}
"""


def assert_no_account(result: Result) -> None:
    """Assert that a command that crawls no wallpapers prints no summary of them."""
    everything = result.output + result.log
    for words in ("Wallpapers of this run", "exit status", "Traceback", "TypeError"):
        assert words not in everything
    assert result.errors == []


def count(result: Result, name: str) -> int:
    """Return the figure of *name* in the closing table."""
    found = re.search(rf"^ *{name} +(\d+)", result.log, re.MULTILINE)
    assert found is not None, result.log
    return int(found[1])


def generate(folder: Path, start_url: str) -> Path:
    """Have Scrapy write a spider into the package *folder*/mine; its parse() does nothing yet."""
    (folder / "mine").mkdir()
    (folder / "mine" / "__init__.py").touch()
    made = scrapy("genspider", "-t", "basic", "plain", "127.0.0.1", *MODULES, cwd=folder)
    assert made.status == 0, made.log
    spider = folder / "mine" / "plain.py"
    text = re.sub(r"start_urls = .*", f'start_urls = ["{start_url}"]', spider.read_text())
    spider.write_text(text)
    return spider


def crawl(folder: Path) -> Result:
    return scrapy("crawl", "plain", "-O", "feed.json", *MODULES, *PRIVATE, cwd=folder)


def test_a_generated_spider_is_crawled(tmp_path: Path) -> None:
    with StandIn(exhibits(3)) as standin:
        spider = generate(tmp_path, standin.endpoint)
        idle = crawl(tmp_path)
        assert (idle.status, json.loads((tmp_path / "feed.json").read_text())) == (0, [])
        spider.write_text(re.sub(r"^ +pass$", PARSING, spider.read_text(), flags=re.MULTILINE))
        result = crawl(tmp_path)
    assert (result.status, result.errors) == (0, [])
    assert (count(result, "listed"), count(result, "stored")) == (3, 3)
    items = json.loads((tmp_path / "feed.json").read_text())
    assert [len(item["images"]) for item in items] == [1, 1, 1]


def test_a_generated_spider_whose_pictures_fail_ends_with_3(tmp_path: Path) -> None:
    with MissingPicture(exhibits(3)) as standin:
        spider = generate(tmp_path, standin.endpoint)
        spider.write_text(re.sub(r"^ +pass$", PARSING, spider.read_text(), flags=re.MULTILINE))
        result = crawl(tmp_path)
    assert result.status == 3
    assert (count(result, "listed"), count(result, "stored"), count(result, "failed")) == (3, 1, 2)
    assert len(json.loads((tmp_path / "feed.json").read_text())) == 3


@pytest.mark.parametrize("source", [StandIn, MissingPicture])
def test_runspider_stores_counts_and_exports(tmp_path: Path, source: type[StandIn]) -> None:
    (tmp_path / "plain_spider.py").write_text(SPIDER)
    with source(exhibits(3)) as standin:
        url = ("-a", f"url={standin.endpoint}")
        feed = ("-O", "feed.json")
        result = scrapy("runspider", "plain_spider.py", *url, *feed, *PRIVATE, cwd=tmp_path)
    stored = 3 if source is StandIn else 1
    assert result.status == 0
    assert len(result.errors) == (stored < 3)  # why it would be 3
    assert (count(result, "listed"), count(result, "stored")) == (3, stored)
    assert count(result, "failed") == 3 - stored
    items = json.loads((tmp_path / "feed.json").read_text())
    assert sum(len(item["images"]) for item in items) == stored


@pytest.mark.parametrize("depth", ["1", "2"])
def test_parse_prints_the_items_of_a_page(tmp_path: Path, depth: str) -> None:
    with StandIn(exhibits(3)) as standin:
        spider = ("--spider=baidu_wallpaper", "-a", f"endpoint={standin.endpoint}")
        page = f"{standin.endpoint}?pn=0&rn=60"
        result = scrapy("parse", *spider, "-d", depth, page, cwd=tmp_path)
    assert result.status == 0
    assert "Warning" not in result.log
    for number in range(3):
        assert f"wallpaper {number}" in result.output
    assert_no_account(result)


def test_parse_waits_for_the_pipelines(tmp_path: Path) -> None:
    store = ("-s", f"IMAGES_STORE={tmp_path / 'store'}")
    with StandIn(exhibits(3)) as standin:
        spider = ("--spider=baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *store)
        result = scrapy("parse", *spider, "--pipelines", standin.endpoint, cwd=tmp_path)
    assert result.status == 0
    assert count(result, "stored") == 3
    assert len(list(tmp_path.glob("store/*/*/*.jpg"))) == 3


@pytest.mark.parametrize("settings", [(), PRIVATE], ids=["default", "private"])
def test_shell_asks_for_any_address_that_the_user_types(
    tmp_path: Path, settings: tuple[str, ...]
) -> None:
    with StandIn(exhibits(1)) as standin:
        address = standin.endpoint
        result = scrapy("shell", address, "-c", "response.status", *settings, cwd=tmp_path)
    assert result.status == 0
    assert result.output.split() == ["200"]
    assert_no_account(result)


@pytest.mark.parametrize("spider", [(), ("--spider", "baidu_wallpaper")])
def test_fetch_prints_the_body(tmp_path: Path, spider: tuple[str, ...]) -> None:
    with StandIn(exhibits(2)) as standin:
        result = scrapy("fetch", *spider, standin.endpoint, cwd=tmp_path)
    assert result.status == 0
    assert len(json.loads(result.output)["imgs"]) == 3
    assert_no_account(result)


@pytest.mark.parametrize("spider", [(), ("baidu_wallpaper",)])
def test_check_finds_no_contracts_in_our_spiders(tmp_path: Path, spider: tuple[str, ...]) -> None:
    result = scrapy("check", *spider, cwd=tmp_path)
    assert result.status == 0
    assert "Ran 0 contracts" in result.log
    assert_no_account(result)


def test_check_runs_the_contracts_of_a_users_spider(tmp_path: Path) -> None:
    with StandIn(exhibits(3)) as standin:
        spider = generate(tmp_path, standin.endpoint)
        contract = (
            f'        """\n        @url {standin.endpoint}\n        @returns items 3 3\n        """'
        )
        body = contract + PARSING
        text = re.sub(r"^ +pass$", body, spider.read_text(), flags=re.MULTILINE)
        spider.write_text(text)
        result = scrapy("check", "plain", *MODULES, *PRIVATE, cwd=tmp_path)
    assert result.status == 0
    assert "Ran 1 contract" in result.log
    assert_no_account(result)


@pytest.mark.slow  # Scrapy's server for it listens on a fixed port
def test_bench_crawls_its_pages(tmp_path: Path) -> None:
    words = ("bench", "-s", "CLOSESPIDER_PAGECOUNT=50")
    program = (sys.executable, "-m", "scrapy")  # it warns
    result = finish(start_python(*words, instead=program, cwd=tmp_path))
    assert result.status == 0
    pages = re.search(r"'downloader/response_status_count/200': (\d+)", result.log)
    assert pages is not None
    assert int(pages[1]) >= 50
    assert_no_account(result)


PIPELINE = """
from wallpapers.pipelines.images import WallpaperImagesPipeline

class MinePipeline(WallpaperImagesPipeline):
    def convert_image(self, image, size=None, *, response_body=None):
        return super().convert_image(image, size, response_body=response_body)
"""


def test_a_hook_that_is_never_called_ends_the_crawl_with_1(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PIPELINE)
    with StandIn(exhibits(1)) as standin:
        spider = ("baidu_wallpaper", "-a", f"endpoint={standin.endpoint}")
        pipeline = ("-s", 'ITEM_PIPELINES={"mine.MinePipeline": 500}')
        result = scrapy("crawl", *spider, *pipeline, cwd=tmp_path)
    assert result.status == 1
    (line,) = result.errors
    for name in ("MinePipeline.convert_image", "get_media_requests", "item_completed"):
        assert name in line
    assert standin.asked == []
