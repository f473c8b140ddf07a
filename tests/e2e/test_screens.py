"""What a person sees of a crawl on a terminal, captured with tmux."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from aiohttp import web

from tests.pictures import exhibits
from tests.standin.listing_faults import Answering, HtmlListing
from tests.standin.picture_faults import HeldPictures
from tests.terminal import Terminal
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn

pytestmark = pytest.mark.system("tmux", package="tmux")
WIDTHS = pytest.mark.parametrize("columns", [120, 80, 40])


class FourAreMissing(StandIn):
    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        if exhibit in self.exhibits[:4]:
            raise web.HTTPNotFound
        return await super().picture(request, exhibit)


class Overloaded(Answering):
    def fault(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPInternalServerError


def is_plain(line: str) -> bool:
    """Return whether *line* is the first one of a record of a plain log."""
    return re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[[\w.]+\] [A-Z]+: ", line) is not None


@WIDTHS
def test_a_run_in_progress(tmp_path: Path, columns: int) -> None:
    with HeldPictures(exhibits(40)) as standin, Terminal(tmp_path, columns) as terminal:
        terminal.crawl(standin.endpoint)
        *headline, bar, counts = terminal.wait_for("5 of 40")
        standin.release()
        assert terminal.finish() == 0
    assert " ".join(line.strip() for line in headline) == (
        f"Crawling baidu_wallpaper 国家地理 at {standin.endpoint} into downloads"
    )
    assert re.fullmatch(r"━+[╸╺]?━*  5 of 40  \d:\d\d left  0\.0 MB/s", bar)
    assert len(bar) > min(columns, 80) - 4
    assert re.match(r"5 stored  0\.0 MB  (1 page|2 pages)", counts)


@WIDTHS
def test_a_run_with_failures_leaves_its_summary(tmp_path: Path, columns: int) -> None:
    with FourAreMissing(exhibits(10)) as standin, Terminal(tmp_path, columns) as terminal:
        terminal.crawl(standin.endpoint)
        assert terminal.finish() == 3
        lines = terminal.lines()
    begin = lines.index("Wallpapers of this run")
    assert lines[begin - 1] == ""
    table = lines[begin + 1 :]
    assert [re.sub(r"MB in .*", "MB", line) for line in table] == [
        "listed            10",
        "  stored           6  0.0 MB",
        "  known            0",
        "  duplicate        0",
        "  filtered         0",
        "  failed           4  http_404 4",
        "    at 127.0.0.1   4  http_404 4",
        "outcome: failures (exit status 3)",
        *(
            ["4 of 10 wallpapers failed (http_404", "  4); to try them again, run:"]
            if columns == 40
            else ["4 of 10 wallpapers failed (http_404 4); to try them again, run:"]
        ),
        "    scrapy retry baidu_wallpaper",
    ]


def test_a_repeated_failure_of_a_host_is_shown_once_and_counted(tmp_path: Path) -> None:
    with FourAreMissing(exhibits(10)) as standin, Terminal(tmp_path, 120) as terminal:
        terminal.crawl(standin.endpoint)
        terminal.finish()
        shown = "\n".join(terminal.lines())
    assert shown.count("warning: failed http_404: wallpaper ") == 1
    assert "warning: 3 more like these: failed http_404 at 127.0.0.1 (3); --logfile" in shown


def test_a_run_with_nothing_new_has_at_most_12_lines(tmp_path: Path) -> None:
    for _ in range(2):
        (tmp_path / "tmux").unlink(missing_ok=True)
        with StandIn(exhibits(10)) as standin, Terminal(tmp_path) as terminal:
            terminal.crawl(standin.endpoint, "-O", "wallpapers.json")
            assert terminal.finish() == 0
            lines = terminal.lines()
    assert "  known      10" in lines
    assert len(lines) <= 12


@WIDTHS
def test_a_listing_that_cannot_be_read(tmp_path: Path, columns: int) -> None:
    """The message is below the summary, once, and its command can be copied."""
    with HtmlListing(exhibits(1)) as standin, Terminal(tmp_path, columns) as terminal:
        terminal.crawl(standin.endpoint)
        assert terminal.finish() == 4
        lines = terminal.lines()
    outcome = lines.index("outcome: listing (exit status 4)")
    assert lines[outcome + 1].startswith("Unexpected response from the listing:")
    # The terminal breaks a long command itself, so that it is copied in one piece.
    shown = "".join(lines).replace(" ", "")
    assert shown.count("Unexpectedresponse") == 1
    assert shown.endswith("ortry:scrapycrawlbaidu_search-a'word=国家地理壁纸'")
    assert lines[-1 - (columns == 40)].startswith("    scrapy crawl baidu_search")


def test_the_retried_request_is_shown_until_the_first_page(tmp_path: Path) -> None:
    with Overloaded(exhibits(1)) as standin, Terminal(tmp_path) as terminal:
        terminal.crawl(standin.endpoint, "-s", "WALLPAPERS_PATIENCE_BACKOFF=60")
        lines = terminal.wait_for("Retrying the first page in ")
        terminal.press("C-c")
        assert terminal.finish() == 130
    assert re.fullmatch(
        rf"Retrying the first page in \d+ s: http_500 at 127.0.0.1:{standin.port} \(retry 1 of 4\)",
        lines[-1],
    )


def test_a_first_page_that_fails(tmp_path: Path) -> None:
    class Silent(StandIn):
        async def listing(self, request: web.Request) -> web.StreamResponse:
            await asyncio.Event().wait()
            raise AssertionError

    with Silent(exhibits(1)) as standin, Terminal(tmp_path) as terminal:
        terminal.crawl(standin.endpoint, "-s", "WALLPAPERS_SHUTDOWN_TIMEOUT=1")
        assert terminal.wait_for("Waiting for the first page (1 s)")
        terminal.press("C-c")
        assert terminal.finish() == 130


def test_a_dumb_terminal_has_plain_log_lines(tmp_path: Path) -> None:
    with FourAreMissing(exhibits(10)) as standin, Terminal(tmp_path, 300, TERM="dumb") as terminal:
        terminal.crawl(standin.endpoint)
        assert terminal.finish() == 3
        lines = terminal.lines()
    begin = next(n for n, line in enumerate(lines) if "Wallpapers of this run" in line)
    assert all(map(is_plain, lines[: begin + 1]))
    assert sum("WARNING: failed http_404: " in line for line in lines) == 4
    assert "━" not in "".join(lines)
    assert "Enabled" not in "".join(lines)


def test_a_pipe_has_all_lines_of_the_log(tmp_path: Path) -> None:
    with FourAreMissing(exhibits(10)) as standin, Terminal(tmp_path, 300) as terminal:
        terminal.crawl(standin.endpoint, through="2>&1 | cat > log")
        terminal.finish()
        assert terminal.lines() == [""]
    log = (tmp_path / "log").read_text()
    assert log.count("WARNING: failed http_404: ") == 4
    for text in ("Enabled extensions", "Overridden settings", "Dumping Scrapy stats", "Closing"):
        assert f"INFO: {text}" in log
    assert "\x1b" not in log


@pytest.mark.parametrize("no_color", [True, False])
def test_no_color(tmp_path: Path, no_color: bool) -> None:
    value = "1" if no_color else ""  # an empty value has no effect
    with HeldPictures(exhibits(40)) as standin, Terminal(tmp_path, NO_COLOR=value) as terminal:
        terminal.crawl(standin.endpoint)
        terminal.wait_for("5 of 40")
        during = terminal.lines(with_styles=True)
        standin.release()
        terminal.finish()
        shown = "\n".join(during + terminal.lines(with_styles=True))
    colours = set(re.findall(r"\x1b\[(?:\d+;)*(3[0-8]|4[0-8]|9[0-7])[;m]", shown))
    assert bool(colours) is not no_color


def test_a_feed_on_the_terminal_is_not_mixed_with_a_display(tmp_path: Path) -> None:
    with StandIn(exhibits(3)) as standin, Terminal(tmp_path, 2000) as terminal:
        terminal.crawl(standin.endpoint, "-o", "-:jsonlines")
        assert terminal.finish() == 0
        lines = terminal.lines()
    assert sum(line.startswith('{"') for line in lines) == 3
    assert all(line.startswith('{"') or is_plain(line) for line in lines[:-7])
