"""Progress of a run: lines in a log, or a display on a terminal below the log."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

from tests.conftest import Crawl
from tests.e2e.command import FAST, start
from tests.pictures import exhibits
from tests.standin.picture_faults import HeldPictures
from wallpapers.demo.standin import StandIn


def test_progress_is_logged_regularly(crawl: Crawl) -> None:
    with HeldPictures(exhibits(20)) as standin:
        standin.release_after(1.0)
        run = crawl(standin, {"WALLPAPERS_PROGRESS": "auto", "WALLPAPERS_PROGRESS_INTERVAL": "0.2"})
    lines = [line for line in run.log.splitlines() if "extensions.progress" in line]
    assert len(lines) >= 2
    told = re.compile(
        r"\d pages, 20 found, 5 stored, 0 known, 0 failed, \d+\.\d MB, \d+\.\d MB/s, "
        r"about \d+ s left for 15 of 20$"
    )
    assert any(told.search(line) for line in lines)


def test_a_terminal_shows_a_display_below_the_log(tmp_path: Path) -> None:
    primary, secondary = pty.openpty()
    with StandIn(exhibits(40)) as standin:
        process = start(
            *("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}"),
            *("-s", f"IMAGES_STORE={tmp_path}", *FAST),
            stderr=secondary,
            stdout=subprocess.DEVNULL,
        )
        os.close(secondary)
        shown = read_all(primary)
        assert process.wait(30) == 0
    assert "pages, 40 found, 40 stored" in shown
    # Every line of the log begins at the left, once what steers the terminal is taken away.
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown).replace("\r", "\n").split("\n")
    lines = [line for line in lines if line.strip()]
    assert [line for line in lines if " INFO: " in line and not line.startswith("20")] == []
    assert lines[-1] == "outcome: complete (exit status 0)"


def read_all(terminal: int) -> str:
    """Read a terminal until its program has ended."""
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # Linux: nobody holds the other end any more
            part = b""
        if not part:
            os.close(terminal)
            return b"".join(parts).decode()
        parts.append(part)
