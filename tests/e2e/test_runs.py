"""``scrapy stats --runs`` and ``--prometheus``: the result of each run, including killed ones."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.command import FAST, TIMEOUT_S, Result, finish, read_until, scrapy, start
from tests.pictures import exhibits
from tests.standin.listing_faults import AntiFlag
from tests.standin.picture_faults import HeldPictures, MissingPicture
from wallpapers.demo.standin import StandIn

ROOT = Path(__file__).parents[2]
COUNTS = ("stored", "known", "duplicate", "filtered", "failed", "left")


def words(standin: StandIn, folder: Path, *more: str) -> tuple[str, ...]:
    """Return the words of a crawl into *folder*/store."""
    store = ("-s", f"IMAGES_STORE={folder / 'store'}")
    return ("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}", *store, *FAST, *more)


def stats(folder: Path, *options: str) -> Result:
    result = scrapy("stats", *options, "-s", f"IMAGES_STORE={folder / 'store'}")
    assert result.status == 0, result.log
    return result


def runs(folder: Path) -> list[dict[str, Any]]:
    """Return the runs in the catalogue, the latest first."""
    found: list[dict[str, Any]] = json.loads(stats(folder, "--runs", "--json").output)["runs"]
    return found


def counts(run: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(run[name] for name in COUNTS)


def test_each_run_has_its_line_the_latest_first(tmp_path: Path) -> None:
    with MissingPicture(exhibits(3)) as standin:
        assert scrapy(*words(standin, tmp_path, "-a", "limit=2")).status == 3
        assert scrapy(*words(standin, tmp_path, "-a", "min_width=9999")).status == 0
    with AntiFlag(exhibits(1)) as refusing:
        assert scrapy(*words(refusing, tmp_path)).status == 4
    refused, filtered, failed = runs(tmp_path)
    assert [run["exit_status"] for run in (refused, filtered, failed)] == [4, 0, 3]
    assert [run["outcome"] for run in (refused, filtered, failed)] == [
        "listing",
        "complete",
        "failures",
    ]
    assert [counts(run) for run in (refused, filtered, failed)] == [
        (0, 0, 0, 0, 0, 0),
        (0, 0, 0, 3, 0, 0),
        (1, 0, 0, 0, 1, 0),
    ]
    assert failed["bytes"] == sum(file.stat().st_size for file in tmp_path.rglob("*.jpg"))
    assert failed["began_at"] <= failed["ended_at"] <= filtered["began_at"]
    table = stats(tmp_path, "--runs", "2").output.splitlines()
    assert [line.split()[3:5] for line in table[3:]] == [["4", "listing"], ["0", "complete"]]
    assert table[-1].endswith(" min_width=9999")
    everything = json.loads(stats(tmp_path, "--json").output)
    assert everything["runs"] == [refused, filtered, failed]
    assert everything["sources"]


def test_secrets_in_arguments_are_not_recorded(tmp_path: Path) -> None:
    spider = """
from wallpapers.options.arguments import text
from wallpapers.spiders.baidu_wallpaper import BaiduWallpaperSpider

class Account(BaiduWallpaperSpider):
    name = "account"
    arguments = {**BaiduWallpaperSpider.arguments, "access_token": text("")}
"""
    (tmp_path / "mine.py").write_text(spider)
    with StandIn(exhibits(1)) as standin:
        endpoint = f"{standin.endpoint}?key=canary1"
        result = scrapy(
            *("runspider", "mine.py", "-a", f"endpoint={endpoint}", "-a", "access_token=canary2"),
            *("-a", "_job=7", "-s", "FTP_PASSWORD=canary3", "-a", "col=canary3", *FAST),
            cwd=tmp_path,
        )
        assert result.status == 0
    catalogue = tmp_path / "downloads"
    assert b"canary" not in (catalogue / ".catalogue.db").read_bytes()
    shown = scrapy("stats", "--runs", "--json", cwd=tmp_path).output
    assert json.loads(shown)["runs"][0]["arguments"] == {
        "endpoint": re.sub(r"(//[^/]*/).*", r"\1***", standin.endpoint),
        "access_token": "***",
        "col": "***",
    }


def test_a_killed_run_has_no_end(tmp_path: Path) -> None:
    with HeldPictures(exhibits(20)) as standin:
        process = start(*words(standin, tmp_path))
        assert standin.held.wait(TIMEOUT_S)
        (running,) = runs(tmp_path)
        process.kill()
        finish(process)
        (killed,) = runs(tmp_path)
        standin.release()
        assert scrapy(*words(standin, tmp_path)).status == 0
    assert (running["state"], killed["state"]) == ("running", "killed")
    assert {killed[name] for name in (*COUNTS, "ended_at", "exit_status", "outcome")} == {None}
    table = stats(tmp_path, "--runs").output.splitlines()
    assert re.search(r" 0 complete .* baidu_wallpaper endpoint=", table[3])
    assert re.search(r" +- +killed( +-){5} +baidu_wallpaper endpoint=", table[4])


@pytest.mark.parametrize("signals", [1, 2])
def test_an_interrupted_run_has_its_end(tmp_path: Path, signals: int) -> None:
    """With the second signal, the process ends before its run has ended in order."""
    with HeldPictures(exhibits(20)) as standin:
        process = start(*words(standin, tmp_path))
        assert standin.held.wait(TIMEOUT_S)
        for _ in range(signals):
            process.send_signal(signal.SIGINT)
            read_until("Received SIGINT", process)
        if signals == 1:
            standin.release()
        assert finish(process).status == 130
        standin.release()
    (run,) = runs(tmp_path)
    assert (run["state"], run["outcome"]) == ("ended", "interrupted")
    assert run["stored"] + run["left"] == 20


def test_a_feed_that_fails_at_the_end_counts(tmp_path: Path) -> None:
    storage = """
