"""The objection of an image server to AI training is in the results and in the catalogue."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial

import pytest
from aiohttp import web

from tests.conftest import Crawl
from tests.integration.catalogue_rows import image, put, wallpaper
from tests.integration.conftest import Open
from tests.pictures import exhibit, exhibits
from tests.standin.picture_faults import FaultyPictures
from wallpapers.catalogue.entries import Entries
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn


class TaggedPictures(FaultyPictures):
    """Serves every picture but the first with an ``X-Robots-Tag`` for each of ``tags``."""

    tags: tuple[str, ...] = ("noai, noimageai",)

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        response = await StandIn.picture(self, request, exhibit)
        if exhibit is not self.exhibits[0]:
            for tag in self.tags:
                response.headers.add("X-Robots-Tag", tag)
        return response


def flagged(crawl: Crawl) -> int:
    """Return the number of wallpapers that the catalogue has with the flag."""
    with closing(sqlite3.connect(crawl.store / FILE_NAME)) as catalogue:
        ((count,),) = catalogue.execute("SELECT sum(noai) FROM wallpapers")
    return int(count)


def test_an_image_that_objects_to_ai_is_marked_in_this_run_and_in_the_next(crawl: Crawl) -> None:
    with TaggedPictures(exhibits(2)) as standin:
        for verdict in ("stored", "known"):
            run = crawl(standin)
            assert run.stats[f"wallpapers/{verdict}"] == 2
            by_id = {item["id"]: item["images"][0] for item in run.items}
            first, second = (by_id[exhibit.id] for exhibit in standin.exhibits)
            assert "noai" not in first
            assert second["noai"] is True
            assert flagged(crawl) == 1


def test_the_mark_is_that_of_a_wallpaper_not_of_its_bytes(crawl: Crawl) -> None:
    """The same bytes may be at an address that does not object."""
    content = exhibits(1)[0].content()
    with TaggedPictures([exhibit(number, content) for number in (1, 2)]) as standin:
        run = crawl(standin, {"CONCURRENT_REQUESTS": 1})
    assert run.stats["wallpapers/duplicate"] == 1
    assert sorted(image.get("noai", False) for image in run.images()) == [False, True]
    assert flagged(crawl) == 1


@pytest.mark.parametrize(
    ("tags", "objects"),
    [
        (("noai",), True),
        (("noindex, NoImageAI",), True),
        (("img2dataset: noai",), True),
        (("noindex", "noai"), True),
        (("otherbot: nofollow,noimageai , noindex",), True),
        (("noindex, nofollow",), False),
        (("unavailable_after: 25 Jun 2030 15:00:00 PST",), False),
        (("noaim, xnoai, no-ai",), False),
        (("",), False),
        (("\x80, " * 1_000 + "noa",), False),
    ],
)
def test_every_spelling_of_the_header_is_read(
    crawl: Crawl, tags: tuple[str, ...], objects: bool
) -> None:
    with TaggedPictures(exhibits(2)) as standin:
        standin.tags = tags
        crawl(standin)
    assert flagged(crawl) == objects


def test_a_failure_keeps_the_mark_and_another_image_replaces_it(
    open_it: Open, store: dict[str, int]
) -> None:
    catalogue = open_it()

    def is_marked() -> bool:
        held = catalogue.run(lambda entries: entries.enter_listed([wallpaper()]))["s", "1"]
        return held.image.get("noai", False)

    put(catalogue, store, wallpaper(), {**image(), "noai": True})
    assert is_marked()
    catalogue.run(
        partial(Entries.fail, wallpaper=wallpaper(), reason="http_404", host="", tried="")
    )
    assert is_marked()
    put(catalogue, store, wallpaper(), image("bb", "s/1-other.jpg"))
    assert not is_marked()
