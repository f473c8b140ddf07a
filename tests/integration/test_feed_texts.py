"""Every text format can be parsed, whatever the texts of the items and the encoding."""

from __future__ import annotations

import datetime
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scrapy import Request, Spider
from scrapy.http import Response

from tests.conftest import Crawl, Run
from tests.feeds import FORMATS, content, feed, ids, read
from wallpapers.demo.standin import StandIn
from wallpapers.run.exit_status import ExitStatus

CONTROLS = "a\x00\x08\x0b\x1f\ufffe\uffffz"
LONE = "x\ud83dy"
TITLE = '日落 "a, b"\r\nc\t\u2028d'


class ItemsSpider(Spider):
    """Yields ``its_items`` and nothing else."""

    name = "items"
    endpoint: str
    its_items: list[Any]

    async def start(self) -> AsyncIterator[Any]:
        yield Request(self.endpoint)

    def parse(self, response: Response) -> Iterator[Any]:
        yield from self.its_items


Export = Callable[..., Run]


@pytest.fixture
def export(crawl: Crawl) -> Export:
    """Return what crawls with a spider that yields the items it is given."""

    def run(items: list[Any], settings: dict[str, Any]) -> Run:
        spider = type("Spider", (ItemsSpider,), {"its_items": items})
        own = feed(crawl.feed, "jsonlines", overwrite=True, fields=["id"])
        feeds = {**own, **settings["FEEDS"]}
        with StandIn([]) as standin:
            return crawl(standin, {**settings, "FEEDS": feeds}, spider=spider)

    return run


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-32", "gbk", "ascii"])
@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_json_contains_every_character_in_any_encoding(
    export: Export, tmp_path: Path, kind: str, encoding: str
) -> None:
    target = tmp_path / f"out.{kind}"
    items = [{"id": "é日🌅"}, {"id": "日"}, {"id": LONE}]
    run = export(items, {"FEEDS": feed(target, kind, encoding=encoding)})
    assert run.exit_status is ExitStatus.COMPLETE
    assert ids(target, kind, encoding) == [item["id"] for item in items]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-16-le", "gbk"])
@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.csv.gz", "out.jsonl.gz"])
def test_appending_writes_no_second_byte_order_mark(
    export: Export, tmp_path: Path, name: str, encoding: str
) -> None:
    target = tmp_path / name
    kind = name.split(".")[1]
    settings = {"FEEDS": feed(target, kind, encoding=encoding)}
    export([{"id": "日"}], settings)
    if name == "out.jsonl":
        end = len("\n".encode("utf-16-le")) if encoding.startswith("utf-16") else 1
        target.write_bytes(target.read_bytes()[:-end])
    export([{"id": "落"}], settings)
    assert ids(target, kind, encoding) == ["日", "落"]
    assert "\ufeff" not in content(target).decode(encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "ascii"])
def test_xml_contains_no_invalid_characters(export: Export, tmp_path: Path, encoding: str) -> None:
    target = tmp_path / "out.xml"
    item = {
        "id": CONTROLS,
        "lone": LONE,
        "text": TITLE,
        "a b<>²": "1",
        "1": {"-x": ["<&>", None], 2: 3},
        "颜色": "红",
        "": "nameless",
        "ns:x": "3",
    }
    run = export([item], {"FEEDS": feed(target, "xml", encoding=encoding)})
    assert run.exit_status is ExitStatus.COMPLETE
    (row,) = read(target, "xml")
    assert row["id"] == "a" + "\ufffd" * 6 + "z"
    assert row["lone"] == "x\ufffdy"
    assert row["a_b___"] == "1"
    assert row["_" if encoding == "ascii" else "颜色"] is not None
    assert {"_1", "ns_x"} <= row.keys()


