"""Commands read the images of a bucket; one that cannot be read costs no other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyarrow import dataset

from tests.conftest import Crawl
from tests.e2e.command import Result, scrapy
from tests.pictures import exhibits
from tests.s3 import BUCKET, keys, s3_bucket, s3_server, settings_of
from wallpapers.demo.standin import StandIn

COUNT = 8


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with s3_server() as server:
        yield server


@pytest.fixture
def bucket(address: str) -> Iterator[Any]:
    with s3_bucket(address) as client:
        yield client


class Store:
    """A crawled store in a bucket."""

    def __init__(self, address: str, client: Any, folder: Path) -> None:
        self._client = client
        self.settings = {
            **settings_of(address),
            "IMAGES_STORE": f"s3://{BUCKET}/deep/",
            "WALLPAPERS_CATALOGUE": f"sqlite:///{folder}/catalogue.db",
        }

    def run(self, *words: str, **others: str) -> Result:
        given = {**self.settings, **others}
        return scrapy(*words, *(f"-s{name}={value}" for name, value in given.items()))

    @property
    def paths(self) -> list[str]:
        return sorted(
            key.removeprefix("deep/") for key in keys(self._client) if key.startswith("deep/")
        )

    def content(self, path: str) -> bytes:
        body: bytes = self._client.get_object(Bucket=BUCKET, Key=f"deep/{path}")["Body"].read()
        return body

    def put(self, path: str, content: bytes, storage_class: str = "STANDARD") -> None:
        self._client.put_object(
            Bucket=BUCKET, Key=f"deep/{path}", Body=content, StorageClass=storage_class
        )

    def delete(self, path: str) -> None:
        self._client.delete_object(Bucket=BUCKET, Key=f"deep/{path}")

    def deny(self, path: str) -> None:
        """Refuse requests for an object."""
        statement = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{BUCKET}/deep/{path}",
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        self._client.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn(exhibits(COUNT)) as started:
        yield started


@pytest.fixture
def store(address: str, bucket: Any, crawl: Crawl, standin: StandIn, tmp_path: Path) -> Store:
    made = Store(address, bucket, tmp_path)
    assert crawl.stats_of(standin, made.settings)["wallpapers/stored"] == COUNT
    return made


def index(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = dataset.dataset(folder / "index").to_table().to_pylist()
    return rows


def test_images_of_a_bucket_are_described_and_exported(store: Store, tmp_path: Path) -> None:
    described = store.run("look")
    assert described.output.startswith(f"{COUNT} images looked at, 0 cannot"), described.log
    assert store.run("look").output.startswith("0 images looked at")
    exported = store.run("export", str(tmp_path / "set"), "--to", "imagefolder")
    assert exported.output.startswith(f"{COUNT} images exported, "), exported.log
    rows = index(tmp_path / "set")
    assert sorted(row["path"] for row in rows) == store.paths
    assert all(row["fingerprint"] for row in rows)
    for row in rows:
        content = (tmp_path / "set" / "data" / "00000" / row["file_name"]).read_bytes()
        assert content == store.content(row["path"])


@pytest.mark.slow
def test_an_export_from_a_bucket_to_a_bucket_is_that_to_a_folder(
    store: Store, bucket: Any, tmp_path: Path
) -> None:
    words = ("--to", "webdataset", "--shard-size", "5k")
    assert store.run("export", str(tmp_path / "set"), *words).status == 0
    result = store.run("export", f"s3://{BUCKET}/set", *words)
    assert result.output.startswith(f"{COUNT} images exported, "), result.log
    again = store.run("export", f"s3://{BUCKET}/set", *words)
    assert again.output.startswith(f"0 images exported, {COUNT} already there, 0 removed")
    files = [path for path in (tmp_path / "set").rglob("*") if path.is_file()]
    expected = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in files}
    expected.pop("set/.lock")
    copied = {key for key in keys(bucket) if key.startswith("set/") and not key.endswith("/")}
    assert copied == expected.keys()
    for key in copied:
        assert bucket.get_object(Bucket=BUCKET, Key=key)["Body"].read() == expected[key]


def test_an_unreadable_object_has_its_reason_and_costs_no_other(
    store: Store, tmp_path: Path
) -> None:
    denied, archived, missing, damaged, *others = store.paths
    store.put(archived, store.content(archived), "GLACIER")
    store.deny(denied)
    store.delete(missing)
    store.put(damaged, store.content(damaged)[:-1] + b"\0")
    reasons = {
        f"unreadable (Forbidden): {denied}",
        f"unreadable (The operation is not valid for the object's storage class): {archived}",
        f"missing: {missing}",
        f"damaged: {damaged}",
    }
    described = store.run("look")
    assert described.status == 3
    assert reasons <= set(described.output.splitlines())
    assert f"{len(others)} images looked at, 0 cannot be decoded, 1 missing, " in described.output
    exported = store.run("export", str(tmp_path / "set"))
    assert exported.status == 3
    assert reasons <= set(exported.output.splitlines())
    assert f"{len(others)} images exported, 0 already there, 0 removed" in exported.output
    rows = dataset.dataset(tmp_path / "set" / "data").to_table().to_pylist()
    assert sorted(row["path"] for row in rows) == others
    for row in rows:
        assert hashlib.sha256(row["image"]["bytes"]).hexdigest() == row["sha256"]


def test_verify_finds_what_the_next_crawl_repairs(
    store: Store, crawl: Crawl, standin: StandIn
) -> None:
    assert store.run("verify").status == 0
    denied, missing, damaged, *others = store.paths
    content = store.content(damaged)
    store.deny(denied)
    store.delete(missing)
    store.put(damaged, content[:-1] + b"\0")
    found = store.run("verify")
    assert found.status == 3
    assert found.output.splitlines() == [
        f"unreadable (Forbidden): {denied}",
        f"damaged: {damaged}",
        f"missing: {missing}",
        f"{len(others)} whole, 1 damaged, 1 missing, 0 moved, 0 not in the catalogue, "
        "0 shared by five or more wallpapers, 0 hidden, 1 unreadable, in s3://wallpapers/deep/",
        "The next crawl of the source downloads damaged and missing images again.",
    ]
    stats = crawl.stats_of(standin, store.settings)
    assert (stats["wallpapers/stored"], stats["wallpapers/known"]) == (2, COUNT - 2)
    assert store.content(damaged) == content
    assert missing in store.paths


@pytest.mark.slow
def test_another_bucket_or_none_is_one_line(store: Store, tmp_path: Path) -> None:
    for command in (("look",), ("export", str(tmp_path / "set")), ("verify",)):
        other = store.run(*command, IMAGES_STORE=f"s3://{BUCKET}/other")
        assert other.status == 5
        assert f"belongs to store s3://{BUCKET}/deep/, not s3://{BUCKET}/other/" in other.log
        unknown = store.run(*command, AWS_ENDPOINT_URL="http://127.0.0.1:9")
        assert unknown.status == 5
        assert 'Could not connect to the endpoint URL: "http://127.0.0.1:9/' in unknown.log
        wrong = store.run(*command, AWS_ENDPOINT_URL="nonsense")
        assert wrong.status == 1
        assert "cannot access S3: Invalid endpoint: nonsense" in wrong.log
        for result in (other, unknown, wrong):
            assert len(result.log.splitlines()) == 1
