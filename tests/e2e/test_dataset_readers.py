"""``wallpapers export``: other programs read each dataset as the catalogue has it."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pyarrow import dataset

from tests.conftest import Crawl
from tests.e2e.command import scrapy
from tests.pictures import encoded, exhibit, exhibits, noise
from tests.readers import needs_readers, run_reader
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.standin import StandIn

FORMATS = ("PNG", "WEBP", "GIF", "AVIF", "BMP")
COUNT = 10 + len(FORMATS)

# Prints each row with the hash of its image, and the size that it is decoded to.
READ = """
import hashlib, json, sys
from pathlib import Path
from datasets import Image, load_dataset

decoded = load_dataset(sys.argv[1], split="train")
(column,) = [name for name in decoded.column_names if name in ("image", "jpg")] or [None]
encoded = decoded.cast_column(column, Image(decode=False)) if column else decoded
for row, shown in zip(encoded, decoded):
    line = {"row": row.get("json", row)}
    if column:
        image = row.pop(column)
        content = image["bytes"] or Path(image["path"]).read_bytes()
        line |= {"sha256": hashlib.sha256(content).hexdigest(), "size": shown[column].size}
    print(json.dumps(line))
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def store(crawl: Crawl) -> Path:
    """Return a store of images in all formats.

    Some are not described, and one belongs to three wallpapers.
    """
    others = [exhibit(20 + n, encoded(noise(20 + n), kind)) for n, kind in enumerate(FORMATS)]
    twins = [exhibit(40 + n, encoded(noise(3)), id=f"twin{n}") for n in range(2)]
    with StandIn(exhibits(7)) as standin:
        crawl(standin)
    with StandIn([*exhibits(10), *others, *twins]) as standin:
        return crawl(standin, {"WALLPAPERS_LOOK": "always"}).store


def export(store: Path, folder: Path, kind: str) -> Path:
    """Export to several shards; return the folder."""
    words = ("--to", kind, "--shard-size", "6k", "-s", f"IMAGES_STORE={store}")
    result = scrapy("export", str(folder), *words)
    assert result.status == 0, result.log
    return folder


def index(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = dataset.dataset(folder / "index").to_table().to_pylist()
    return rows


def catalogue(store: Path, query: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(store / FILE_NAME)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query)]


def test_the_index_has_what_the_catalogue_has(store: Path, tmp_path: Path) -> None:
    rows = index(export(store, tmp_path / "set", "jsonl"))
    images = catalogue(store, "SELECT * FROM pictures LEFT JOIN looks USING (sha256)")
    wallpapers = catalogue(store, "SELECT * FROM wallpapers")
    swatches = catalogue(store, "SELECT * FROM palettes ORDER BY sha256, place")
    assert len(rows) == len(images) == COUNT
    by_checksum = {row["sha256"]: row for row in rows}
    for image in images:
        row = by_checksum[image["sha256"]]
        own = {one["id"]: one for one in wallpapers if one["sha256"] == image["sha256"]}
        assert {row["id"], *(name.split("/")[1] for name in row["also"])} == own.keys()
        wallpaper = own[row["id"]]
        item = json.loads(wallpaper["item"])
        measured = ("path", "format", "size", "width", "height", "stored_at")
        tones = ("lightness", "contrast", "colourfulness")
        assert (
            row
            | {
                **{name: image[name] for name in (*measured, *tones)},
                **{name: item[name] for name in ("title", "tags", "date", "credit", "licence")},
                **{name: wallpaper[name] for name in ("source", "url", "noai")},
                "page": item["page_url"],
                "fingerprint": image["fingerprint"] and image["fingerprint"].hex(),
                "palette": [one["hex"] for one in swatches if one["sha256"] == image["sha256"]],
            }
            == row
        )


@needs_readers
def test_datasets_reads_each_format_row_for_row(store: Path, tmp_path: Path) -> None:
    for kind in ("parquet", "webdataset", "imagefolder", "jsonl", "csv"):
        folder = export(store, tmp_path / kind, kind)
        lines = [json.loads(line) for line in run_reader(READ, folder, str(folder)).splitlines()]
        expected = {row["sha256"]: row for row in index(folder)}
        assert len(lines) == len(expected) == COUNT
        for line in lines:
            row = expected[line["row"]["sha256"]]
            if kind == "imagefolder":
                line["row"]["file_name"] = row["file_name"]  # is the image
            if kind == "jsonl":
                row |= {name: reformatted(row[name]) for name in ("date", "stored_at")}
            if kind == "csv":
                row = {name: cell(value) for name, value in row.items()}
            assert line["row"] == row
            if kind in {"parquet", "webdataset", "imagefolder"}:
                assert line["sha256"] == row["sha256"]
                assert line["size"] == [row["width"], row["height"]]


def reformatted(time: str) -> str:
    """Return a time as datasets reads it from JSON: it parses what looks like one."""
    return str(datetime.fromisoformat(time).replace(tzinfo=None))


def cell(value: Any) -> Any:
    """Return a value as it is read from CSV."""
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return None if value == "" else value


def test_a_parquet_file_has_the_bytes_of_the_images(store: Path, tmp_path: Path) -> None:
    folder = export(store, tmp_path / "set", "parquet")
    rows = dataset.dataset(folder / "data").to_table().to_pylist()
    images = [row.pop("image") for row in rows]
    assert rows == index(folder)
    for row, image in zip(rows, images, strict=True):
        assert hashlib.sha256(image["bytes"]).hexdigest() == row["sha256"]
        assert image["path"] == row["file_name"]
