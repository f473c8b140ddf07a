"""A catalogue whose mapped file is truncated ends a command with one line, not with SIGBUS."""

from __future__ import annotations

import json
import os
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

import pytest
from aiohttp import web

from tests.e2e.command import FAST, finish, scrapy, start
from tests.pictures import exhibits
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn


class TruncatesMappedFile(StandIn):
    """Truncates the file that SQLite maps when its fourth picture is first requested."""

    def __init__(self, store: Path) -> None:
        super().__init__(exhibits(12))
        self._store = store

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        if exhibit is self.exhibits[3] and self.asked.count(request.path_qs) == 1:
            truncate_mapped_file(self._store)
        return await super().picture(request, exhibit)


def truncate_mapped_file(store: Path) -> None:
    os.truncate(store / f"{FILE_NAME}-shm", 0)


def test_a_crawl_ends_with_its_summary_and_whole_feeds(tmp_path: Path) -> None:
    store = ("-s", f"IMAGES_STORE={tmp_path / 'store'}", *FAST)
    with TruncatesMappedFile(tmp_path / "store") as standin:
        words = ("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *store)
        result = scrapy(*words, "-s", "CONCURRENT_REQUESTS=2", "-O", f"{tmp_path / 'out.json'}")
        assert result.status == 5
        (line,) = result.errors
        assert f"{FILE_NAME}-shm cannot be accessed (SIGBUS)" in line
        assert "outcome: store" in result.log
        assert json.loads((tmp_path / "out.partial.json").read_text())
        assert scrapy(*words).status == 0


EXTENSION = f"""
import os
from scrapy import signals

class Truncates:
    def __init__(self, crawler):
        self.path = crawler.settings["IMAGES_STORE"] + "/{FILE_NAME}-shm"
        crawler.signals.connect(self.spider_closed, signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler):
        return cls(crawler)

    def spider_closed(self):
        os.truncate(self.path, 0)
"""


@pytest.mark.slow
def test_a_crawl_that_waits_for_the_catalogue_to_close_ends_too(tmp_path: Path) -> None:
    (tmp_path / "truncating.py").write_text(EXTENSION)
    settings = ("-s", f"IMAGES_STORE={tmp_path / 'store'}", *FAST)
    extension = ("-s", 'EXTENSIONS={"truncating.Truncates": 0}')
    with StandIn(exhibits(3)) as standin:
        words = ("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *settings)
        result = scrapy(*words, *extension, cwd=tmp_path)
        assert result.status == 5
        assert "cannot be accessed (SIGBUS)" in result.log.splitlines()[-1]
        assert scrapy(*words).status == 0


def test_a_command_ends_with_one_line(tmp_path: Path) -> None:
    store = ("-s", f"IMAGES_STORE={tmp_path / 'store'}")
    with StandIn(exhibits(2)) as standin:
        words = ("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}")
        assert scrapy(*words, *store, *FAST).status == 0
    process = start("gallery", "--serve", *store)
    assert process.stdout is not None
    address = process.stdout.readline().split()[-1]
    truncate_mapped_file(tmp_path / "store")
    with pytest.raises((OSError, HTTPException)):
        urlopen(address).read()
    result = finish(process)
    assert result.status == 5
    (line,) = result.log.splitlines()
    assert line.startswith("scrapy: the catalogue ")
    assert "(SIGBUS)" in line