from scrapy.extensions.feedexport import BlockingFeedStorage

class Away(BlockingFeedStorage):
    def __init__(self, uri, *, feed_options=None):
        pass

    def _store_in_thread(self, file):
        raise OSError("the bucket is away")
"""
    (tmp_path / "away.py").write_text(storage)
    with StandIn(exhibits(2)) as standin:
        away = ("-s", 'FEED_STORAGES={"away": "away.Away"}', "-O", "away://bucket/out.json")
        assert scrapy(*words(standin, tmp_path, *away), cwd=tmp_path).status == 5
    (run,) = runs(tmp_path)
    assert (run["exit_status"], run["outcome"], run["stored"]) == (5, "store", 2)


def test_only_runs_that_list_wallpapers_are_recorded(tmp_path: Path) -> None:
    plain = """
import scrapy

class Plain(scrapy.Spider):
    name = "plain"

    async def start(self):
        yield {"image_urls": [self.url]} if self.url else {}
"""
    (tmp_path / "plain.py").write_text(plain)
    private = ("-s", "WALLPAPERS_ALLOW_PRIVATE_ADDRESSES=True")
    with StandIn(exhibits(1)) as standin:
        picture = standin.endpoint.partition("/data/")[0] + "/image/0.jpg"
        for url in ("", picture):
            words_of_it = ("runspider", "plain.py", "-a", f"url={url}", *private)
            assert scrapy(*words_of_it, cwd=tmp_path).status == 0
        assert scrapy("fetch", standin.endpoint, cwd=tmp_path).status == 0
    shown = json.loads(scrapy("stats", "--runs", "--json", cwd=tmp_path).output)["runs"]
    assert [(run["source"], run["arguments"]) for run in shown] == [("plain", {})]


def test_metrics_are_in_the_format_of_prometheus_and_documented(tmp_path: Path) -> None:
    with MissingPicture(exhibits(3)) as standin:
        assert scrapy(*words(standin, tmp_path)).status == 3
        assert scrapy(*words(standin, tmp_path, "-a", "min_width=9999")).status == 0
    text = stats(tmp_path, "--prometheus").output
    assert text.endswith("\n")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert all(family.documentation for family in families.values())
    samples = {
        (sample.name, tuple(sorted(sample.labels.values()))): sample.value
        for family in families.values()
        for sample in family.samples
    }
    source = "baidu_wallpaper"
    assert samples["wallpapers_catalogue_wallpapers", (source, "failed")] == 2
    assert samples["wallpapers_store_images", ("JPEG",)] == 1
    assert samples["wallpapers_runs_total", (source, "complete")] == 1
    assert samples["wallpapers_runs_total", (source, "failures")] == 1
    assert samples["wallpapers_last_run_exit_status", (source,)] == 0
    assert samples["wallpapers_last_run_wallpapers", (source, "filtered")] == 3
    start_s = samples["wallpapers_last_run_start_timestamp_seconds", (source,)]
    assert 0 <= samples["wallpapers_last_complete_timestamp_seconds", (source,)] - start_s < 60
    described = re.findall(
        r"^\| `(\w+)`", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE
    )
    assert [name for name in described if name.startswith("wallpapers_")] == [
        f"{name}_total" if family.type == "counter" else name for name, family in families.items()
    ]


@pytest.mark.parametrize("option", [("--runs", "0"), ("--runs", "x"), ("--prometheus", "--json")])
def test_wrong_options_are_status_2(tmp_path: Path, option: tuple[str, ...]) -> None:
    assert scrapy("stats", *option, "-s", f"IMAGES_STORE={tmp_path}").status == 2


def test_metrics_of_a_missing_catalogue_are_none(tmp_path: Path) -> None:
    """So that ``stats --prometheus > file.$$ && mv file.$$ file`` keeps the last ones."""
    result = scrapy("stats", "--prometheus", "-s", f"IMAGES_STORE={tmp_path}")
    assert (result.status, result.output) == (1, "")
