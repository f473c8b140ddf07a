"""Crawl the stand-in of baidu_wallpaper: what is stored, arguments, paging."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.conftest import Crawl
from tests.pictures import exhibit, exhibits
from tests.standin import listing_faults as faults
from wallpapers.demo.standin import StandIn
from wallpapers.run.exit_status import ExitStatus

# What is stored


def test_images_are_stored_byte_for_byte(crawl: Crawl) -> None:
    shown = exhibits(25)
    with StandIn(shown) as standin:
        run = crawl(standin, rn=10)
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == 25
    served = {exhibit.id: exhibit.content() for exhibit in shown}
    assert {item["id"]: run.bytes_of(item["images"][0]) for item in run.items} == served


def test_an_item_has_all_fields(crawl: Crawl) -> None:
    with StandIn([exhibit(id="1234567890", title="层峦叠嶂", width=192, height=108)]) as standin:
        run = crawl(standin)
        origin = standin.origin
    (item,) = run.items
    (image,) = item.pop("images")
    address = f"{origin}/image/pic/item/{exhibit(id='1234567890').sign}.jpg"
    assert item == {
        "id": "1234567890",
        "image_urls": [address],
        "source": "baidu_wallpaper",
        "listing": "国家地理",
        "credit": "",
        "licence": "",
        "colors": [],
        "extra": {"column": "壁纸"},
        "title": "层峦叠嶂",
        "tags": ["国家地理"],
        "page_url": f"{origin}/pins/1234567890/",
        "date": "2016-01-26",
        "width": 192,
        "height": 108,
        "previews": [],
    }
    assert image["url"] == address
    assert image["path"] == "baidu_wallpaper/国家地理/1234567890.jpg"
    assert (image["status"], image["width"], image["height"]) == ("downloaded", 96, 64)


def test_a_damaged_file_is_downloaded_again(crawl: Crawl) -> None:
    shown = exhibits(5)
    with StandIn(shown) as standin:
        paths = [crawl.store / image["path"] for image in crawl(standin).images()]
        paths[0].write_bytes(b"")
        paths[1].write_bytes(paths[1].read_bytes()[:500])
        paths[2].write_bytes(b"<html>")
        paths[3].unlink()
        standin.asked.clear()
        run = crawl(standin)
        assert len(pictures_asked(standin)) == 4
    assert run.stats["wallpapers/known"] == 1
    assert run.stats["wallpapers/stored"] == 4


def test_wallpapers_that_share_an_address_share_the_download(crawl: Crawl) -> None:
    class SharedPicture(StandIn):
        def entry(self, exhibit: Any) -> dict[str, Any]:
            shared = f"{self.origin}/image/pic/item/{self.exhibits[0].sign}.jpg"
            keys = ("downloadUrl", "imageUrl", "objUrl")
            return super().entry(exhibit) | dict.fromkeys(keys, shared)

    with SharedPicture(exhibits(4)) as standin:
        run = crawl(standin)
        assert len(pictures_asked(standin)) == 1
    assert run.stats["wallpapers/stored"] == 1
    assert run.stats["wallpapers/duplicate"] == 3
    assert len({image["path"] for image in run.images()}) == 1


def test_the_headers_of_image_requests(crawl: Crawl) -> None:
    with StandIn(exhibits(1)) as standin:
        crawl(standin)
        headers = standin.received[standin.asked.index(pictures_asked(standin)[0])]
        assert headers["Referer"] == f"{standin.origin}/"
        assert headers["Accept-Encoding"] == "identity"
        assert headers["User-Agent"].startswith("wallpapers/")


# Requests


def test_the_arguments_are_sent(crawl: Crawl) -> None:
    with StandIn(exhibits(3)) as standin:
        crawl(
            standin,
            endpoint=f"{standin.endpoint}?token=k%26k",
            col="摄影",
            tag="风景",
            tag3="海滩沙滩",
            width=2560,
            height=1440,
            pn=1,
            rn=30,
            _job="ignored",
        )
        query = parse_qs(urlsplit(standin.asked[0]).query, keep_blank_values=True)
    assert query["token"] == ["k&k"]
    assert query["col"] == ["摄影"]
    assert (query["tag"], query["tag3"]) == (["风景"], ["海滩沙滩"])
    assert (query["width"], query["height"]) == (["2560"], ["1440"])
    assert (query["pn"], query["rn"]) == (["1"], ["30"])


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"rn": "abc"}, "rn must be a number from 1 to 100, got 'abc'"),
        ({"rn": "0"}, "rn must be a number from 1 to 100, got '0'"),
        ({"rn": "101"}, "rn must be a number from 1 to 100, got '101'"),
        ({"pn": "-1"}, "pn must be a number 0 or more, got '-1'"),
        ({"limit": "1.5"}, "limit must be a number 0 or more, got '1.5'"),
        ({"width": "0"}, "width must be a number from 1 to 100000, or a size such as 4k, got '0'"),
        ({"foo": "1"}, "unknown argument 'foo'; expected one of: col, tag, tag3"),
        ({"widht": "1"}, ", endpoint (did you mean 'width'?)"),
        ({"IMAGES_STORE": "x"}, "'IMAGES_STORE'; a setting is given with -s IMAGES_STORE=..."),
        ({"name": "other"}, "unknown argument 'name'; expected one of: "),
        ({"endpoint2": "http://u:canary@x/"}, "(did you mean 'endpoint'?)"),
        ({"tag": b"\xff".decode("utf-8", "surrogateescape")}, "tag must be text in UTF-8"),
        ({"endpoint": "ftp://x"}, "endpoint must be an http:// or https:// address"),
        ({"endpoint": "http://"}, "endpoint must be an http:// or https:// address"),
        ({"endpoint": "http://x:port/"}, "endpoint must be an http:// or https:// address"),
        ({"endpoint": "http://u:secret@x/"}, "without user and password, got '***'"),
    ],
)
def test_a_wrong_argument_ends_the_run_before_the_first_request(
    crawl: Crawl, arguments: dict[str, Any], line: str
) -> None:
    with StandIn(exhibits(1)) as standin:
        with pytest.raises(ValueError, match=r"must be|unknown argument") as caught:
            crawl(standin, **arguments)
        assert standin.asked == []
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "canary" not in str(caught.value)


# Where the listing ends


@pytest.mark.parametrize(("count", "pages"), [(20, 3), (21, 4), (9, 2)])
def test_a_listing_ends_with_a_page_without_entries(crawl: Crawl, count: int, pages: int) -> None:
    with StandIn(exhibits(count)) as standin:
        run = crawl(standin, rn=10)
        assert len(pages_asked(standin)) == pages
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/listed"] == count
    assert run.stats["wallpapers/pages"] == pages


def test_paging_advances_by_the_number_of_entries(crawl: Crawl) -> None:
    with faults.SinglesListing(exhibits(8)) as standin:
        run = crawl(standin, rn=60)
        offsets = [parse_qs(urlsplit(path).query)["pn"][0] for path in pages_asked(standin)]
    assert offsets == ["0", "3", "6", "8"]
    assert run.stats["wallpapers/stored"] == 8


def test_a_page_without_a_new_id_ends_the_listing(crawl: Crawl) -> None:
    with faults.RepeatingListing(exhibits(6)) as standin:
        run = crawl(standin, rn=6)
        assert len(pages_asked(standin)) == 2
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/listed"] == 6
    assert run.stats["wallpapers/repeated"] == 6


@pytest.mark.parametrize(("limit", "pages"), [(1, 1), (10, 1), (11, 2), (25, 3), (99, 4)])
def test_limit_ends_the_listing(crawl: Crawl, limit: int, pages: int) -> None:
    with StandIn(exhibits(25)) as standin:
        run = crawl(standin, rn=10, limit=limit)
        assert len(pages_asked(standin)) == pages
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/listed"] == min(limit, 25)


@pytest.mark.parametrize("total", [10**9, 0, -5, "25", "many", None, float("nan"), 3])
def test_the_claimed_total_never_ends_a_listing(crawl: Crawl, total: object) -> None:
    with faults.LyingTotal(exhibits(12)) as standin:
        standin.total = total
        run = crawl(standin, rn=10)
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/listed"] == 12
    claims_more = total in (10**9, "25")
    assert ("Listing ended after 12 of " in run.log) is claims_more
    assert run.errors() == []


def test_bad_entries_are_skipped_and_counted(crawl: Crawl) -> None:
    with faults.RottenEntries(exhibits(80)) as standin:
        run = crawl(standin)
        assert len(pages_asked(standin)) == 5
    assert run.stats["wallpapers/stored"] == 80
    assert run.stats["wallpapers/entry/not_an_object"] == 4 * 4
    assert run.stats["wallpapers/entry/no_candidate"] == 4 * 5


def pages_asked(standin: StandIn) -> list[str]:
    """Return the requests for pages of the listing."""
    return [path for path in standin.asked if path.startswith("/data/imgs")]


def pictures_asked(standin: StandIn) -> list[str]:
    """Return the requests for pictures."""
    return [path for path in standin.asked if path.startswith("/image/")]
