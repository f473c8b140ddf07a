"""Values of a listing are masked, limited and repaired before log, feed and catalogue get them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import pytest
from aiohttp import web
from scrapy import Request, Spider
from scrapy.http import Response
from scrapy.settings import Settings

from tests.conftest import Crawl, Run
from tests.pictures import exhibits
from tests.standin import transfer_faults as faults
from tests.standin.sources import BingStandIn
from tests.unit.listings.test_text import MISSPELLED
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn
from wallpapers.downloads.errors import RedirectRefusedError
from wallpapers.middlewares.redirect import PictureRedirectMiddleware
from wallpapers.run.exit_status import ExitStatus
from wallpapers.spiders.bing_wallpaper import BingWallpaperSpider
from wallpapers.storage.names import safe_name


def told(run: Run) -> bytes:
    """Return all bytes of log, feed and catalogue."""
    catalogue = b"".join(path.read_bytes() for path in run.store.glob(f"{FILE_NAME}*"))
    assert b"***" in catalogue
    return run.log.encode() + json.dumps(run.items).encode() + catalogue


class SecretAddresses(faults.OtherHosts):
    """Lists addresses with a password, as candidates and as pages."""

    def entry(self, exhibit: Exhibit) -> dict[str, Any]:
        entry = super().entry(exhibit)
        return entry | {"fromUrl": entry["downloadUrl"], "title": "http://me:canary@host/"}


def test_a_password_in_a_misspelled_address_is_never_printed(crawl: Crawl) -> None:
    with SecretAddresses(exhibits(1 + len(MISSPELLED))) as standin:
        standin.addresses = MISSPELLED
        run = crawl(standin, {"LOG_LEVEL": "DEBUG"})
    assert run.stats["wallpapers/failed/bad_url"] == len(MISSPELLED) >= 12
    assert b"canary" not in told(run).lower()


class PlainSpider(Spider):
    """A user's own spider, which yields whatever it found."""

    name = "plain"
    endpoint = ""

    async def start(self) -> AsyncIterator[Any]:
        for number, address in enumerate(MISSPELLED):
            yield {"id": str(number), "image_urls": [address], "page_url": address}


def test_a_password_from_a_spider_of_the_users_is_not_logged(
    crawl: Crawl, caplog: pytest.LogCaptureFixture
) -> None:
    with StandIn(exhibits(1)) as standin:
        crawl.stats_of(standin, spider=PlainSpider)
    assert caplog.text.count("failed bad_url: wallpaper ") == len(MISSPELLED)
    catalogue = b"".join(path.read_bytes() for path in crawl.store.glob(f"{FILE_NAME}*"))
    assert b"***" in catalogue
    assert b"canary" not in (caplog.text.encode() + catalogue).lower()


class BidirectionalAddresses(StandIn):
    """Lists addresses with a character that reverses the text behind it."""

    def entry(self, exhibit: Exhibit) -> dict[str, Any]:
        entry = super().entry(exhibit)
        return entry | {"downloadUrl": f"{entry['downloadUrl']}?name=a\u202egpj.b"}


def test_a_bidirectional_mark_in_an_address_is_sent_encoded(crawl: Crawl) -> None:
    with BidirectionalAddresses(exhibits(2)) as standin:
        run = crawl(standin, {"LOG_LEVEL": "DEBUG"})
    assert run.stats["wallpapers/stored"] == 2
    assert all(image["url"].endswith("?name=a%E2%80%AEgpj.b") for image in run.images())
    assert sum(path.endswith("?name=a%E2%80%AEgpj.b") for path in standin.asked) == 2
    assert "\u202e" not in run.log


# Bounds


class LargeValues(StandIn):
    """Has an entry whose values are as large as a page may be; the one behind it is good."""

    value: dict[str, Any]

    def entry(self, exhibit: Exhibit) -> dict[str, Any]:
        entry = super().entry(exhibit)
        return entry | self.value if exhibit is self.exhibits[0] else entry


def test_no_value_of_a_listing_costs_more_than_its_entry(crawl: Crawl) -> None:
    cases: tuple[tuple[dict[str, Any], int], ...] = (
        ({"title": "x" * 7_000_000}, 2),
        ({"tags": ["x"] * 1_000_000}, 2),
        ({"id": "x" * 5_000_000}, 2),
        ({"downloadUrl": "http://host/" + "x" * 5_000_000}, 2),  # its imageUrl is good
        (dict.fromkeys(("downloadUrl", "imageUrl", "objUrl"), "http://" + "x" * 2_000_000), 1),
    )
    for number, (value, stored) in enumerate(cases):
        crawl.move_to(crawl.store.parent.parent / str(number))
        with LargeValues(exhibits(2)) as standin:
            standin.value = value
            run = crawl(standin)
        assert run.exit_status is ExitStatus.COMPLETE
        assert run.stats["wallpapers/stored"] == stored
        assert run.stats.get("wallpapers/entry/no_candidate", 0) == 2 - stored
        assert max(len(json.dumps(item)) for item in run.items) < 10_000
        assert len(run.log) < 20_000


