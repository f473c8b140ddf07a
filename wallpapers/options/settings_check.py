"""Check the values of settings at the start, so that a wrong one is reported by its name."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from scrapy.settings import BaseSettings, default_settings

from wallpapers.errors import SettingError, message_of
from wallpapers.options.setting_values import boolean
from wallpapers.options.tls import check_tls_settings

# Scrapy reads them before a crawl exists, and any error of theirs is a traceback.
_READ_EARLY = ("LOG_", "REACTOR_", "FORCE_", "TWISTED_")
_DECIMAL = {"DNS_TIMEOUT", "DOWNLOAD_DELAY", "DOWNLOAD_TIMEOUT"}  # their defaults are whole
_OWN_BOOLEANS = dict.fromkeys(
    (
        "WALLPAPERS_ALLOW_PRIVATE_ADDRESSES",
        "WALLPAPERS_CSV_SAFE",
        "WALLPAPERS_DRY_RUN",
        "WALLPAPERS_FAST_PATH",
    ),
    False,
)
_LEVELS = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG")


class SettingsCheck:
    """Scrapy add-on that raises SettingError for a wrong number or boolean, or for TLS.

    Our own numbers are checked by the components that read them.
    """

    def update_settings(self, settings: BaseSettings) -> None:
        _check_all(settings)
        check_tls_settings(settings)


def check_early_settings(settings: BaseSettings) -> None:
    """Check what Scrapy reads before a crawl exists, above all its log. Raises SettingError."""
    _check_all(settings, _READ_EARLY)
    level, file = settings["LOG_LEVEL"], settings["LOG_FILE"]
    try:
        logging.NullHandler().setLevel(level)
    except (TypeError, ValueError):
        raise SettingError(
            f"LOG_LEVEL must be one of {', '.join(_LEVELS)}, got {level!r}"
        ) from None
    try:
        logging.Formatter(settings["LOG_FORMAT"])
        if file:
            Path(file).open("a").close()
    except ValueError as error:
        raise SettingError(f"LOG_FORMAT must be a format of Python's logging: {error}") from None
    except OSError as error:
        raise SettingError(f"LOG_FILE must be writable: {message_of(error)}") from None


def check_json(settings: BaseSettings, name: str, value: str) -> None:
    """Check the text of a setting that is a dictionary. Raises SettingError."""
    if not isinstance(settings[name], BaseSettings | dict):
        return
    try:
        is_object = isinstance(json.loads(value), dict)
    except ValueError:
        is_object = False
    if not is_object:
        raise SettingError(f"{name} must be an object in JSON, got {value!r}")


def _check_all(settings: BaseSettings, prefixes: tuple[str, ...] = ("",)) -> None:
    """Check numbers, booleans and status codes whose names start with one of *prefixes*."""
    for name, default in (vars(default_settings) | _OWN_BOOLEANS).items():
        is_set = name.isupper() and settings.getpriority(name) and settings[name] is not None
        if is_set and name.startswith(prefixes):
            _check(settings, name, default)


def _check(settings: BaseSettings, name: str, default: object) -> None:
    """Read a setting as Scrapy does; the type of its default decides what it must be."""
    if isinstance(default, bool) or name.endswith("_ENABLED"):
        boolean(settings, name)
        return
    try:
        if isinstance(default, float) or name in _DECIMAL:
            expected = "a number"
            settings.getfloat(name)
        elif isinstance(default, int):
            expected = "a whole number"
            settings.getint(name)
        elif name.endswith("_CODES"):
            expected = "whole numbers, separated by commas"
            _ = [int(code) for code in settings.getlist(name)]
    except (TypeError, ValueError):
        raise SettingError(f"{name} must be {expected}, got {settings[name]!r}") from None
