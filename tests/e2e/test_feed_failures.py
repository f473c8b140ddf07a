"""Feeds after a full disk, an interruption or a kill contain all complete items."""

from __future__ import annotations

import json
import signal
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import FAST, TIMEOUT_S, finish, read_until, scrapy, start
from tests.feeds import FORMATS, PLUGINS, feed, ids
from tests.pictures import exhibits
from tests.standin.listing_faults import HtmlListing
from tests.standin.picture_faults import HeldPictures

KINDS = [(kind, suffix) for kind in FORMATS for suffix in PLUGINS]
# Its items do not compress to less than a half.
SPIDER = """
import random
import scrapy

class ItemsSpider(scrapy.Spider):
    name = "items"
    start_urls = ["file:///dev/null"]

    def parse(self, response):
        for number in range(1000):
            yield {"id": str(number), "text": random.Random(number).randbytes(SIZE).hex()}
"""


def partial_of(folder: Path, kind: str, suffix: str) -> Path:
    stem, _, extension = f"out.{kind}{suffix}".rpartition(".")
    return folder / f"{stem}.partial.{extension}"


def full_disk(
    folder: Path, kind: str, suffix: str, *, size: int, limit: int
) -> tuple[int, list[str], list[str]]:
    """Crawl onto a full disk; return the status, the errors, and the ids in the partial feed."""
    (folder / "mine").mkdir()
    (folder / "mine" / "__init__.py").write_text(SPIDER.replace("SIZE", str(size)))
    target = folder / f"out.{kind}{suffix}"
    target.write_text("yesterday's")
    settings: dict[str, Any] = {
        "SPIDER_MODULES": "mine",
        "FEEDS": json.dumps(feed(target, kind, overwrite=True)),
        "DOWNLOAD_HANDLERS": '{"file": "scrapy.core.downloader.handlers.file.FileDownloadHandler"}',
        "IMAGES_STORE": str(folder / "store"),
    }
    words = [word for name, value in settings.items() for word in ("-s", f"{name}={value}")]
    result = scrapy("crawl", "items", *words, cwd=folder, most_file_bytes=limit)
    assert target.read_text() == "yesterday's"
    return result.status, result.errors, ids(partial_of(folder, kind, suffix), kind)


@pytest.mark.parametrize(("kind", "suffix"), [
    *((kind, "") for kind in ("json", "jsonlines", "csv", "xml", "pickle", "marshal")),
    *((kind, ".gz") for kind in ("json", "csv", "xml")),
])  # fmt: skip
def test_a_full_disk_leaves_all_items_that_fit(tmp_path: Path, kind: str, suffix: str) -> None:
    status, errors, found = full_disk(tmp_path, kind, suffix, size=500, limit=300_000)
    assert status == 5
    assert len(errors) == 1
    assert "File too large" in errors[0]
    assert found == [str(number) for number in range(len(found))]
    assert len(found) > 250  # of 1,000 bytes, or some 550 compressed, in 300,000


def test_the_last_item_makes_room_for_the_end_of_a_feed(tmp_path: Path) -> None:
    items = [json.dumps({"id": str(number), "text": "x" * 1000}) for number in range(200)]
    exactly = len("[\n" + ",\n".join(items))
    _, _, found = full_disk(tmp_path, "json", "", size=500, limit=exactly)
    assert found == [str(number) for number in range(199)]


@pytest.mark.parametrize(("kind", "suffix"), [("json", ".bz2"), ("csv", ".xz"), ("xml", ".gz.bz2")])
def test_a_full_disk_leaves_the_complete_members(tmp_path: Path, kind: str, suffix: str) -> None:
    status, errors, found = full_disk(tmp_path, kind, suffix, size=2000, limit=1_200_000)
    assert status == 5
    assert len(errors) == 1
    assert found == [str(number) for number in range(len(found))]
    assert len(found) > 500  # of 4,000 bytes, or some 2,000 compressed: two members of 1 MiB


@pytest.mark.parametrize("kind", FORMATS)
def test_stdout_has_complete_items_after_earlier_output(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "out"
    words = ("-s", f"IMAGES_STORE={tmp_path / 'store'}", "-o", f"-:{kind}", *FAST)
    with HtmlListing(exhibits(9)) as standin, target.open("wb") as output:
        standin.from_page = 5
        output.write(b"before\n")
        output.flush()
        endpoint = ("-a", f"endpoint={standin.endpoint}", "-a", "rn=5")
        process = start("crawl", "baidu_wallpaper", *endpoint, *words, stdout=output)
        assert finish(process).status == 4
    before, _, rest = target.read_bytes().partition(b"\n")
    assert before == b"before"
    target.write_bytes(rest)
    assert len(ids(target, kind)) == 5


def words_of(standin: HeldPictures, folder: Path) -> list[str]:
    feeds = [feed(folder / f"out.{kind}{suffix}", kind) for kind, suffix in KINDS]
    merged = {uri: entry for each in feeds for uri, entry in each.items()}
    endpoint = ("-a", f"endpoint={standin.endpoint}", "-s", f"IMAGES_STORE={folder / 'store'}")
    return ["crawl", "baidu_wallpaper", *endpoint, "-s", f"FEEDS={json.dumps(merged)}", *FAST]


@pytest.mark.parametrize("signals", [(signal.SIGINT,), (signal.SIGTERM,), (signal.SIGINT,) * 2])
def test_an_interrupted_run_leaves_every_kind_of_feed_readable(
    tmp_path: Path, signals: tuple[signal.Signals, ...]
) -> None:
    with HeldPictures(exhibits(20)) as standin:
        process = start(*words_of(standin, tmp_path))
        assert standin.held.wait(TIMEOUT_S)
        for number, text in zip(signals, ("gracefully", "forcing unclean"), strict=False):
            process.send_signal(number)
            read_until(text, process)
        if len(signals) == 1:
            standin.release()
        result = finish(process)
        standin.release()
    assert result.status == 130
    found = [ids(partial_of(tmp_path, kind, suffix), kind) for kind, suffix in KINDS]
    assert len(found[0]) <= 20
    assert all(each == found[0] for each in found)
    assert not [path for path in tmp_path.glob("out.*") if ".partial" not in path.name]


def test_a_killed_run_leaves_the_exported_items(tmp_path: Path) -> None:
    with HeldPictures(exhibits(20)) as standin:
        process = start(*words_of(standin, tmp_path), "-s", "WALLPAPERS_PROGRESS_INTERVAL=0.1",
                        "-s", "WALLPAPERS_PROGRESS=log")  # fmt: skip
        read_until(" 5 stored", process)
        process.kill()
        finish(process)
        standin.release()
    for kind in ("jsonlines", "csv", "pickle"):
        assert len(ids(partial_of(tmp_path, kind, ""), kind)) == 5
    # The member has no end yet, its rows are there: zcat prints them.
    flushed = partial_of(tmp_path, "jsonlines", ".gz").read_bytes()
    lines = zlib.decompressobj(wbits=31).decompress(flushed).decode().splitlines()
    assert len([json.loads(line) for line in lines]) == 5
