"""Mask secrets in every log record of the process."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from scrapy.settings import BaseSettings

_NAMES = re.compile(r"PASS|SECRET|TOKEN|(ACCESS|API|PRIVATE)_?KEY", re.IGNORECASE)
_MIN_LENGTH = 4  # characters; shorter secrets would mask ordinary words
_MASK = "***"
_ADDRESS = re.compile(r"(https?://)(?:[^/?#]*@)?([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)


class HideSecrets:
    """Scrapy add-on that masks secret settings before Scrapy logs them.

    Secrets are the values of settings with names such as PASSWORD or TOKEN, and user and password
    in addresses: in settings, in the keys of FEEDS, and in the proxies of the environment.
    """

    def update_settings(self, settings: BaseSettings) -> None:
        hide(_secrets(settings))


def hide(secrets: Iterable[str]) -> None:
    """Mask *secrets* in every log record from now on, in this process."""
    for secret in secrets:
        if len(secret) >= _MIN_LENGTH:
            _hidden.update({secret, repr(secret)[1:-1], quote(secret, safe="")})
    if _hidden and logging.getLogRecordFactory() is not _masked_record:
        logging.setLogRecordFactory(_masked_record)


def mask(text: str) -> str:
    """Return *text* with every hidden secret masked."""
    return _replaced(text, _hidden)


def mask_argument(name: str, value: str) -> str:
    """Return the value of a spider argument, to be recorded without what may be a secret.

    Of an address, only scheme and host are kept: its path and query may contain a token.
    """
    if _NAMES.search(name):
        return _MASK
    if address := _ADDRESS.fullmatch(value):
        scheme, host, rest = address.groups()
        return f"{scheme}{host}/{_MASK}" if rest.strip("/") else f"{scheme}{host}/"
    return mask(value)


def mask_setting(name: str, value: str) -> str:
    """Return the *value* of a setting with its secrets masked, as they are before any quoting."""
    return _replaced(value, _secrets_of_setting(name, value))


def _replaced(text: str, secrets: Iterable[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, _MASK)
    return text


_hidden: set[str] = set()
_original_factory = logging.getLogRecordFactory()


def _masked_record(*args: Any, **kwargs: Any) -> logging.LogRecord:
    record = _original_factory(*args, **kwargs)
    try:
        message = record.getMessage()
    except Exception:  # wrong arguments, which the handler reports
        return record
    if (masked := mask(message)) != message:
        record.msg, record.args = masked, ()
    if record.exc_info:
        record.exc_text = mask(logging.Formatter().formatException(record.exc_info))
    return record


def _secrets(settings: BaseSettings) -> Iterator[str]:
    for name in settings:
        if settings.getpriority(name):  # Scrapy's own defaults ("guest") are not secret
            yield from _secrets_of_setting(name, settings[name])
    for feed in settings.getdict("FEEDS"):
        yield from _secrets_of_address(str(feed))
    for name, value in os.environ.items():
        if name.lower().endswith("_proxy"):
            yield from _secrets_of_address(value)


def _secrets_of_setting(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if _NAMES.search(name):
            yield value
        yield from _secrets_of_address(value)
    elif isinstance(value, Mapping) and not isinstance(value, BaseSettings):
        for key, entry in value.items():
            yield from _secrets_of_setting(str(key), entry)


def _secrets_of_address(address: str) -> Iterator[str]:
    if "://" not in address or "@" not in address:
        return
    try:
        parts = urlsplit(address)
        if parts.password or parts.scheme in ("http", "https"):  # a name alone may be a token
            yield parts.netloc.rpartition("@")[0] + "@"
        if parts.password:
            yield from {parts.password, unquote(parts.password)}
    except ValueError:
        return
