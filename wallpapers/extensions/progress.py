"""Show the progress of a run: a live display on a terminal, otherwise regular log lines."""

from __future__ import annotations

import logging
import sys
from time import monotonic
from typing import TYPE_CHECKING, Any, Self, TextIO, cast

from scrapy import signals
from scrapy.exceptions import NotConfigured
from scrapy.utils.asyncio import create_looping_call
from scrapy.utils.log import get_scrapy_root_handler

from wallpapers.options.setting_values import one_of, positive
from wallpapers.run.addon import run_of
from wallpapers.run.reasons import Verdict

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Display
    from scrapy.crawler import Crawler

    from wallpapers.run.ledger import RunLedger

logger = logging.getLogger(__name__)

_DISPLAY_INTERVAL_S = 0.25


class Progress:
    """Show pages, wallpapers found, stored and failed, MB, MB/s, and the time left if known.

    Settings: WALLPAPERS_PROGRESS (``auto``, ``log`` or ``off``), WALLPAPERS_PROGRESS_INTERVAL
    (seconds between two log lines).
    """

    def __init__(self, ledger: RunLedger, interval_s: float, *, display: bool) -> None:
        self._ledger = ledger
        self._started_s = monotonic()
        self._display = _LiveDisplay() if display else None
        self._interval_s = _DISPLAY_INTERVAL_S if display else interval_s
        self._call = create_looping_call(self._show)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        settings = crawler.settings
        kind = one_of(settings, "WALLPAPERS_PROGRESS", ("auto", "log", "off"))
        interval_s = positive(settings, "WALLPAPERS_PROGRESS_INTERVAL")
        if kind == "off":
            raise NotConfigured
        log_is_on_terminal = settings.getbool("LOG_ENABLED") and not settings["LOG_FILE"]
        on_terminal = sys.stderr is not None and sys.stderr.isatty()
        display = kind == "auto" and on_terminal and log_is_on_terminal
        progress = cls(run_of(crawler).ledger, interval_s, display=display)
        crawler.signals.connect(progress.spider_opened, signals.spider_opened)
        crawler.signals.connect(progress.spider_closed, signals.spider_closed)
        return progress

    def spider_opened(self) -> None:
        if self._display:
            self._display.start()
        self._call.start(self._interval_s, now=False)

    def spider_closed(self) -> None:
        if self._call.running:
            self._call.stop()
        if self._display:
            self._show()
            self._display.stop()

    def abort(self) -> None:
        """Restore the terminal after a run that Scrapy did not close."""
        if self._display:
            self._display.stop()

    def _show(self) -> None:
        ledger = self._ledger
        done = ledger.verdicts.total()
        total = max(ledger.expected, ledger.listed) if ledger.expected else None
        rate = ledger.bytes / 1e6 / max(monotonic() - self._started_s, 1e-6)
        line = (
            f"{ledger.pages} pages, {ledger.listed + ledger.left} found, "
            f"{ledger.verdicts[Verdict.STORED]} stored, "
            f"{ledger.verdicts[Verdict.KNOWN]} known, {ledger.verdicts[Verdict.FAILED]} failed, "
            f"{ledger.bytes / 1e6:.1f} MB, {rate:.1f} MB/s"
        )
        if self._display:
            self._display.update(line, done, total)
        else:
            logger.info("%s%s", line, self._time_left(done, total))

    def _time_left(self, done: int, total: int | None) -> str:
        if not total or not done:
            return ""
        seconds = (monotonic() - self._started_s) / done * (total - done)
        return f", about {seconds:.0f} s left for {total - done} of {total}"


class _LiveDisplay:
    """A line at the bottom of the terminal, below the log."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Display

        self._console: Console = Console(stderr=True)
        self._progress: Display = Display(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._progress.add_task("starting", total=None)
        self._handler: logging.StreamHandler[TextIO] | None = None

    def start(self) -> None:
        from rich.file_proxy import FileProxy

        handler = get_scrapy_root_handler()
        if isinstance(handler, logging.StreamHandler):
            self._handler, self._stream = handler, handler.stream
            log = FileProxy(cast("Console", _Unwrapped(self._console)), handler.stream)
            handler.setStream(cast("TextIO", log))
        self._progress.start()

    def stop(self) -> None:
        self._progress.stop()
        if self._handler:
            self._handler.setStream(self._stream)

    def update(self, line: str, done: int, total: int | None) -> None:
        self._progress.update(self._task, description=line, completed=done, total=total)


class _Unwrapped:
    """A console that leaves long lines to the terminal, so that they can be copied in one piece."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> Console:
        return self._console.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._console.__exit__(*error)

    def print(self, text: object) -> None:
        self._console.print(text, soft_wrap=True)
