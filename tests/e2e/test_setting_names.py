"""Misspelled names of settings on the command line (-s)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.command import FAST, Result, finish, scrapy, start
from tests.pictures import exhibit, exhibits
from wallpapers.demo.standin import StandIn

OWN_SPIDER = """
import scrapy
class Own(scrapy.Spider):
    name = "own"
    custom_settings = {"WALLPAPERS_OWN_NAME": "", "IMAGES_STORES": ""}
    async def start(self):
        self.logger.info("settings: %s", [self.settings[name] for name in self.custom_settings])
        return
        yield
"""


def crawl_with(folder: Path, *settings: str) -> tuple[Result, int]:
    """Crawl with *settings*; return the result and the number of requests."""
    words = [word for setting in settings for word in ("-s", setting)]
    with StandIn(exhibits(1)) as standin:
        endpoint = f"endpoint={standin.endpoint}"
        result = scrapy("crawl", "baidu_wallpaper", "-a", endpoint, *FAST, *words, cwd=folder)
        return result, len(standin.asked)


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        ("IMAGE_STORE=x", "unknown setting IMAGE_STORE; did you mean IMAGES_STORE?"),
        ("images_store=x", "unknown setting images_store; did you mean IMAGES_STORE?"),
        ("IMAGES_MINWIDTH=1", "unknown setting IMAGES_MINWIDTH; did you mean IMAGES_MIN_WIDTH?"),
        ("limit=5", "unknown setting limit; an argument is given with -a limit=..."),
        ("WALLPAPER_CHECK=decode", "did you mean WALLPAPERS_CHECK?"),
        (
            "WALLPAPERS_MINE=1",
            "unknown setting WALLPAPERS_MINE; if it is your own, give it a default",
        ),
    ],
)
def test_a_setting_of_ours_that_is_misspelled_ends_the_run(
    tmp_path: Path, setting: str, line: str
) -> None:
    result, requests = crawl_with(tmp_path, setting)
    assert (result.status, requests) == (1, 0)
    (error,) = result.errors
    assert "Could not start: unknown setting " in error
    assert line in error
    assert list(tmp_path.iterdir()) == []


def test_a_setting_of_scrapy_that_is_misspelled_is_a_warning(tmp_path: Path) -> None:
    settings = ("CONCURENT_REQUESTS=8", "USER_AGENTS=a,b", "IMAGES_QUALITY=9")
    result, _ = crawl_with(tmp_path, *settings)
    assert result.status == 0
    warnings = [line.partition("WARNING: ")[2] for line in result.log.splitlines()]
    assert list(filter(None, warnings)) == [
        "Unknown setting CONCURENT_REQUESTS; did you mean CONCURRENT_REQUESTS?",
        "Unknown setting USER_AGENTS; did you mean USER_AGENT?",
        "Unknown setting IMAGES_QUALITY: neither Scrapy nor this project reads it",
    ]


def test_settings_of_a_users_components_are_accepted(tmp_path: Path) -> None:
    """Among them one that Scrapy reads for a pipeline of this class, and one without a default."""
    settings = ("MYPIPELINE_IMAGES_THUMBS={}", "PROXY_LIST=a,b", "DOWNLOAD_DELAY_MAX=3", "X=1")
    result, _ = crawl_with(tmp_path, *settings, "IMAGES_MIN_WIDTH=1", "IMAGES_EXPIRES=1")
    assert result.status == 0
    assert "nknown setting" not in result.log


def test_settings_of_a_spider_or_a_project_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "scrapy.cfg").write_text("[settings]\ndefault = own.settings\n")
    (tmp_path / "own/spiders").mkdir(parents=True)
    (tmp_path / "own/spiders/own.py").write_text(OWN_SPIDER)
    (tmp_path / "own/settings.py").write_text(
        "from wallpapers.settings import *\n"
        "SPIDER_MODULES = ['own.spiders']\n"
        "WALLPAPERS_PROJECT_NAME = ''\n"
    )
    words = ["-s", "WALLPAPERS_OWN_NAME=a", "-s", "IMAGES_STORES=b"]
    words += ["-s", "WALLPAPERS_PROJECT_NAME=c"]
    result = finish(start("crawl", "own", *words, cwd=tmp_path, settings_module=""))
    assert result.status == 0
    assert "settings: ['a', 'b']" in result.log
    assert "nknown setting" not in result.log


@pytest.mark.parametrize("command", ["doctor", "retry", "stats", "verify"])
def test_the_other_commands_check_the_names_too(tmp_path: Path, command: str) -> None:
    result = scrapy(command, "-s", "IMAGE_STORE=x", cwd=tmp_path)
    assert result.status == 1
    line = result.log.splitlines()[-1]
    assert line.endswith("unknown setting IMAGE_STORE; did you mean IMAGES_STORE?")


@pytest.mark.parametrize("command", ["retry", "stats", "verify"])
def test_the_other_commands_warn_too(tmp_path: Path, command: str) -> None:
    with StandIn([*exhibits(1), exhibit(2, b"no image")]) as standin:
        words = ("-a", f"endpoint={standin.endpoint}", *FAST)
        assert scrapy("crawl", "baidu_wallpaper", *words, cwd=tmp_path).status == 3
        result = scrapy(command, "-s", "LOG_LEVL=INFO", cwd=tmp_path)
    assert result.log.count("Unknown setting LOG_LEVL; did you mean LOG_LEVEL?") == 1
