"""A proxy that the environment names and that is not used."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.command import FAST, scrapy
from tests.pictures import encoded, exhibits, noise
from wallpapers.demo.standin import StandIn

WARNING = "Proxy not used: HTTPS_PROXY, http_proxy; use it with -s HTTPPROXY_ENABLED=True"


@pytest.fixture(autouse=True)
def proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name proxies in the environment, of which nothing listens."""
    nobody = "http://user:canary@127.0.0.1:9"
    proxies = {"http_proxy": nobody, "HTTPS_PROXY": nobody, "all_proxy": "", "no_proxy": "x"}
    for name, address in proxies.items():
        monkeypatch.setenv(name, address)


@pytest.mark.parametrize("command", ["crawl", "doctor"])
def test_an_ignored_proxy_is_reported_once(tmp_path: Path, command: str) -> None:
    with StandIn(exhibits(1)) as standin:
        words = (command, "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *FAST)
        result = scrapy(*words, cwd=tmp_path)
    (line,) = [line for line in result.log.splitlines() if "roxy" in line]
    assert line.endswith(WARNING)


def test_the_remedy_of_the_message_uses_the_proxy(tmp_path: Path) -> None:
    with StandIn(exhibits(1)) as standin:
        words = ("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *FAST)
        remedy = WARNING.split(" with ")[1].split()
        result = scrapy(*words, *remedy, "-s", "RETRY_TIMES=0", cwd=tmp_path)
        assert standin.asked == []
    assert result.status == 4
    assert "Proxy not used" not in result.log
    assert "canary" not in result.log


def test_there_is_no_warning_in_a_demo(tmp_path: Path) -> None:
    shown = tmp_path / "shown"
    shown.mkdir()
    (shown / "1.jpg").write_bytes(encoded(noise(1)))
    result = scrapy("demo", "--pictures", str(shown), *FAST, cwd=tmp_path)
    assert result.status == 0
    assert "Proxy not used" not in result.log


def test_there_is_no_warning_where_proxies_are_disabled(tmp_path: Path) -> None:
    disabled = ("-s", "HTTPPROXY_ENABLED=False")
    with StandIn(exhibits(1)) as standin:
        words = ("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *FAST)
        result = scrapy(*words, *disabled, cwd=tmp_path)
    assert result.status == 0
    assert "Proxy not used" not in result.log
