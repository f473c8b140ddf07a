"""``scrapy sources`` and ``crawl SOURCE --help``: what there is to crawl, and how."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest

from tests.e2e.command import finish, scrapy, start_python
from tests.unit.test_docs import SPIDERS
from wallpapers.spiders.listing_spider import ListingSpider

USERS_SPIDER = """
import scrapy

class Spider(scrapy.Spider):
    name = "photos"
"""


def test_every_source_is_listed_with_what_a_user_needs() -> None:
    result = scrapy("sources")
    assert result.status == 0
    for spider in SPIDERS:
        assert f"{spider.name}: {spider.summary}\n  status     {spider.answers}\n" in result.output
        assert f"  example    scrapy crawl {spider.name} -a " in result.output
    assert "  arguments  mkt=zh-CN\n" in result.output
    assert "protocol=auto previews=0" in result.output


def test_the_list_of_sources_as_json() -> None:
    described = json.loads(scrapy("sources", "--json").output)
    assert [source["name"] for source in described] == [spider.name for spider in SPIDERS]
    for source, spider in zip(described, SPIDERS, strict=True):
        assert source["summary"]
        assert source["answers"]
        assert source["endpoint"] == spider.default_endpoint
        assert [argument["name"] for argument in source["arguments"]] == [*spider.arguments]
        shared = {argument["name"] for argument in source["shared_arguments"]}
        assert {"limit", "endpoint", "ratio", "formats"} <= shared


def test_it_takes_no_argument() -> None:
    result = scrapy("sources", "all")
    assert result.status == 2
    assert "scrapy sources takes no argument, got 'all'" in result.log


@pytest.mark.parametrize("spider", SPIDERS, ids=lambda spider: spider.name)
def test_every_default_and_every_example_is_accepted(spider: type[ListingSpider]) -> None:
    for argument in (*spider.arguments.values(), *spider.shared_arguments().values()):
        assert argument.meaning or argument.allowed.startswith("one of")
        if argument.default_text:
            assert argument.read(argument.default_text) == argument.default
    words = shlex.split(spider.example)
    assert set(words[::2]) == {"-a"}
    spider(**dict(word.split("=", 1) for word in words[1::2]))


@pytest.mark.parametrize("words", [("wallhaven", "--help"), ("-h", "wallhaven")])
def test_the_help_of_a_crawl_describes_the_arguments_of_its_source(words: tuple[str, ...]) -> None:
    result = scrapy("crawl", *words)
    assert result.status == 0
    assert result.output.startswith("Usage\n=====\n  scrapy crawl [options] <spider>")
    assert "Exit status: 0 complete" in " ".join(result.output.split())
    assert "\nExample: scrapy crawl wallhaven -a q=mountains" in result.output
    assert "favorites, toplist; default: date_added)" in result.output
    assert "  limit           stop after this many wallpapers; 0 = all (" in result.output
    assert "tag3" not in result.output


def test_the_help_of_a_crawl_without_a_source_says_how_to_get_more() -> None:
    result = scrapy("crawl", "--help")
    assert result.status == 0
    assert "scrapy crawl SOURCE --help describes the arguments of a source." in result.output


@pytest.mark.parametrize(
    "words",
    [("crawl", "wallheaven"), ("crawl", "wallheaven", "--help"), ("doctor", "wallheaven")],
    ids=" ".join,
)
def test_a_misspelled_source_is_reported_with_the_most_similar_one(words: tuple[str, ...]) -> None:
    result = scrapy(*words)
    assert result.status == 2
    assert "spider not found: 'wallheaven'; available: baidu_channel, " in result.log
    assert "(did you mean 'wallhaven'?)" in result.log


def test_the_help_of_a_users_spider(tmp_path: Path) -> None:
    (tmp_path / "theirs.py").write_text(USERS_SPIDER)
    code = "import sys; sys.path.insert(0, '.'); from scrapy.cmdline import execute; execute()"
    words = ("crawl", "-s", "SPIDER_MODULES=theirs", "photos", "--help")
    result = finish(start_python(*words, instead=(sys.executable, "-c", code), cwd=tmp_path))
    assert result.status == 0
    assert (
        "photos is not a source of this project: its arguments are not declared." in result.output
    )
