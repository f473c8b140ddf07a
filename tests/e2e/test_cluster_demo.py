"""``scrapy cluster demo``: what the documentation promises of a cluster, on one machine."""

from __future__ import annotations

import re

import pytest

from tests.e2e.command import finish, read_until, start


@pytest.mark.slow
def test_the_demo_kills_a_worker_and_loses_nothing() -> None:
    process = start("cluster", "demo")
    output = read_until("files in the store", process, "stdout")  # it draws for long
    result = finish(process)
    assert result.status == 0, result.log
    assert re.search(r"^Killed worker process \d+ after \d+ requests$", output, re.MULTILINE)
    assert re.search(r"^listed 60\n  stored 60$", output, re.MULTILINE)
    assert re.search(r"^files in the store 60$", output, re.MULTILINE)
