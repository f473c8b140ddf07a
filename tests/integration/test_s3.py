"""IMAGES_STORE on S3, against a server of its protocol."""

from __future__ import annotations

import hashlib
import json
import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Crawl
from tests.pictures import encoded, exhibit, exhibits, noise
from tests.s3 import KEYS, keys, s3_bucket, s3_server, settings_of
from tests.standin.listing_faults import HtmlListing
from wallpapers.demo.standin import StandIn
from wallpapers.run.exit_status import ExitStatus


@pytest.fixture
def silent_address() -> Iterator[str]:
    """Return the address of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with s3_server() as server:
        yield server


@pytest.fixture
def settings(address: str, tmp_path: Path) -> dict[str, Any]:
    return {
        **settings_of(address),
        "WALLPAPERS_CATALOGUE": f"sqlite:///{tmp_path / 'catalogue.db'}",
        "IMAGES_STORE": "s3://wallpapers/deep",
    }


@pytest.fixture
def bucket(address: str) -> Iterator[Any]:
    with s3_bucket(address) as client:
        yield client


def test_originals_go_to_the_bucket_and_are_known_afterwards(
    crawl: Crawl, settings: dict[str, Any], bucket: Any
) -> None:
    shown = exhibits(5)
    with StandIn(shown) as standin:
        stats = crawl.stats_of(standin, {**settings, "IMAGES_THUMBS": {"small": (32, 32)}})
        assert stats["wallpapers/outcome"] == "complete"
        assert stats["wallpapers/stored"] == 5
        standin.asked.clear()
        again = crawl.stats_of(standin, settings)
        assert again["wallpapers/known"] == 5
        assert not any(path.startswith("/image/") for path in standin.asked)
    originals = [key for key in keys(bucket) if "/thumbs/" not in key]
    assert len(originals) == 5
    assert len(keys(bucket)) == 10
    assert all(key.startswith("deep/baidu_wallpaper/国家地理/") for key in originals)
    served = {hashlib.sha256(exhibit.content()).hexdigest() for exhibit in shown}
    for key in originals:
        stored = bucket.get_object(Bucket="wallpapers", Key=key)
        checksum = hashlib.sha256(stored["Body"].read()).hexdigest()
        assert checksum in served
        assert stored["Metadata"]["checksum"] == checksum
        assert stored["ContentType"] == "image/jpeg"


def test_the_same_bytes_are_uploaded_once(
    crawl: Crawl, settings: dict[str, Any], bucket: Any
) -> None:
    (first,) = exhibits(1)
    with StandIn([first]) as standin:
        crawl.stats_of(standin, settings)
    twin = exhibit(9, encoded(noise(0)))
    with StandIn([twin]) as standin:
        stats = crawl.stats_of(standin, settings)
    assert stats["wallpapers/duplicate"] == 1
    assert len(keys(bucket)) == 1


def test_another_buckets_catalogue_is_refused(
    crawl: Crawl, settings: dict[str, Any], bucket: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with StandIn(exhibits(2)) as standin:
        assert crawl.stats_of(standin, settings)["wallpapers/stored"] == 2
        other = {**settings, "IMAGES_STORE": "s3://wallpapers/other"}
        stats = crawl.stats_of(standin, other)
    assert stats["wallpapers/outcome"] == "store"
    assert "belongs to store s3://wallpapers/deep/, not s3://wallpapers/other/" in caplog.text
    assert len(keys(bucket)) == 2


def test_a_bucket_that_is_not_there_ends_the_run_with_5(
    crawl: Crawl, settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with StandIn(exhibits(40)) as standin:
        stats = crawl.stats_of(standin, {**settings, "IMAGES_STORE": "s3://nowhere/"})
        assert len(standin.asked) < 40
    assert stats["wallpapers/outcome"] == "store"
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert "NoSuchBucket" in errors[0].getMessage()


def test_a_server_that_does_not_answer_ends_the_run_with_5(
    crawl: Crawl, silent_address: str
) -> None:
    settings = {
        **settings_of(silent_address),
        "IMAGES_STORE": "s3://wallpapers/pictures/",
        "WALLPAPERS_CATALOGUE": f"sqlite:///{crawl.store}.db",
        "WALLPAPERS_UPLOAD_TIMEOUT": 0.5,
    }
    with StandIn(exhibits(2)) as standin:
        stats = crawl.stats_of(standin, settings)
    assert stats["wallpapers/outcome"] == "store"
    assert stats["wallpapers/left"] == 2


def test_without_credentials_the_run_ends_with_5(
    crawl: Crawl,
    settings: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    without = {name: value for name, value in settings.items() if name not in KEYS}
    with StandIn(exhibits(40)) as standin:
        stats = crawl.stats_of(standin, without)
    assert stats["wallpapers/outcome"] == "store"
    (error,) = (record for record in caplog.records if record.levelno >= logging.ERROR)
    assert "Unable to locate credentials" in error.getMessage()


@pytest.mark.parametrize("name", ["out.json", "out-%(batch_id)d.json"])
def test_a_feed_is_uploaded_by_a_run_that_succeeded(
    crawl: Crawl, settings: dict[str, Any], bucket: Any, tmp_path: Path, name: str
) -> None:
    options = {"batch_item_count": 2 if "batch" in name else 0}
    s3 = {**settings, "IMAGES_STORE": str(tmp_path / "store")}
    s3["FEEDS"] = {f"s3://wallpapers/{name}": {"format": "json", **options}}
    with HtmlListing(exhibits(20)) as standin:
        standin.from_page = 3
        assert crawl.stats_of(standin, s3, rn=3)["wallpapers/outcome"] == "listing"
    assert keys(bucket) == []
    with StandIn(exhibits(3)) as standin:
        assert crawl.stats_of(standin, s3)["wallpapers/outcome"] == "complete"
    bodies = [bucket.get_object(Bucket="wallpapers", Key=key)["Body"] for key in keys(bucket)]
    assert sum(len(json.loads(body.read())) for body in bodies) == 3
    assert len(bodies) == (2 if options["batch_item_count"] else 1)


def test_a_feed_that_s3_refuses_keeps_all_feeds_from_their_names(
    crawl: Crawl, settings: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "out.json").write_text("yesterday's")
    feeds = {
        str(tmp_path / "out.json"): {"format": "json", "overwrite": True},
        "s3://nowhere/out.json": {"format": "json"},
    }
    with StandIn(exhibits(3)) as standin:
        run = crawl(standin, {**settings, "IMAGES_STORE": str(tmp_path / "store"), "FEEDS": feeds})
    assert run.exit_status is ExitStatus.STORE
    assert "NoSuchBucket" in run.errors()[0]
    assert (tmp_path / "out.json").read_text() == "yesterday's"
    assert len(json.loads((tmp_path / "out.partial.json").read_text())) == 3
