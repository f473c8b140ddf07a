"""Keep secrets out of the log: one place that masks them in every record, whoever writes it."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from scrapy.settings import BaseSettings

_NAMES = re.compile(r"PASS|SECRET|TOKEN|(ACCESS|API|PRIVATE)_?KEY", re.IGNORECASE)
_SHORTEST = 4  # characters; anything shorter would mask half of the log
_MASK = "***"


class HideSecrets:
    """Scrapy add-on: hides the values of settings that are secret, before the first is logged.

    Secret are the values of settings whose name says so, and the user part of every address in
    settings, in the keys of FEEDS, and in the proxies of the environment.
    """

    def update_settings(self, settings: BaseSettings) -> None:
        hide(_secrets(settings))


def hide(secrets: Iterable[str]) -> None:
    """Mask *secrets* in every log record from now on, in this process."""
    for secret in secrets:
        if len(secret) >= _SHORTEST:
            _hidden.update({secret, repr(secret)[1:-1], quote(secret, safe="")})
    if _hidden and logging.getLogRecordFactory() is not _masked_record:
        logging.setLogRecordFactory(_masked_record)


def mask(text: str) -> str:
    """Return *text* with every hidden secret masked."""
    for secret in sorted(_hidden, key=len, reverse=True):
        text = text.replace(secret, _MASK)
    return text


_hidden: set[str] = set()
_record = logging.getLogRecordFactory()


def _masked_record(*args: Any, **kwargs: Any) -> logging.LogRecord:
    record = _record(*args, **kwargs)
    try:
        message = record.getMessage()
    except Exception:  # a sloppy call, which the handler is to tell of
        return record
    if (masked := mask(message)) != message:
        record.msg, record.args = masked, ()
    if record.exc_info:
        record.exc_text = mask(logging.Formatter().formatException(record.exc_info))
    return record


def _secrets(settings: BaseSettings) -> Iterator[str]:
    for name in settings:
        if settings.getpriority(name):  # what Scrapy itself sets ("guest") is no secret
            yield from _of_setting(name, settings[name])
    for feed in settings.getdict("FEEDS"):
        yield from _user_part(str(feed))
    for name, value in os.environ.items():
        if name.lower().endswith("_proxy"):
            yield from _user_part(value)


def _of_setting(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if _NAMES.search(name):
            yield value
        yield from _user_part(value)
    elif isinstance(value, Mapping) and not isinstance(value, BaseSettings):
        for key, entry in value.items():
            yield from _of_setting(str(key), entry)


def _user_part(address: str) -> Iterator[str]:
    if "://" not in address or "@" not in address:
        return
    try:
        parts = urlsplit(address)
        yield parts.netloc.rpartition("@")[0] + "@"
        if parts.password:
            yield from {parts.password, unquote(parts.password)}
    except ValueError:
        return
