"""The commands that a failing run prints: each runs as it was printed, in the folder of the run."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.e2e.command import FAST, TIMEOUT_S, scrapy
from tests.e2e.shell import STORE, printed, shell
from tests.e2e.store import Recovering
from tests.integration.test_guard import certificate
from tests.integration.test_progress import read_all
from tests.pictures import encoded, exhibit, exhibits, noise
from tests.standin.listing_faults import HtmlListing
from tests.standin.tunnel import BaiduBehindProxy
from wallpapers.demo.standin import StandIn

FEED = ("-O", "it's a feed.jsonl")


@pytest.mark.parametrize(
    "program",
    [("scrapy",), pytest.param((sys.executable, "-m", "wallpapers"), marks=pytest.mark.slow)],
)
def test_another_listing(
    tmp_path: Path, environment: dict[str, str], program: tuple[str, ...]
) -> None:
    """It has the filters, settings and feed of the run that failed."""
    chain, _ = certificate(tmp_path, None, name="image.baidu.com")
    large = exhibit(9, encoded(noise(9, 200, 120)), width=200, height=120)
    words = ["-a", "tag=it's 海", "-a", "min_width=150", "-a", "limit=5", *STORE, *FEED, *FAST]
    words += ["-s", "HTTPPROXY_ENABLED=True", "-s", "DOWNLOAD_VERIFY_CERTIFICATES=False"]
    with HtmlListing([]) as gone, BaiduBehindProxy([*exhibits(2), large], chain) as baidu:
        environment["https_proxy"] = baidu.proxy
        endpoint = ("-a", f"endpoint={gone.endpoint}")
        failing = shlex.join([*program, "crawl", "baidu_wallpaper", *endpoint, *words])
        failed = shell(failing, tmp_path, environment)
        assert failed.status == 4
        command = printed(failed.log, "or try:")
        result = shell(command, tmp_path, environment)
    assert shlex.split(command)[: len(program) + 2] == [*program, "crawl", "baidu_search"]
    assert result.status == 0
    (item,) = [json.loads(line) for line in (tmp_path / FEED[1]).read_text().splitlines()]
    assert item["listing"] == "it's 海 壁纸"
    assert (tmp_path / "my pictures" / item["images"][0]["path"]).is_file()


def test_the_retry_of_failed_wallpapers(tmp_path: Path, environment: dict[str, str]) -> None:
    """The log of the crawl has the command, and the output of ``stats``."""
    with Recovering(exhibits(3)) as standin:
        standin.served = 1
        words = ("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *STORE, *FEED)
        failed = scrapy(*words, *FAST, cwd=tmp_path)
        assert failed.status == 3
        stats = scrapy("stats", *STORE, *FAST, cwd=tmp_path)
        command = printed(failed.log, "to try them again, run:")
        assert printed(stats.output, "To try those of baidu_wallpaper again, run:") == command
        standin.served = 3
        result = shell(command, tmp_path, environment)
    assert result.status == 0
    assert len(list((tmp_path / "my pictures").rglob("*.jpg"))) == 3
    assert len((tmp_path / FEED[1]).read_text().splitlines()) == 3


@pytest.mark.slow
def test_the_retry_after_a_demo(tmp_path: Path, environment: dict[str, str]) -> None:
    """It names the store, which is not one of the options of the demo."""
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures/large.jpg").write_bytes(encoded(noise(1)))
    settings = "-s WALLPAPERS_MAX_PIXELS=9 -s RETRY_TIMES=0 -s WALLPAPERS_PATIENCE_OUTAGE=0.1"
    failed = shell(f"scrapy demo --pictures pictures {settings}", tmp_path, environment)
    assert failed.status == 3
    command = printed(failed.log, "to try them again, run:")
    assert command.endswith("-s IMAGES_STORE=downloads/demo")
    result = shell(command, tmp_path, environment)  # the demo's server is gone
    assert (result.status, result.output) == (
        3,
        "Retrying 1 failed wallpapers of baidu_wallpaper\n",
    )


def test_the_check_of_a_source(tmp_path: Path, environment: dict[str, str]) -> None:
    with HtmlListing([]) as gone:
        words = ("-a", f"endpoint={gone.endpoint}", "-a", "q=it's two", *FAST)
        failed = scrapy("crawl", "wallhaven", *words, cwd=tmp_path)
        assert failed.status == 4
        result = shell(printed(failed.log, "to check the source, run:"), tmp_path, environment)
    assert result.status == 4
    assert "\nwallhaven  yes      HTML: not JSON" in result.output


@pytest.mark.slow
def test_the_same_run_after_its_feed_failed(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "a file").touch()
    with StandIn(exhibits(1)) as standin:
        words = ("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *FAST)
        failing = shlex.join(["scrapy", *words, "-O", "a file/out.jsonl"])
        failed = shell(failing, tmp_path, environment)
        assert failed.status == 5
        (tmp_path / "a file").unlink()
        command = printed(failed.log, "to continue, run again:")
        assert shell(command, tmp_path, environment).status == 0
    assert len((tmp_path / "a file/out.jsonl").read_text().splitlines()) == 1


@pytest.mark.slow
def test_the_details_of_a_fault_of_a_component(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "own.py").write_text("class Pipeline:\n    def process_item(self): 1 / 0\n")
    environment["PYTHONPATH"] += f"{os.pathsep}{tmp_path}"
    with StandIn(exhibits(1)) as standin:
        words = ("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *FAST)
        pipelines = ("-s", 'ITEM_PIPELINES={"own.Pipeline": 1}')
        failed = shell(shlex.join(["scrapy", *words, *pipelines]), tmp_path, environment)
        assert failed.status == 4
        result = shell(printed(failed.log, "for details, run:"), tmp_path, environment)
    assert result.status == 4
    assert "DEBUG: Crawled (200)" in result.log


def test_the_list_of_spiders(tmp_path: Path, environment: dict[str, str]) -> None:
    failed = shell("scrapy crawl", tmp_path, environment)
    assert failed.status == 2
    result = shell(printed(failed.log, "to list them, run:"), tmp_path, environment)
    assert "baidu_search" in result.output.split()


def test_a_password_is_not_printed(tmp_path: Path, environment: dict[str, str]) -> None:
    """In quotes for a shell, it would not be found any more."""
    settings = (
        "AWS_SECRET_ACCESS_KEY=canary's",
        "WALLPAPERS_CATALOGUE=postgresql://me:canary's@h/d",
    )
    words = [word for setting in settings for word in ("-s", setting)]
    failed = shell(shlex.join(["scrapy", "crawl", *words]), tmp_path, environment)
    command = printed(failed.log, "to list them, run:")
    assert shlex.split(command)[2::2] == ["-s", "-s"]
    assert "AWS_SECRET_ACCESS_KEY=***" in command
    assert "postgresql://***h/d" in command
    assert "canary" not in failed.log


def test_a_terminal_does_not_break_a_command(tmp_path: Path, environment: dict[str, str]) -> None:
    primary, secondary = pty.openpty()
    termios.tcsetwinsize(secondary, (24, 80))
    with HtmlListing([]) as gone:
        words = ("crawl", "baidu_wallpaper", "-a", f"endpoint={gone.endpoint}", *STORE, *FAST)
        command = shlex.join(["scrapy", *words])
        process = subprocess.Popen(
            ["sh", "-c", command],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=secondary,
        )
        os.close(secondary)
        shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", read_all(primary))
        assert process.wait(TIMEOUT_S) == 4
    assert set(re.findall("or try:\r?\n +(.*?)\r?\n", shown)) == {
        f"scrapy crawl baidu_search -a 'word=国家地理 壁纸' {shlex.join([*STORE, *FAST])}"
    }
