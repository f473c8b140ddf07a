"""A worker whose store fails while it describes images."""

from __future__ import annotations

from tests.cluster import Cluster
from tests.e2e.command import scrapy, wait_until
from tests.pictures import exhibits
from tests.s3 import settings_of
from wallpapers.demo.standin import StandIn


def test_a_bucket_that_does_not_answer_is_one_line(running: Cluster, closed_port: int) -> None:
    with StandIn(exhibits(1)) as standin:
        assert scrapy("crawl", *running.words(standin), *running.settings).status == 0
    assert running.run("look").output.startswith("1 images to look at")
    bucket = {**settings_of(f"http://127.0.0.1:{closed_port}"), "IMAGES_STORE": "s3://bucket/"}
    running.settings += tuple(f"-s{name}={value}" for name, value in bucket.items())
    running.start_worker()
    running.wait_for_workers(1)
    wait_until(lambda: "Task failed: look" in running.log_of(0))
    assert "Could not connect to the endpoint" in running.log_of(0)
