"""Feeds of every format are completed by successful runs only; until then the old one is kept."""

from __future__ import annotations

import csv
import fcntl
import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from aiohttp import web
from scrapy import Spider
from scrapy.exporters import JsonLinesItemExporter
from scrapy.extensions.feedexport import ItemFilter

from tests.conftest import Crawl
from tests.feeds import only_feed
from tests.pictures import exhibit, exhibits
from tests.standin.listing_faults import AntiFlag, HtmlListing
from tests.standin.picture_faults import MissingPicture
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn
from wallpapers.run.exit_status import ExitStatus


def test_json_is_an_array_of_readable_items(crawl: Crawl, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "out.json"
    with StandIn(exhibits(3)) as standin:
        run = crawl(standin, only_feed(target, "json"))
    assert json.loads(target.read_text()) == run.items
    assert "国家地理" in target.read_text()
    assert not target.with_name("out.partial.json").exists()


def test_csv_cells_contain_lists_and_results_as_json(crawl: Crawl, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    with MissingPicture(exhibits(3)) as standin:
        run = crawl(standin, only_feed(target, "csv"))
    with target.open(newline="") as file:
        rows = list(csv.DictReader(file))
    listed = ("image_urls", "tags", "images")
    assert [{name: json.loads(row[name]) for name in listed} for row in rows] == [
        {name: item[name] for name in listed} for item in run.items
    ]
    assert [row["id"] for row in rows] == [item["id"] for item in run.items]


def test_xml_nests_the_result(crawl: Crawl, tmp_path: Path) -> None:
    target = tmp_path / "out.xml"
    with StandIn(exhibits(3)) as standin:
        run = crawl(standin, only_feed(target, "xml"))
    paths = [node.text for node in ET.parse(target).getroot().iter("path")]
    assert paths == [image["path"] for image in run.images()]


def test_a_compressed_feed_is_complete(crawl: Crawl, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl.gz"
    plugins = ["scrapy.extensions.postprocessing.GzipPlugin"]
    with StandIn(exhibits(3)) as standin:
        run = crawl(standin, only_feed(target, "jsonlines", postprocessing=plugins))
    lines = gzip.decompress(target.read_bytes()).decode().splitlines()
    assert [json.loads(line) for line in lines] == run.items


@pytest.mark.parametrize(("kind", "empty"), [("json", "[\n\n]"), ("jsonlines", ""), ("xml", None)])
def test_a_failed_run_leaves_a_partial_feed_and_keeps_the_old_one(
    crawl: Crawl, tmp_path: Path, kind: str, empty: str | None
) -> None:
    target = tmp_path / f"out.{kind}"
    target.write_text("yesterday's")
    with AntiFlag(exhibits(20)) as standin:
        run = crawl(standin, only_feed(target, kind))
    assert run.exit_status is ExitStatus.LISTING
    assert target.read_text() == "yesterday's"
    partial = target.with_name(f"out.partial.{kind}")
    if empty is None:
        assert len(ET.parse(partial).getroot()) == 0
    else:
        assert partial.read_text() == empty
    assert any(line.endswith(f"kept in {partial}") for line in run.warnings())


def test_a_partial_feed_is_parseable(crawl: Crawl, tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    with HtmlListing(exhibits(20)) as standin:
        standin.from_page = 10
        run = crawl(standin, only_feed(target, "json"), rn=10)
    assert run.exit_status is ExitStatus.LISTING
    assert len(json.loads((tmp_path / "out.partial.json").read_text())) == 10
    assert not target.exists()


def test_a_run_with_failures_completes_its_feed(crawl: Crawl, tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    with MissingPicture(exhibits(3)) as standin:
        run = crawl(standin, only_feed(target, "json"))
    assert run.exit_status is ExitStatus.FAILURES
    assert [len(item["images"]) for item in json.loads(target.read_text())].count(0) == 2


@pytest.mark.parametrize("kind", ["jsonlines", "csv"])
@pytest.mark.parametrize("ending", ["\n", ""], ids=["whole line", "no newline"])
def test_new_items_are_appended_to_lines_and_rows(
    crawl: Crawl, tmp_path: Path, kind: str, ending: str
) -> None:
    target = tmp_path / f"out.{kind}"
    with StandIn(exhibits(3)) as standin:
        crawl(standin, only_feed(target, kind, overwrite=False))
        once = target.read_text().splitlines()
        target.write_text("\n".join(once) + ending)
        crawl(standin, only_feed(target, kind, overwrite=False))
    lines = target.read_text().splitlines()
    header = int(kind == "csv")
    assert len(lines) == 6 + header
    assert lines[: len(once)] == once
    assert "source" not in lines[3 + header].split(",")


@pytest.mark.parametrize("kind", ["json", "xml"])
def test_appending_to_other_formats_is_refused(crawl: Crawl, tmp_path: Path, kind: str) -> None:
    target = tmp_path / f"out.{kind}"
    target.write_text("yesterday's")
    with StandIn(exhibits(3)) as standin:
        with pytest.raises(ValueError, match=r"with -O .*\.jsonl"):
            crawl(standin, only_feed(target, kind, overwrite=False))
        assert standin.asked == []
    assert target.read_text() == "yesterday's"


def test_a_feed_that_cannot_be_opened_stops_the_run_before_the_first_request(
    crawl: Crawl, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with StandIn(exhibits(3)) as standin:
        run = crawl(standin, only_feed(tmp_path / "file" / "out.json", "json"))
        assert standin.asked == []
    assert run.exit_status is ExitStatus.STORE
    (error,) = run.errors()
    assert "Feed failed: " in error
    assert f"File exists: {tmp_path / 'file'}" in error


def test_links_are_kept_and_devices_written_directly(crawl: Crawl, tmp_path: Path) -> None:
    real = tmp_path / "real.json"
    link = tmp_path / "link.json"
    real.write_text("yesterday's")
    link.symlink_to(real)
    feeds = only_feed(link, "json")["FEEDS"] | only_feed(Path("/dev/null"), "json")["FEEDS"]
    with StandIn(exhibits(2)) as standin:
        crawl(standin, {"FEEDS": feeds})
    assert link.is_symlink()
    assert len(json.loads(real.read_text())) == 2
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize(
    "plant",
    [Path.symlink_to, Path.hardlink_to, lambda path, victim: os.mkfifo(path)],
    ids=["symbolic link", "hard link", "FIFO"],
)
def test_a_link_as_partial_feed_is_replaced(
    crawl: Crawl, tmp_path: Path, plant: Callable[[Path, Path], object]
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    plant(tmp_path / "out.partial.json", victim)
    with StandIn(exhibits(2)) as standin:
        run = crawl(standin, only_feed(tmp_path / "out.json", "json"))
    assert run.exit_status is ExitStatus.COMPLETE
    assert len(json.loads((tmp_path / "out.json").read_text())) == 2
    assert victim.read_text() == "precious"


def test_a_text_that_the_encoding_lacks_fails_the_feed_and_keeps_the_old_one(
    crawl: Crawl, tmp_path: Path
) -> None:
    target = tmp_path / "out.csv"
    target.write_text("yesterday's")
    with StandIn([exhibit(1, title="日落 🌅")]) as standin:
        stats = crawl.stats_of(standin, only_feed(target, "csv", encoding="gbk"))
        with pytest.raises(ValueError, match="FEED_EXPORT_ENCODING must be an encoding"):
            crawl(standin, only_feed(target, "csv", encoding="nonsense"))
    assert stats["wallpapers/outcome"] == "store"
    assert target.read_text() == "yesterday's"


def test_a_feed_is_written_by_one_run_at_a_time(crawl: Crawl, tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    with (tmp_path / "out.partial.json").open("wb") as other, StandIn(exhibits(2)) as standin:
        fcntl.flock(other, fcntl.LOCK_EX)
        run = crawl(standin, only_feed(target, "json"))
        assert standin.asked == []
    assert run.exit_status is ExitStatus.STORE
    assert "in use by another run" in run.errors()[0]


class FeedOfAnotherRun(StandIn):
    """Another run stores its feed before this one has opened its own."""

    target: Path

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        self.target.write_text('{"id": "of another run"}\n')
        return await super().picture(request, exhibit)


@pytest.mark.parametrize("kind", ["jsonlines", "json"])
def test_a_feed_that_another_run_has_just_stored_is_not_replaced(
    crawl: Crawl, tmp_path: Path, kind: str
) -> None:
    target = tmp_path / f"out.{kind}"
    with FeedOfAnotherRun(exhibits(1)) as standin:
        standin.target = target
        appending = only_feed(target, kind, overwrite=False)
        run = crawl(standin, {**appending, "FEED_STORE_EMPTY": False})
    first, *others = target.read_text().splitlines()
    assert json.loads(first) == {"id": "of another run"}
    if kind == "json":
        assert run.exit_status is ExitStatus.STORE
        assert "with -O" in run.errors()[0]
    else:
        assert run.exit_status is ExitStatus.COMPLETE
        assert len(others) == 1


def failing(error: str) -> type[Any]:
    class Failing(JsonLinesItemExporter):
        def finish_exporting(self) -> None:
            raise RuntimeError(error)

    return Failing


def test_no_feed_is_completed_if_one_fails_at_the_end(crawl: Crawl, tmp_path: Path) -> None:
    (tmp_path / "out.json").write_text("yesterday's")
    feeds = {
        **only_feed(tmp_path / "out.json", "json")["FEEDS"],
        **only_feed(tmp_path / "x", "mine")["FEEDS"],
    }
    with StandIn(exhibits(3)) as standin:
        run = crawl(standin, {"FEEDS": feeds, "FEED_EXPORTERS": {"mine": failing("no end")}})
    assert run.exit_status is ExitStatus.STORE
    assert "no end" in run.errors()[0]
    assert (tmp_path / "out.json").read_text() == "yesterday's"
    assert len(json.loads((tmp_path / "out.partial.json").read_text())) == 3


class Even(ItemFilter):
    def accepts(self, item: Any) -> bool:
        return int(item.id) % 2 == 0


def named(params: dict[str, Any], spider: Spider) -> dict[str, Any]:
    return {**params, "place": "here"}


def test_filters_fields_and_names_work_as_in_scrapy(crawl: Crawl, tmp_path: Path) -> None:
    options = {"item_filter": Even, "fields": {"id": "number"}, "uri_params": named}
    with StandIn(exhibits(4)) as standin:
        target = f"file://{tmp_path}/%(name)s/%(place)s.csv"
        run = crawl(standin, {"FEEDS": {target: {"format": "csv", **options}}})
    rows = (tmp_path / "baidu_wallpaper" / "here.csv").read_text().split()
    assert rows == ["number", *(item["id"] for item in run.items if int(item["id"]) % 2 == 0)]
    assert len(rows) == 3