# Defects


class CarelessJson(StandIn):
    """Sends ``\\u`` without digits, stray commas, and a comment behind its answer."""

    def encode(self, answer: dict[str, Any]) -> bytes:
        body = super().encode(answer).replace(b"wallpaper", rb"C:\users\x41\'")
        return body.replace(b"{}]", b"{},]") + b"\0<!-- 0.3 s -->"


class OneBrokenEntry(StandIn):
    """Puts quotes into the first title as they stand."""

    def encode(self, answer: dict[str, Any]) -> bytes:
        return super().encode(answer).replace(b'"desc":"', b'"desc":"a "quoted" word', 1)


def test_careless_json_costs_nothing(crawl: Crawl) -> None:
    with CarelessJson(exhibits(3)) as standin:
        run = crawl(standin)
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == 3


def test_a_broken_entry_costs_itself(crawl: Crawl) -> None:
    with OneBrokenEntry(exhibits(3)) as standin:
        run = crawl(standin)
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == 2
    assert run.stats["wallpapers/entry/not_an_object"] == 1


class BingWithoutPages(BingStandIn):
    def entry(self, exhibit: Exhibit) -> dict[str, Any]:
        return super().entry(exhibit) | {"copyrightlink": "javascript:void(0)"}


def test_a_javascript_address_is_not_a_page_url(crawl: Crawl) -> None:
    with BingWithoutPages(exhibits(2)) as standin:
        run = crawl(standin, spider=BingWallpaperSpider)
    assert [item["page_url"] for item in run.items] == ["", ""]


# Redirects


MISSPELLED_LOCATIONS = (
    "http://me:canary@host/x",
    "http:me:canary@host/x",
    "http:/me:canary@host/x",
    "HTTP:///me:canary@host/x",
    "///me:canary@host/x",
    r"/\me:canary@host/x",
    r"http:\\me:canary@host/x",
)


class MisspelledRedirects(StandIn):
    """Redirects each image but the first to a misspelled address with a password."""

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        number = self.exhibits.index(exhibit)
        if not number:
            return await super().picture(request, exhibit)
        return web.Response(status=302, headers={"Location": MISSPELLED_LOCATIONS[number - 1]})


def test_a_redirect_to_a_misspelled_address_is_refused_unseen(crawl: Crawl) -> None:
    with MisspelledRedirects(exhibits(1 + len(MISSPELLED_LOCATIONS))) as standin:
        run = crawl(standin, {"LOG_LEVEL": "DEBUG"})
    assert run.stats["wallpapers/stored"] == 1
    assert run.stats["wallpapers/failed/bad_url"] == len(MISSPELLED_LOCATIONS)
    assert "an address that is malformed, not http(s), or contains a user name" in run.warnings()[0]
    assert "canary" not in run.log


def test_a_redirect_from_https_to_http_is_reported_as_one() -> None:
    middleware = PictureRedirectMiddleware(Settings({"REDIRECT_ENABLED": True}))
    response = Response("https://host/x", 302, headers={"Location": "http://host/x"})
    with pytest.raises(RedirectRefusedError, match="redirect from https to http"):
        middleware.process_response(Request("https://host/x"), response)


# Names


def test_a_picture_under_the_shorter_name_of_older_versions_is_known(crawl: Crawl) -> None:
    with StandIn(exhibits(2)) as standin:
        first = crawl(standin, tag="a/b")
        folder = safe_name("a/b")
        older = folder[:-10]
        (first.store / "baidu_wallpaper" / folder).rename(first.store / "baidu_wallpaper" / older)
        with closing(sqlite3.connect(first.store / FILE_NAME)) as catalogue, catalogue:
            catalogue.execute("UPDATE pictures SET path = replace(path, ?, ?)", (folder, older))
        standin.asked.clear()
        run = crawl(standin, tag="a/b")
        assert not [path for path in standin.asked if path.startswith("/image/")]
    assert run.stats["wallpapers/known"] == 2
    assert all(f"/{older}/" in image["path"] for image in run.images())
