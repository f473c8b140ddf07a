"""``scrapy doctor --quiet``, as cron runs it: nothing is printed while all sources work."""

from __future__ import annotations

import json

import pytest

from tests.e2e.command import scrapy
from tests.e2e.test_doctor import RenamedKey
from tests.pictures import exhibits
from tests.standin.listing_faults import HtmlListing
from wallpapers.demo.standin import StandIn


@pytest.mark.parametrize("as_json", [(), ("--json",)])
@pytest.mark.parametrize(("kind", "status"), [(StandIn, 0), (RenamedKey, 3), (HtmlListing, 4)])
def test_quiet_prints_only_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, kind: type[StandIn], status: int, as_json: tuple[str, ...]
) -> None:
    """A proxy that is not used is a warning, and a changed format, too."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with kind(exhibits(5)) as standin:
        words = ("doctor", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *as_json)
        loud = scrapy(*words)
        quiet = scrapy(*words, "--quiet")
    assert loud.status == quiet.status == status
    assert "WARNING" in loud.log
    assert quiet.log == ""
    assert bool(quiet.output) is (status != 0)
    if as_json and status:
        assert json.loads(quiet.output)[0]["source"] == "baidu_wallpaper"
