"""Every kind of feed is readable when it is new, appended to, or left by a failed run."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Crawl
from tests.feeds import APPENDABLE, FORMATS, PLUGINS, content, feed, ids, read
from tests.pictures import exhibit, exhibits
from tests.standin.listing_faults import AntiFlag, HtmlListing
from wallpapers.demo.standin import StandIn
from wallpapers.run.exit_status import ExitStatus

KINDS = [(kind, suffix) for kind in FORMATS for suffix in PLUGINS]


def feeds_of(folder: Path, kinds: list[tuple[str, str]], **options: Any) -> dict[str, Any]:
    """Return settings for a feed of each kind: one crawl fills them all."""
    feeds = [feed(path_of(folder, kind, suffix), kind, **options) for kind, suffix in kinds]
    return {"FEEDS": {uri: entry for each in feeds for uri, entry in each.items()}}


def path_of(folder: Path, kind: str, suffix: str, state: str = "") -> Path:
    """Return the path of the feed of a kind; *state* is ``.partial`` for an incomplete one."""
    name = f"out.{kind}{suffix}"
    stem, _, extension = name.rpartition(".")
    return folder / f"{stem}{state}.{extension}"


def test_every_kind_of_new_feed_is_complete(crawl: Crawl, tmp_path: Path) -> None:
    for kind, suffix in KINDS:
        path_of(tmp_path, kind, suffix).write_text("yesterday's")
        path_of(tmp_path, kind, suffix, ".partial").write_text("what a killed run left")
    with StandIn(exhibits(3)) as standin:
        run = crawl(standin, feeds_of(tmp_path, KINDS, overwrite=True))
    expected = [item["id"] for item in run.items]
    assert len(expected) == 3
    for kind, suffix in KINDS:
        assert ids(path_of(tmp_path, kind, suffix), kind) == expected, (kind, suffix)
    assert list(tmp_path.glob("*.partial*")) == []


def test_a_failed_run_leaves_readable_feeds_and_keeps_the_old_ones(
    crawl: Crawl, tmp_path: Path
) -> None:
    for kind, suffix in KINDS:
        path_of(tmp_path, kind, suffix).write_text("yesterday's")
    with HtmlListing(exhibits(9)) as standin:
        standin.from_page = 5
        run = crawl(standin, feeds_of(tmp_path, KINDS, overwrite=True), rn=5)
    assert run.exit_status is ExitStatus.LISTING
    expected = [item["id"] for item in run.items]
    assert len(expected) == 5
    for kind, suffix in KINDS:
        assert path_of(tmp_path, kind, suffix).read_text() == "yesterday's"
        assert ids(path_of(tmp_path, kind, suffix, ".partial"), kind) == expected, (kind, suffix)


def test_every_kind_of_feed_without_items_is_readable(crawl: Crawl, tmp_path: Path) -> None:
    for kind, suffix in KINDS:
        path_of(tmp_path, kind, suffix, ".partial").write_text("what a killed run left")
    with AntiFlag(exhibits(3)) as standin:
        crawl(standin, feeds_of(tmp_path, KINDS, overwrite=True))
    for kind, suffix in KINDS:
        partial = path_of(tmp_path, kind, suffix, ".partial")
        assert read(partial, kind) == [], (kind, suffix)
        assert partial.stat().st_size or not suffix  # gzip -t takes no empty file


def test_without_store_empty_no_file_is_written_for_no_items(crawl: Crawl, tmp_path: Path) -> None:
    kinds = [("json", ""), ("csv", ".gz")]
    path_of(tmp_path, "json", "").write_text("yesterday's")
    with AntiFlag(exhibits(3)) as standin:
        crawl(standin, feeds_of(tmp_path, kinds, overwrite=True, store_empty=False))
    assert [path.name for path in tmp_path.glob("out.*")] == ["out.json"]
    assert path_of(tmp_path, "json", "").read_text() == "yesterday's"


ADDED = [(kind, suffix) for kind in APPENDABLE for suffix in PLUGINS]


def test_appending_keeps_the_old_bytes(crawl: Crawl, tmp_path: Path) -> None:
    settings = feeds_of(tmp_path, ADDED, overwrite=False)
    with StandIn(exhibits(3)) as standin:
        first = [item["id"] for item in crawl(standin, settings).items]
        old = {path: path.read_bytes() for path in tmp_path.glob("out.*")}
        second = [item["id"] for item in crawl(standin, settings).items]
    assert len(old) == len(ADDED)
    for kind, suffix in ADDED:
        path = path_of(tmp_path, kind, suffix)
        assert path.read_bytes().startswith(old[path])
        assert ids(path, kind) == [*first, *second], (kind, suffix)


def test_a_failed_run_that_appends_keeps_the_old_file(crawl: Crawl, tmp_path: Path) -> None:
    settings = feeds_of(tmp_path, ADDED, overwrite=False)
    with StandIn(exhibits(3)) as standin:
        first = [item["id"] for item in crawl(standin, settings).items]
    old = {path: path.read_bytes() for path in tmp_path.glob("out.*")}
    with HtmlListing(exhibits(9)) as standin:
        standin.from_page = 5
        second = [item["id"] for item in crawl(standin, settings, rn=5).items]
    for kind, suffix in ADDED:
        path = path_of(tmp_path, kind, suffix)
        assert path.read_bytes() == old[path]
        partial = path_of(tmp_path, kind, suffix, ".partial")
        assert ids(partial, kind) == [*first, *second], (kind, suffix)


@pytest.mark.parametrize(
    ("name", "kind", "options", "remedy"),
    [
        ("out.json", "json", {}, r"with -O .*\.jsonl"),
        ("out.json.gz", "json", {}, r"with -O .*\.jsonl"),
        ("out.xml.bz2", "xml", {}, r"with -O .*\.jsonl"),
        ("out-%(batch_id)d.json", "json", {"batch_item_count": 2}, r"with -O .*\.jsonl"),
        ("out.csv.xz", "csv", {"lzma_format": lzma.FORMAT_ALONE}, r"with -O .*FORMAT_XZ"),
    ],
)
def test_appending_to_other_formats_is_refused(
    crawl: Crawl, tmp_path: Path, name: str, kind: str, options: dict[str, Any], remedy: str
) -> None:
    target = tmp_path / name.replace("%(batch_id)d", "1")
    target.write_text("yesterday's")
    with StandIn(exhibits(3)) as standin:
        with pytest.raises(ValueError, match=remedy):
            crawl(standin, {"FEEDS": feed(tmp_path / name, kind, **options)})
        assert standin.asked == []
    assert target.read_text() == "yesterday's"


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
def test_appending_to_a_truncated_compressed_feed_is_refused(
    crawl: Crawl, tmp_path: Path, suffix: str
) -> None:
    settings = feeds_of(tmp_path, [("csv", suffix)])
    target = path_of(tmp_path, "csv", suffix)
    with StandIn(exhibits(3)) as standin:
        crawl(standin, settings)
        cut = target.read_bytes()[:-12]
        target.write_bytes(cut)
        standin.asked.clear()
        run = crawl(standin, settings)
        assert standin.asked == []
    assert run.exit_status is ExitStatus.STORE
    assert f"{target}, which is damaged" in run.errors()[0]
    assert target.read_bytes() == cut


def test_a_missing_last_line_end_is_added_in_the_new_member(crawl: Crawl, tmp_path: Path) -> None:
    target = tmp_path / "out.jl.gz"
    target.write_bytes(gzip.compress(b'{"id": "old"}'))
    with StandIn(exhibits(2)) as standin:
        crawl(standin, {"FEEDS": feed(target, "jl")})
    assert ids(target, "jl")[0] == "old"
    assert len(ids(target, "jl")) == 3


def test_appending_to_an_empty_csv_feed_writes_a_header(crawl: Crawl, tmp_path: Path) -> None:
    target = tmp_path / "out.csv.gz"
    target.write_bytes(gzip.compress(b""))
    with StandIn(exhibits(2)) as standin:
        crawl(standin, {"FEEDS": feed(target, "csv")})
    assert len(ids(target, "csv")) == 2


def test_appended_rows_have_the_columns_of_the_header(crawl: Crawl, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text('title,id,"of, mine"\r\nold,0,x\r\n')
    with StandIn([exhibit(1, title="日落")]) as standin:
        run = crawl(standin, {"FEEDS": feed(target, "csv")})
        old = target.read_bytes()
        other = crawl(standin, {"FEEDS": feed(target, "csv", fields=["id"])})
    (item,) = run.items
    rows = read(target, "csv")
    assert rows[1] == {"title": item["title"], "id": item["id"], "of, mine": ""}
    assert any("dropped fields" in line for line in run.warnings())
    assert other.exit_status is ExitStatus.STORE
    assert "the file has the columns title, id, of, mine" in other.errors()[0]
    assert target.read_bytes() == old


class Numbered:
    """A plugin of a user's: it counts what passes, and writes it on when it is closed."""

    def __init__(self, file: Any, feed_options: dict[str, Any]) -> None:
        self._file = file
        self._held = b""
        self._mark = feed_options["mark"]

    def write(self, data: bytes) -> int:
        self._held += data
        return len(data)

    def close(self) -> None:
        self._file.write(self._mark + self._held)


def test_a_plugin_of_the_users_is_closed_before_the_next_one(crawl: Crawl, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl.gz"
    options = {"mark": b"# ours\n", "postprocessing": [Numbered, *PLUGINS[".gz"]]}
    with StandIn(exhibits(2)) as standin:
        run = crawl(standin, {"FEEDS": {str(target): {"format": "jsonl", **options}}})
        with pytest.raises(ValueError, match="postprocessing must name plugins"):
            crawl(standin, {"FEEDS": feed(target, "jsonl", postprocessing=["no.such.Plugin"])})
    first, *lines = content(target).decode().splitlines()
    assert first == "# ours"
    assert len(lines) == len(run.items) == 2
