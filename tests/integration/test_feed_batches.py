"""Feeds in batches: each batch is a file, completed or kept as partial like any feed."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest

from tests.conftest import Crawl
from tests.feeds import only_feed
from tests.pictures import exhibits
from tests.standin.listing_faults import HtmlListing
from wallpapers.demo.standin import StandIn
from wallpapers.run.exit_status import ExitStatus


def test_each_batch_is_a_file(crawl: Crawl, tmp_path: Path) -> None:
    target = tmp_path / "out-%(batch_id)d.json"
    with StandIn(exhibits(5)) as standin:
        run = crawl(standin, only_feed(target, "json", batch_item_count=2))
    parts = [json.loads((tmp_path / f"out-{number}.json").read_text()) for number in (1, 2, 3)]
    assert [item for part in parts for item in part] == run.items
    assert [path.name for path in tmp_path.glob("*.partial.*")] == []


def test_a_failed_run_leaves_partial_batches_and_keeps_the_old_ones(
    crawl: Crawl, tmp_path: Path
) -> None:
    target = tmp_path / "out-%(batch_id)d.json"
    for number in (1, 2, 3):
        (tmp_path / f"out-{number}.json").write_text("yesterday's")
    with HtmlListing(exhibits(20)) as standin:
        standin.from_page = 5
        run = crawl(standin, only_feed(target, "json", batch_item_count=2), rn=5)
    assert run.exit_status is ExitStatus.LISTING
    names = [(f"out-{number}.json", f"out-{number}.partial.json") for number in (1, 2, 3)]
    assert [(tmp_path / name).read_text() for name, _ in names] == ["yesterday's"] * 3
    parts = [json.loads((tmp_path / partial).read_text()) for _, partial in names]
    assert [item for part in parts for item in part] == run.items
    assert len(run.items) == 5


def test_new_batches_are_appended_to_the_old_ones(crawl: Crawl, tmp_path: Path) -> None:
    target = tmp_path / "out-%(batch_id)d.csv"
    with StandIn(exhibits(3)) as standin:
        for _ in range(2):
            crawl(standin, only_feed(target, "csv", batch_item_count=2, overwrite=False))
    rows = [len((tmp_path / f"out-{number}.csv").read_text().splitlines()) for number in (1, 2)]
    assert rows == [1 + 2 * 2, 1 + 2 * 1]


def test_a_later_batch_that_cannot_be_appended_to_fails_the_run(
    crawl: Crawl, tmp_path: Path
) -> None:
    target = tmp_path / "out-%(batch_id)d.json"
    (tmp_path / "out-2.json").write_text("yesterday's")
    with StandIn(exhibits(5)) as standin:
        run = crawl(standin, only_feed(target, "json", batch_item_count=2, overwrite=False))
    assert run.exit_status is ExitStatus.STORE
    assert "cannot append to the json feed" in run.errors()[0]
    assert len(json.loads((tmp_path / "out-1.partial.json").read_text())) == 2
    assert (tmp_path / "out-2.json").read_text() == "yesterday's"


def test_a_run_may_have_more_batches_than_open_files(
    crawl: Crawl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "%(batch_id)d.jsonl"
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = len(list(Path("/dev/fd").iterdir()))
    with StandIn(exhibits(300)) as standin:
        # Both ends of 32 connections and the part files take about 100 of them.
        resource.setrlimit(resource.RLIMIT_NOFILE, (opened + 240, hard))
        try:
            run = crawl(standin, only_feed(target, "jsonl", batch_item_count=1), rn=50)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert run.exit_status is ExitStatus.COMPLETE
    parts = [(tmp_path / f"{number}.jsonl").read_text() for number in range(1, 301)]
    assert [json.loads(part) for part in parts] == run.items
