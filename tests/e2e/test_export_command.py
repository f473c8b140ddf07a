"""``wallpapers export``: a dataset that other programs read, complete whenever it is killed."""

from __future__ import annotations

import csv
import gc
import hashlib
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import webdataset
from pyarrow import dataset, parquet

from tests.conftest import Crawl
from tests.e2e.command import Result, finish, scrapy, start, start_python
from tests.pictures import exhibits
from tests.s3 import BUCKET, keys, s3_bucket, s3_server, settings_of
from wallpapers.demo.standin import StandIn

WITH_IMAGES = ("parquet", "webdataset", "imagefolder")


# Prints how many threads of libraries an export leaves.
COUNT_THREADS = """
import atexit, os
import numpy, pyarrow.parquet
from scrapy.cmdline import execute

def threads():
    return len(os.listdir("/proc/self/task"))

before = threads()
atexit.register(lambda: print("threads left:", threads() - before))
execute()
"""


def export(store: Path, target: object, *words: str) -> Result:
    return scrapy("export", str(target), "-s", f"IMAGES_STORE={store}", *words)


@pytest.fixture
def store(crawl: Crawl) -> Path:
    """Return a store of twelve images, ten of which were looked at."""
    with StandIn(exhibits(12)) as standin:
        crawl(standin, {"WALLPAPERS_LOOK": "always"}, limit=10)
        return crawl(standin).store


