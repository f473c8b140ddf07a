"""Without the extra ``collection``, crawls work, and its commands name the pip command."""

from __future__ import annotations

import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Crawl
from tests.pictures import exhibits
from wallpapers.catalogue.location import FILE_NAME
from wallpapers.demo.standin import StandIn
from wallpapers.errors import MissingLibraryError
from wallpapers.options.extras import require_for_collection
from wallpapers.run.exit_status import ExitStatus

THUMBS = {"IMAGES_THUMBS": {"small": (32, 32)}}


@pytest.fixture(autouse=True)
def without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the libraries of the extra unavailable in this process."""
    for name in ("numpy", "faiss", "pyarrow"):
        monkeypatch.setitem(sys.modules, name, None)


def test_a_crawl_with_thumbnails_describes_nothing(crawl: Crawl) -> None:
    with StandIn(exhibits(2)) as standin:
        run = crawl(standin, THUMBS)
    assert run.exit_status is ExitStatus.COMPLETE
    assert not run.warnings()
    with closing(sqlite3.connect(run.store / FILE_NAME)) as catalogue:
        assert catalogue.execute("SELECT count(*) FROM looks").fetchone() == (0,)


def test_a_crawl_that_is_to_describe_everything_does_not_start(crawl: Crawl) -> None:
    with (
        StandIn(exhibits(2)) as standin,
        pytest.raises(
            MissingLibraryError, match=r"LOOK=always needs numpy, which is not installed"
        ),
    ):
        crawl(standin, {"WALLPAPERS_LOOK": "always"})


@pytest.mark.parametrize("module", ["numpy", "pyarrow"])
def test_the_message_names_the_clone_which_pip_would_not_find_by_name(module: str) -> None:
    clone = re.escape(str(Path(__file__).parents[2]))
    command = rf"export needs {module}, .*: .* -m pip install --editable '{clone}\[collection\]'"
    with pytest.raises(MissingLibraryError, match=command):
        require_for_collection("export", module)
