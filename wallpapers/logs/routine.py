"""Lower the level of what Scrapy logs in every run: lists of components, settings, stats."""

from __future__ import annotations

import logging

# They log components and settings at the start, stages of the run, and stats at the end.
_LOGGERS = (
    "scrapy.utils.log",
    "scrapy.addons",
    "scrapy.middleware",
    "scrapy.crawler",
    "scrapy.core.engine",
    "scrapy.statscollectors",
)


def demote_routine() -> None:
    """Log at DEBUG, from now on in this process, what these loggers log at INFO."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_demote)


def _demote(record: logging.LogRecord) -> bool:
    is_signal = str(record.msg).startswith("Received ")
    if record.levelno == logging.INFO and not record.exc_info and not is_signal:
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
    return True
