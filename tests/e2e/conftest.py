"""Fixtures of the tests that run programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cluster import Cluster, cluster
from tests.e2e.command import PROJECT
from tests.postgresql import PostgreSQL
from tests.system import find

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# As root, and without connections to hosts that the machine cannot reach.
_OPTIONS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(find("chromium")), args=_OPTIONS)
        yield chromium
        chromium.close()


@pytest.fixture
def environment() -> dict[str, str]:
    """The environment of a shell in which both programs are on the path."""
    scripts = str(Path(sys.executable).parent)
    ours = {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(PROJECT)}
    ours |= {"SCRAPY_SETTINGS_MODULE": "wallpapers.settings", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    return {**os.environ, **ours}


@pytest.fixture
def running(postgresql_of_wheel: PostgreSQL, tmp_path: Path) -> Iterator[Cluster]:
    """A cluster without workers, with a database and a store of its own."""
    with cluster(postgresql_of_wheel.new_database(), tmp_path) as made:
        yield made