@pytest.mark.parametrize("kind", FORMATS)
def test_a_lone_surrogate_does_not_fail_a_feed(export: Export, tmp_path: Path, kind: str) -> None:
    target = tmp_path / f"out.{kind}"
    run = export([{"id": LONE}, {"id": "2"}], {"FEEDS": feed(target, kind)})
    assert run.exit_status is ExitStatus.COMPLETE
    replaced = "x\ufffdy" if kind in ("csv", "xml") else LONE
    assert ids(target, kind) == [replaced, "2"]


@pytest.mark.parametrize("kind", FORMATS)
def test_an_item_that_cannot_be_exported_leaves_no_fragment(
    export: Export, tmp_path: Path, kind: str
) -> None:
    class Unwritable:
        def __str__(self) -> str:
            raise RuntimeError("no text")

        def __reduce__(self) -> str:
            raise RuntimeError("no pickle")

    target = tmp_path / f"out.{kind}"
    target.write_text("yesterday's")
    large = "x" * 200_000  # more than pickle writes at a time
    items = [{"id": "1", "b": ""}, {"id": large, "b": Unwritable()}, {"id": "3", "b": ""}]
    feeds = feed(target, kind, overwrite=True) | feed(
        tmp_path / "fine.pickle", "pickle", fields=["id"]
    )
    run = export(items, {"FEEDS": feeds})
    assert run.exit_status is ExitStatus.STORE
    assert f"Feed failed: {target}: " in run.errors()[0]
    assert target.read_text() == "yesterday's"
    assert ids(tmp_path / f"out.partial.{kind}", kind) == ["1"]
    assert not (tmp_path / "fine.pickle").exists()
    assert ids(tmp_path / "fine.partial.pickle", "pickle")[:2] == ["1", large]


def test_the_first_row_that_cannot_be_encoded_leaves_an_empty_feed(
    export: Export, tmp_path: Path
) -> None:
    target = tmp_path / "out.csv.gz"
    feeds = feed(target, "csv", encoding="gbk")
    run = export([{"id": "🌅"}, {"id": "日"}], {"FEEDS": feeds})
    assert run.exit_status is ExitStatus.STORE
    assert "set FEED_EXPORT_ENCODING to utf-8" in run.errors()[0]
    assert read(tmp_path / "out.csv.partial.gz", "csv", "gbk") == []


def test_dicts_with_other_fields_have_the_columns_of_the_first(
    export: Export, tmp_path: Path
) -> None:
    target = tmp_path / "out.csv"
    feeds = feed(target, "csv")
    for _ in range(2):
        run = export([{"id": "1", "a": "x"}, {"b": "y", "id": "2"}], {"FEEDS": feeds})
    assert read(target, "csv") == [{"id": "1", "a": "x"}, {"id": "2", "a": ""}] * 2
    assert sum("dropped fields ['b']" in line for line in run.warnings()) == 1


def test_cells_are_json_if_json_can_represent_them(export: Export, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    day = datetime.date(2024, 5, 17)
    item = {"id": [day, {"n": 1}], "b": {"day": day}, "c": [{1, 2}], "d": {(1, 2): 3}, "e": day}
    export([item], {"FEEDS": feed(target, "csv")})
    (row,) = read(target, "csv")
    assert json.loads(row["id"]) == ["2024-05-17", {"n": 1}]
    assert json.loads(row["b"]) == {"day": "2024-05-17"}
    assert json.loads(row["c"]) == [[1, 2]]
    assert row["d"] == "{(1, 2): 3}"
    assert row["e"] == "2024-05-17"


@pytest.mark.parametrize("safe", [False, True])
def test_formulas_are_quoted_on_request(export: Export, tmp_path: Path, safe: bool) -> None:
    target = tmp_path / "out.csv"
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"]
    items = [{"id": text, "n": -5, "list": ["=1"]} for text in [*texts, "a=b"]]
    export(items, {"FEEDS": feed(target, "csv"), "WALLPAPERS_CSV_SAFE": safe})
    rows = read(target, "csv")
    quote = "'" if safe else ""
    assert [row["id"] for row in rows] == [*(quote + text for text in texts), "a=b"]
    assert rows[0]["n"] == "-5"
    assert rows[0]["list"] == '["=1"]'
