"""A crawl of the stand-in: what is listed is stored, and the listing ends where it ends."""

from __future__ import annotations

from tests.conftest import Crawl
from tests.pictures import exhibits
from wallpapers.demo.standin import StandIn
from wallpapers.outcome import Ending


def test_every_listed_wallpaper_is_stored_as_it_was_served(crawl: Crawl) -> None:
    shown = exhibits(25)
    with StandIn(shown) as standin:
        run = crawl(standin, rn=10)
    assert run.ending is Ending.COMPLETE
    served = {exhibit.id: exhibit.content() for exhibit in shown}
    assert {item["id"]: run.bytes_of(item["images"][0]) for item in run.items} == served
