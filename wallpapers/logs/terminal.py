"""Show the log of a run on a terminal: short lines, wrapped by words, above a live display."""

from __future__ import annotations

import io
import logging
import sys
from functools import cache
from typing import TYPE_CHECKING, Protocol, TextIO, cast, runtime_checkable

from scrapy.utils.log import get_scrapy_root_handler

from wallpapers.logs.level import level_of
from wallpapers.logs.repeats import RepeatFilter

if TYPE_CHECKING:
    from rich.console import Console
    from scrapy.settings import BaseSettings

VERBATIM = "    "  # before a command on a line of its own
_INDENT = "  "  # of the lines into which a long one is wrapped
_STYLES = {
    r"^warning:": "yellow",
    r"^(error|critical):": "bold red",
    r"^  failed +[1-9].*": "red",
    r"^outcome: complete.*": "green",
    r"^outcome: (?!complete).*": "red",
    r"^    \S+ (-m \w+ )?(crawl|retry|doctor) .*": "bold",
}


@runtime_checkable
class TerminalMessage(Protocol):
    """A log message with another form for a terminal; ``str()`` is that for other logs."""

    def for_terminal(self, width: int) -> str:
        """Return the lines to show in *width* columns."""


def wrap(text: str, width: int) -> str:
    """Wrap each line of *text* by words, with an indentation of its continuations."""
    from rich.console import Console
    from rich.text import Text

    console = Console(width=width)
    lines: list[str] = []
    for line in map(Text, text.split("\n")):
        if line.cell_len <= width or line.plain.startswith(VERBATIM):
            lines.append(line.plain)
            continue
        first, *others = line.wrap(console, width - len(_INDENT))
        lines += [first.plain, *(_INDENT + other.plain for other in others)]
    return "\n".join(lines)


def is_on_terminal(settings: BaseSettings) -> bool:
    """Return whether the log is shown on a terminal and kept nowhere else."""
    is_shown = settings.getbool("LOG_ENABLED") and not settings["LOG_FILE"]
    return is_shown and sys.stderr is not None and sys.stderr.isatty()


def screen_for(settings: BaseSettings) -> Screen | None:
    """Return the terminal as a screen, or None where plain log lines are wanted or possible.

    Settings: WALLPAPERS_PROGRESS, LOG_LEVEL, LOG_FILE, LOG_ENABLED.
    """
    is_wanted = settings["WALLPAPERS_PROGRESS"] == "auto" and level_of(settings) <= logging.INFO
    if not is_wanted or not is_on_terminal(settings) or _has_feed_on_terminal(settings):
        return None
    console = _screen().console
    return _screen() if console.is_terminal and not console.is_dumb_terminal else None


def _has_feed_on_terminal(settings: BaseSettings) -> bool:
    is_stdout = any(str(feed).startswith("stdout:") for feed in settings.getdict("FEEDS"))
    return is_stdout and sys.stdout is not None and sys.stdout.isatty()


@cache
def _screen() -> Screen:
    return Screen()


class Screen:
    """The terminal of the process, which the log shares with a live display."""

    def __init__(self) -> None:
        from rich.console import Console

        self.console = Console(stderr=True)
        self.repeats = RepeatFilter()

    def take_log(self, settings: BaseSettings) -> None:
        """Show the log in place of Scrapy's handler: short lines, and repeated warnings once.

        Scrapy's handler stays if the user set LOG_FORMAT, or LOG_LEVEL to DEBUG.
        """
        is_default = settings.getpriority("LOG_FORMAT") == 0
        if not is_default or level_of(settings) != logging.INFO:
            return
        settings.set("LOG_INSTALL_ROOT_HANDLER", False, priority="cmdline")
        handler = _ScreenHandler(self._stream(sys.stderr))
        handler.setLevel(logging.INFO)
        handler.setFormatter(_ShortFormatter(self.console))
        handler.addFilter(self.repeats)
        logging.root.addHandler(handler)
        logging.root.setLevel(logging.NOTSET)

    def share_with(self, handler: logging.Handler | None) -> None:
        """Print the lines of a *handler* of Scrapy above the live display."""
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(self._stream(handler.stream))

    def _stream(self, stream: TextIO) -> TextIO:
        return cast("TextIO", _LogStream(self.console, stream))


class _ScreenHandler(logging.StreamHandler[TextIO]):
    """The handler of the screen, in place of Scrapy's."""


def log_handler() -> logging.Handler | None:
    """Return the handler that writes the log of a crawl: Scrapy's, or that of the screen."""
    own = (handler for handler in logging.root.handlers if isinstance(handler, _ScreenHandler))
    return get_scrapy_root_handler() or next(own, None)


class _ShortFormatter(logging.Formatter):
    """The message, after the level if it is a warning or an error."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        width = self._console.width
        if isinstance(record.msg, TerminalMessage):
            return record.msg.for_terminal(width)
        if record.levelno <= logging.INFO:
            return wrap(record.message, width)
        text = f"{record.levelname.lower()}: {record.message}"
        # An error may contain a command, which must stay in one piece to be copied.
        return wrap(text, width) if record.levelno < logging.ERROR else text


class _LogStream(io.TextIOBase):
    """Print lines on a console, which keeps a live display below them."""

    def __init__(self, console: Console, stream: TextIO) -> None:
        self._console = console
        self._stream = stream

    def write(self, text: str) -> int:
        from rich.text import Text

        for line in text.removesuffix("\n").split("\n"):
            styled = Text.from_ansi(line)
            for pattern, style in _STYLES.items():
                styled.highlight_regex(pattern, style)
            self._console.print(styled, soft_wrap=True)
        return len(text)

    def flush(self) -> None:
        """Do nothing: the console is flushed with each line."""

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()
