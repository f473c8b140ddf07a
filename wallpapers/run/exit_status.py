"""Define the exit statuses of the commands."""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """An exit status; the name in lower case is the value of the stat ``wallpapers/outcome``."""

    COMPLETE = 0  # the listing ended, and no wallpaper failed
    COULD_NOT_START = 1  # a wrong argument or setting, or a missing library
    WRONG_USAGE = 2  # of the command line; Scrapy's own
    FAILURES = 3  # the listing ended, but some wallpapers failed
    LISTING = 4  # the listing is incomplete, or a callback or pipeline raised
    STORE = 5  # the store, the catalogue or a feed failed
    INTERRUPTED = 130  # by Ctrl-C, SIGTERM or SIGHUP
    OUTPUT_CLOSED = 141  # the output was closed, as by ``| head``; 128 + SIGPIPE