def index(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of all sealed shards."""
    rows: list[dict[str, Any]] = dataset.dataset(folder / "index").to_table().to_pylist()
    return rows


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the files of a dataset by name, without those that are not part of it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def contents(store: Path) -> set[str]:
    """Return the sha256 of the stored images."""
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in store.rglob("*.jpg")}


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_an_export_leaves_no_thread_of_a_library(store: Path, tmp_path: Path, kind: str) -> None:
    """Threads of Arrow abort the process now and then when it ends, after the export."""
    words = ("export", "--to", kind, str(tmp_path / "dataset"), "-s", f"IMAGES_STORE={store}")
    for _ in range(2):
        result = finish(start_python(*words, instead=(sys.executable, "-c", COUNT_THREADS)))
        assert result.status == 0
        assert result.output.endswith("threads left: 0\n")


@pytest.mark.slow
@pytest.mark.parametrize("kind", WITH_IMAGES)
def test_each_image_is_exported_once_and_always_with_the_same_bytes(
    store: Path, tmp_path: Path, kind: str
) -> None:
    first = export(store, tmp_path / "one", "--to", kind, "--shard-size", "5k")
    assert first.status == 0, first.log
    assert first.output.startswith("12 images exported, 0 already there, 0 removed since, 0 left")
    assert {row["sha256"] for row in index(tmp_path / "one")} == contents(store)
    assert len(index(tmp_path / "one")) == 12
    assert len(list((tmp_path / "one" / "index").iterdir())) > 2
    export(store, tmp_path / "two", "--to", kind, "--shard-size", "5k")
    before = files_of(tmp_path / "one")
    assert files_of(tmp_path / "two") == before
    again = export(store, tmp_path / "one", "--to", kind, "--shard-size", "5k")
    assert again.output.startswith("0 images exported, 12 already there")
    assert files_of(tmp_path / "one") == before


@pytest.mark.slow
def test_a_row_has_the_fields_of_the_item_and_the_image(store: Path, tmp_path: Path) -> None:
    assert export(store, tmp_path / "set", "--to", "jsonl").status == 0
    rows = index(tmp_path / "set")
    items = [json.loads(line) for line in (store.parent / "items.jsonl").read_text().splitlines()]
    by_id = {row["id"]: row for row in rows}
    for item in items:
        row, image = by_id[item["id"]], item["images"][0]
        for name in ("source", "title", "tags", "date", "credit", "licence"):
            assert row[name] == item[name]
        assert row["listings"] == [item["listing"]]
        for name in ("path", "format", "size", "width", "height", "url"):
            assert row[name] == image[name]
        assert row["sha256"] == image["checksum"]
        assert not row["noai"]
        assert row["also"] == []
    described = [row for row in rows if row["fingerprint"]]
    assert len(described) == 10
    assert all(len(row["fingerprint"]) == 64 and row["palette"] for row in described)
    card = (tmp_path / "set" / "README.md").read_text()
    assert "\n12 images (0.0 MB), each once" in card
    assert "\n| baidu_wallpaper | 12 |\n" in card


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # not closed
def test_webdataset_reads_the_shards(store: Path, tmp_path: Path) -> None:
    export(store, tmp_path / "set", "--to", "webdataset", "--shard-size", "5k")
    shards = [str(path) for path in sorted((tmp_path / "set" / "data").glob("*.tar"))]
    samples = list(webdataset.WebDataset(shards, shardshuffle=False, empty_check=False))
    gc.collect()
    assert len(samples) == 12
    for sample in samples:
        row = json.loads(sample["json"])
        assert hashlib.sha256(sample["jpg"]).hexdigest() == row["sha256"] == sample["__key__"]


@pytest.mark.slow
def test_an_imagefolder_has_a_metadata_file(store: Path, tmp_path: Path) -> None:
    export(store, tmp_path / "set", "--to", "imagefolder")
    folder = tmp_path / "set" / "data" / "00000"
    rows = parquet.read_table(folder / "metadata.parquet").to_pylist()
    assert {row["file_name"] for row in rows} == {path.name for path in folder.glob("*.jpg")}
    assert len(rows) == 12


def test_csv_and_json_lines_name_the_images_in_the_store(store: Path, tmp_path: Path) -> None:
    export(store, tmp_path / "csv", "--to", "csv")
    with (tmp_path / "csv" / "data" / "00000.csv").open(newline="") as file:
        cells = list(csv.DictReader(file))
    assert all((store / row["path"]).is_file() for row in cells)
    assert json.loads(cells[0]["tags"]) == ["国家地理"]


@pytest.mark.slow
def test_a_removed_image_is_listed_and_a_new_one_added(
    store: Path, crawl: Crawl, tmp_path: Path
) -> None:
    target = tmp_path / "set"
    export(store, target)
    hidden, missing, damaged = sorted(path for path in store.rglob("*.jpg"))[:3]
    gone = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (hidden, missing, damaged)}
    assert scrapy("hide", "-s", f"IMAGES_STORE={store}", str(hidden)).status == 0
    missing.unlink()
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\0")
    assert scrapy("verify", "-s", f"IMAGES_STORE={store}").status == 3
    with StandIn(exhibits(14)[12:]) as standin:
        crawl(standin)
    result = export(store, target)
    assert "2 images exported, 10 already there, 3 removed since, 0 left out" in result.output
    removed = [json.loads(line) for line in (target / "removed.jsonl").read_text().splitlines()]
    assert {line["sha256"] for line in removed} == gone
    assert len(index(target)) == 14
    assert "\n- 3 images have been removed" in (target / "README.md").read_text()


@pytest.mark.slow
def test_the_filters_of_find_select(store: Path, tmp_path: Path) -> None:
    export(store, tmp_path / "set", "--to", "jsonl", "--min-size", "97x1")
    assert (tmp_path / "set" / "README.md").exists()
    assert list((tmp_path / "set").glob("index/*")) == []


@pytest.mark.slow
def test_an_export_that_is_killed_goes_on(store: Path, tmp_path: Path) -> None:
    chance = random.Random(7)
    target = tmp_path / "set"
    words = ("-s", f"IMAGES_STORE={store}", "--to", "webdataset", "--shard-size", "1k")
    sealed: dict[str, bytes] = {}
    for shards in sorted(chance.sample(range(12), 4)):
        process = start("export", str(target), *words)
        while process.poll() is None and len(list(target.glob("index/*"))) <= shards:
            time.sleep(chance.random() / 200)  # a random moment of the kill
        process.kill()
        finish(process)
        (target / "data").mkdir(parents=True, exist_ok=True)
        (target / "data" / "00099.tar").write_bytes(b"torn")  # as one without an index is left
        now = {name: data for name, data in files_of(target).items() if name.startswith("index")}
        assert sealed.items() <= now.items()
        sealed = now
    assert export(store, target, *words[2:]).status == 0
    assert sorted(row["sha256"] for row in index(target)) == sorted(contents(store))
    assert {path.stem for path in target.glob("data/*")} == {
        path.stem for path in target.glob("index/*")
    }


@pytest.mark.slow
def test_a_dataset_can_be_in_a_bucket(store: Path) -> None:
    target = f"s3://{BUCKET}/set"
    with s3_server() as address, s3_bucket(address) as client:
        settings = [f"-s{name}={value}" for name, value in settings_of(address).items()]
        words = (*settings, "--to", "webdataset", "--shard-size", "5k")
        first = export(store, target, *words)
        assert first.output.startswith("12 images exported"), first.log
        client.put_object(Bucket=BUCKET, Key="set/data/00099.tar", Body=b"torn")
        assert export(store, target, *words).output.startswith("0 images exported, 12 already")
        names = [name for name in keys(client) if not name.endswith("/")]
        unset = export(store, target, *words, "-s", "AWS_SECRET_ACCESS_KEY=")
        missing = export(store, "s3://not-there/set", *words)
    assert {name.split("/")[1] for name in names} == {
        *("README.md", "data", "export.json", "index", "removed.jsonl")
    }
    data, sealed = ([name for name in names if part in name] for part in ("/data/", "/index/"))
    assert len(data) == len(sealed) > 1
    assert (unset.status, missing.status) == (1, 5)
    assert "secret_key` is not set" in unset.log
    assert missing.log.startswith("scrapy: s3://not-there/set/export.json: ")
    assert len(unset.log.splitlines()) == len(missing.log.splitlines()) == 1


@pytest.mark.slow
def test_a_folder_with_something_else_is_left_alone(store: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    result = export(store, tmp_path / "mine")
    assert result.status == 1
    assert "the folder is not empty and has no export.json, but 'notes.txt'" in result.log
    assert files_of(tmp_path / "mine") == {"notes.txt": b"mine"}
    export(store, tmp_path / "set", "--to", "csv")
    other = export(store, tmp_path / "set", "--to", "jsonl")
    assert other.status == 1
    assert "this folder has another dataset" in other.log
    assert export(store, "ftp://host/set").status == 1
