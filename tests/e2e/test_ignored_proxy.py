"""A proxy that the environment names and that is not used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.command import FAST, PROJECT, Result, finish, start
from tests.pictures import exhibits
from wallpapers.demo.standin import StandIn

WARNING = "Proxy not used: HTTPS_PROXY, http_proxy; use it with -s HTTPPROXY_ENABLED=True"


def run_behind_proxies(folder: Path, *words: str) -> Result:
    """Run a command with an environment that names proxies, of which nothing listens."""
    nobody = "http://user:canary@127.0.0.1:9"
    proxies = {"http_proxy": nobody, "HTTPS_PROXY": nobody, "all_proxy": "", "no_proxy": "x"}
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), **proxies}
    environment["SCRAPY_SETTINGS_MODULE"] = "wallpapers.settings"
    return finish(start(*words, cwd=folder, env=environment))


@pytest.mark.parametrize("command", ["crawl", "doctor"])
def test_an_ignored_proxy_is_reported_once(tmp_path: Path, command: str) -> None:
    with StandIn(exhibits(1)) as standin:
        words = (command, "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *FAST)
        result = run_behind_proxies(tmp_path, *words)
    (line,) = [line for line in result.log.splitlines() if "roxy" in line]
    assert line.endswith(WARNING)


def test_the_remedy_of_the_message_uses_the_proxy(tmp_path: Path) -> None:
    with StandIn(exhibits(1)) as standin:
        words = ("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *FAST)
        remedy = WARNING.split(" with ")[1].split()
        result = run_behind_proxies(tmp_path, *words, *remedy, "-s", "RETRY_TIMES=0")
        assert standin.asked == []
    assert result.status == 4
    assert "Proxy not used" not in result.log
    assert "canary" not in result.log


@pytest.mark.parametrize(
    "words", [("demo",), ("crawl", "baidu_wallpaper", "-s", "HTTPPROXY_ENABLED=False")]
)
def test_there_is_no_warning_where_no_proxy_is_expected(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    with StandIn(exhibits(1)) as standin:
        result = run_behind_proxies(tmp_path, *words, "-a", f"endpoint={standin.endpoint}", *FAST)
    assert result.status == 0
    assert "Proxy not used" not in result.log
