"""Progress of a run: lines in a log, or a display on a terminal below the log."""

from __future__ import annotations

import logging
import os
import pty
import re
import subprocess
from pathlib import Path

from aiohttp import web

from tests.conftest import Crawl
from tests.e2e.command import FAST, TIMEOUT_S, start_python
from tests.pictures import exhibits
from tests.standin.picture_faults import HeldPictures
from wallpapers.demo.standin import StandIn


class OverloadedOnce(StandIn):
    async def listing(self, request: web.Request) -> web.StreamResponse:
        if len(self.asked) == 1:
            raise web.HTTPInternalServerError
        return await super().listing(request)


class ReleaseAtFive(logging.Handler):
    """Releases the pictures of *standin* when it is logged that five are stored."""

    def __init__(self, standin: HeldPictures) -> None:
        super().__init__()
        self._standin = standin

    def emit(self, record: logging.LogRecord) -> None:
        if " 5 stored" in record.getMessage():
            self._standin.release()


def test_progress_is_logged_regularly(crawl: Crawl) -> None:
    with HeldPictures(exhibits(20)) as standin:
        logging.root.addHandler(handler := ReleaseAtFive(standin))
        run = crawl(standin, {"WALLPAPERS_PROGRESS": "auto", "WALLPAPERS_PROGRESS_INTERVAL": "0.2"})
        logging.root.removeHandler(handler)
    told = (
        r"\d pages, 20 found, 5 stored, 0 known, 0 failed, \d+\.\d MB, \d+\.\d MB/s, "
        r"about \d+ s left for 15 of 20$"
    )
    assert re.search(told, run.log, re.MULTILINE)


def test_a_retried_page_is_logged(crawl: Crawl) -> None:
    with OverloadedOnce(exhibits(2)) as standin:
        settings = {"WALLPAPERS_PROGRESS": "log", "WALLPAPERS_PROGRESS_INTERVAL": "0.1"}
        run = crawl(standin, {**settings, "WALLPAPERS_PATIENCE_BACKOFF": 1})
    retried = rf"0 MB/s; Retrying the first page .*: http_500 at 127.0.0.1:{standin.port} \(retry 1"
    assert re.search(retried, run.log)


def test_a_log_begins_with_the_source_and_the_store(crawl: Crawl) -> None:
    with StandIn(exhibits(2)) as standin:
        run = crawl(standin, {"WALLPAPERS_PROGRESS": "log"}, tag="海滩")
    assert (
        f"INFO: Crawling baidu_wallpaper 海滩 at {standin.endpoint} into {run.store}, " in run.log
    )


def on_terminal(standin: StandIn, folder: Path, *words: str) -> str:
    """Crawl *standin* on a terminal, and return what was written to it."""
    primary, secondary = pty.openpty()
    process = start_python(
        *("crawl", "baidu_wallpaper", "-a", f"endpoint={standin.endpoint}"),
        *("-s", f"IMAGES_STORE={folder / 'store'}", *FAST, *words),
        before=("env", "TERM=xterm", "COLUMNS=200"),
        stderr=secondary,
        stdout=subprocess.DEVNULL,
    )
    os.close(secondary)
    shown = read_all(primary)
    assert process.wait(TIMEOUT_S) == 0
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown).replace("\r", "\n")


def test_a_terminal_shows_a_display_below_short_lines(tmp_path: Path) -> None:
    with StandIn(exhibits(40)) as standin:
        shown = on_terminal(standin, tmp_path)
    assert "40 of 40" in shown
    assert "40 stored" in shown
    lines = [line for line in shown.split("\n") if line.strip()]
    assert lines[0].startswith("Crawling baidu_wallpaper")
    assert lines[-1] == "outcome: complete (exit status 0)"
    assert "INFO" not in shown


SCRAPYS = ("Enabled extensions", "Overridden settings", "Dumping Scrapy stats", "Spider opened")


def test_a_terminal_has_scrapys_lines_at_debug(tmp_path: Path) -> None:
    with StandIn(exhibits(3)) as standin:
        shown = on_terminal(standin, tmp_path, "-L", "DEBUG")
    for text in SCRAPYS:
        assert f"DEBUG: {text}" in shown
    assert "INFO: Wallpapers of this run" in shown


def test_a_log_file_has_scrapys_lines_at_info(tmp_path: Path) -> None:
    with StandIn(exhibits(3)) as standin:
        shown = on_terminal(standin, tmp_path, "--logfile", str(tmp_path / "log"))
    assert shown == ""
    log = (tmp_path / "log").read_text()
    for text in ("Scrapy ", *SCRAPYS):
        assert f"INFO: {text}" in log


def test_a_format_of_the_user_is_kept(tmp_path: Path) -> None:
    with StandIn(exhibits(3)) as standin:
        shown = on_terminal(standin, tmp_path, "-s", "LOG_FORMAT=<%(levelname)s> %(message)s")
    assert "<INFO> Crawling baidu_wallpaper" in shown


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
