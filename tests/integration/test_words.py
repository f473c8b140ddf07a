"""Read several listings in one run: one for each line of the file that ``@FILE`` names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from yarl import URL

from tests.conftest import Crawl, Run
from tests.pictures import exhibit, exhibits
from tests.standin import listing_faults as faults
from tests.standin.several_listings import SeveralListings, several
from tests.standin.sources import (
    BingStandIn,
    ChannelStandIn,
    FlipStandIn,
    SearchStandIn,
    WallhavenStandIn,
)
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn
from wallpapers.run.exit_status import ExitStatus
from wallpapers.spiders.baidu_channel import BaiduChannelSpider
from wallpapers.spiders.baidu_flip import BaiduFlipSpider
from wallpapers.spiders.baidu_search import BaiduSearchSpider
from wallpapers.spiders.baidu_wallpaper import BaiduWallpaperSpider
from wallpapers.spiders.bing_wallpaper import BingWallpaperSpider
from wallpapers.spiders.wallhaven import WallhavenSpider

# Each spider with its stand-in, the argument for words, and the parameter that it sends.
EVERY = [
    (BaiduWallpaperSpider, StandIn, "tag", "tag"),
    (BaiduSearchSpider, SearchStandIn, "word", "word"),
    (BaiduChannelSpider, ChannelStandIn, "tag2", "tag2"),
    (BaiduFlipSpider, FlipStandIn, "word", "word"),
    (BingWallpaperSpider, BingStandIn, "mkt", "mkt"),
    (WallhavenSpider, WallhavenStandIn, "q", "q"),
]
SEA, SKY = exhibits(4), [exhibit(number) for number in range(10, 15)]


def tags(by_word: Mapping[str, Sequence[Exhibit]]) -> StandIn:
    return several(StandIn, "tag", by_word)


def words_file(folder: Path, *lines: str) -> str:
    """Write *lines* to a file; return the value of an argument that names it."""
    path = folder / "words.txt"
    path.write_text("\n".join(lines))
    return f"@{path}"


def listings(run: Run) -> list[str]:
    """Return the lines of the summary about listings."""
    lines = run.log[run.log.index("Listings of this run") :].splitlines()[1:]
    end = next(number for number, line in enumerate(lines) if "Wallpapers of this run" in line)
    return lines[:end]


def words_asked(standin: StandIn, parameter: str = "tag") -> list[str]:
    """Return the words of the requests for first pages, in their order."""
    requests = [URL(path) for path in standin.asked]
    pages = [url.query for url in requests if url.path == standin.path]
    return list(dict.fromkeys(query[parameter] for query in pages))


@pytest.mark.parametrize(("spider", "standin", "argument", "parameter"), EVERY)
def test_each_word_of_a_file_is_a_listing_with_its_own_folder(
    crawl: Crawl, tmp_path: Path, spider: Any, standin: type[StandIn], argument: str, parameter: str
) -> None:
    shown = {"sea": SEA, "sky": SKY}
    with several(standin, parameter, shown) as server:
        words: dict[str, Any] = {argument: words_file(tmp_path, *shown)}
        run = crawl(server, spider=spider, **words)
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.warnings() == []
    assert run.stats["wallpapers/stored"] == 9
    assert run.stats["wallpapers/listings/read"] == 2
    for word, there in shown.items():
        images = [item["images"][0] for item in run.items if word in item["listing"]]
        assert sorted(map(run.bytes_of, images)) == sorted(e.content() for e in there)
        assert all(f"/{item['listing']}/" in item["images"][0]["path"] for item in run.items)
    assert [line.split() for line in listings(run)] == [
        ["read", "4", f"{_name(spider, 'sea')}:", "stored", "4"],
        ["read", "5", f"{_name(spider, 'sky')}:", "stored", "5"],
    ]


def _name(spider: Any, word: str) -> str:
    return f"壁纸-{word}" if spider is BaiduChannelSpider else word


def test_a_listing_that_fails_does_not_keep_the_others_from_being_read(
    crawl: Crawl, tmp_path: Path
) -> None:
    words = words_file(tmp_path, "nothing", "sea", "nothing too", "sky")
    with tags({"sea": SEA, "sky": SKY}) as standin:
        run = crawl(standin, tag=words)
    assert run.exit_status is ExitStatus.LISTING
    assert run.stats["wallpapers/stored"] == 9
    assert run.stats["wallpapers/listings/failed"] == 2
    first, second = run.warnings()[:2]
    assert "nothing: No wallpapers found in the listing (0 entries" in first
    assert "nothing too: No wallpapers found" in second
    (error,) = run.errors()
    assert "2 of 4 listings failed; first: nothing: No wallpapers found" in error
    assert [line.split()[0] for line in listings(run)] == ["failed", "read", "failed", "read"]


class Refusing(faults.AntiFlag, SeveralListings):
    """Refuses some words, as a source that takes the program for a robot."""

    refused: tuple[str, ...] = ()

    async def listing(self, request: web.Request) -> web.StreamResponse:
        if request.query[self.parameter] in self.refused:
            return self.fault(request)
        return await SeveralListings.listing(self, request)


def refusing(*words: str) -> StandIn:
    class RefusingSome(Refusing):
        parameter = "tag"
        by_word = {"sea": SEA, "sky": SKY}  # noqa: RUF012
        refused = words

    return RefusingSome([*SEA, *SKY])


def test_two_refusals_in_a_row_end_the_series(crawl: Crawl, tmp_path: Path) -> None:
    words = words_file(tmp_path, "sea", "a", "b", "c", "sky")
    with refusing("a", "b", "c") as standin:
        run = crawl(standin, tag=words)
        assert words_asked(standin) == ["sea", "a", "b"]
    assert run.exit_status is ExitStatus.LISTING
    assert run.stats["wallpapers/stored"] == 4
    assert run.stats["wallpapers/listings/unread"] == 2
    assert "2 listings not read: the source refused the last 2" in run.warnings()[-2]
    assert listings(run)[-1].split() == ["unread", "2", "listings"]


def test_one_refusal_does_not_end_the_series(crawl: Crawl, tmp_path: Path) -> None:
    with refusing("a", "b") as standin:
        run = crawl(standin, tag=words_file(tmp_path, "a", "sea", "b", "sky"))
    assert run.exit_status is ExitStatus.LISTING
    assert run.stats["wallpapers/stored"] == 9


def test_a_source_that_does_not_respond_ends_the_series(crawl: Crawl, tmp_path: Path) -> None:
    with faults.HangingUp(SEA) as standin:
        run = crawl(standin, {"RETRY_TIMES": 0}, tag=words_file(tmp_path, *"abcd"))
    assert "2 of 4 listings failed; first: " in run.errors()[0]
    assert run.stats["wallpapers/listings/unread"] == 2


def test_limit_is_for_each_listing(crawl: Crawl, tmp_path: Path) -> None:
    with tags({"sea": SEA, "sky": SKY}) as standin:
        run = crawl(standin, tag=words_file(tmp_path, "sea", "sky"), limit=3, rn=2)
    assert run.exit_status is ExitStatus.COMPLETE
    assert [item["listing"] for item in run.items].count("sea") == 3
    assert [item["listing"] for item in run.items].count("sky") == 3


def test_a_wallpaper_of_two_listings_is_requested_once(crawl: Crawl, tmp_path: Path) -> None:
    with tags({"sea": SEA, "blue": [*SEA, *SKY]}) as standin:
        run = crawl(standin, tag=words_file(tmp_path, "sea", "blue"))
        asked = [path for path in standin.asked if path.startswith("/image")]
    assert len(asked) == len(set(asked)) == 9
    assert run.stats["wallpapers/listed"] == 13
    assert run.stats["wallpapers/stored"] == 9
    assert len(list(crawl.store.glob("baidu_wallpaper/*/*"))) == 9


def test_each_listing_begins_with_the_first_protocol(crawl: Crawl, tmp_path: Path) -> None:
    with several(SearchStandIn, "word", {"sea": SEA}) as standin:
        run = crawl(standin, spider=BaiduSearchSpider, word=words_file(tmp_path, "nothing", "sea"))
        asked = ["newReq" in path for path in standin.asked if path.startswith("/search")]
    assert asked[:3] == [False, True, False]
    assert run.stats["wallpapers/stored"] == 4


def test_comments_empty_lines_and_repeats_are_skipped(crawl: Crawl, tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    lines = ["# places", "", "  sea  ", "sky", "\t", "sea", "# sun"]
    path.write_bytes("\r\n".join(lines).encode("utf-8-sig"))
    with tags({"sea": SEA, "sky": SKY}) as standin:
        run = crawl(standin, tag=f"@{path}")
        assert words_asked(standin) == ["sea", "sky"]
    assert run.exit_status is ExitStatus.COMPLETE


def test_text_may_begin_with_an_at_sign(crawl: Crawl, tmp_path: Path) -> None:
    with several(WallhavenStandIn, "q", {"@painter": SEA}) as standin:
        one = crawl(standin, spider=WallhavenSpider, q="@@painter")
        run = crawl(standin, spider=WallhavenSpider, q=words_file(tmp_path, "@painter", "#sea"))
    assert one.stats["wallpapers/stored"] == run.stats["wallpapers/known"] == 4
    assert {item["listing"] for item in one.items} == {"@painter"}
    assert "Listings of this run" not in run.log


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "No such file or directory; write @@ for text that begins with @"),
        (b"", "no words in the file; write one on each line"),
        (b"\n# none\n \n", "no words in the file; write one on each line"),
        ("风景".encode("gbk"), "not UTF-8 at byte 0; save the file as UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_ends_the_run_before_the_first_request(
    crawl: Crawl, tmp_path: Path, content: bytes | None, problem: str
) -> None:
    path = tmp_path / "words.txt"
    if content is not None:
        path.write_bytes(content)
    with StandIn(SEA) as standin:
        with pytest.raises(ValueError, match="words") as caught:
            crawl(standin, tag=f"@{path}")
        assert standin.asked == []
    assert str(caught.value) == f"tag=@{path}: {problem}"
