"""``scrapy cluster look``: each stored image gets its look, even if workers are killed."""

from __future__ import annotations

from time import monotonic, sleep

import pytest

from tests.cluster import Cluster
from tests.e2e.command import finish, scrapy
from tests.pictures import exhibits
from tests.s3 import BUCKET, s3_bucket, s3_server, settings_of
from wallpapers.demo.standin import StandIn

pytestmark = pytest.mark.slow

COUNT = 400


def seen(running: Cluster) -> int:
    """Return the number of looks."""
    ((count,),) = running.rows("SELECT count(*) FROM looks WHERE error IS NULL")
    return int(count)


def wait_for(running: Cluster, count: int) -> None:
    """Wait until there are *count* looks."""
    end_s = monotonic() + 90
    while seen(running) < count:
        assert monotonic() < end_s, [running.log_of(0), running.log_of(1)]
        sleep(0.02)


def test_a_killed_worker_leaves_its_images_to_others(running: Cluster) -> None:
    with StandIn(exhibits(COUNT)) as standin:
        assert scrapy("crawl", *running.words(standin), *running.settings).status == 0
    result = running.run("look")
    assert result.output == f"{COUNT} images to look at, in 256 tasks\n", result.log
    killed = running.start_worker()
    running.start_worker()
    wait_for(running, 20)
    killed.kill()
    finish(killed)
    wait_for(running, COUNT)
    assert running.run("look").output.startswith("0 images to look at")


def test_images_of_a_bucket_are_described(running: Cluster) -> None:
    with s3_server() as address, s3_bucket(address), StandIn(exhibits(20)) as standin:
        settings = {**settings_of(address), "IMAGES_STORE": f"s3://{BUCKET}/deep/"}
        running.settings += tuple(f"-s{name}={value}" for name, value in settings.items())
        assert scrapy("crawl", *running.words(standin), *running.settings).status == 0
        assert running.run("look").output.startswith("20 images to look at")
        running.start_worker()
        wait_for(running, 20)


def test_a_mistake_is_one_line(running: Cluster) -> None:
    remote = scrapy("cluster", "look", *running.settings, "-s", "IMAGES_STORE=gs://bucket/")
    assert remote.status == 1
    assert "images can be read from a folder or s3://" in remote.log
    assert running.run("look", "more").status == 2
