"""Settings that are checked when a component is made: a wrong value ends the run at the start."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from wallpapers.errors import SettingError

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings


def one_of(settings: BaseSettings, name: str, allowed: Sequence[str]) -> str:
    """Return the setting *name*. Raises SettingError where it is none of *allowed*."""
    value = settings[name]
    if value not in allowed:
        raise SettingError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
    return str(value)


def positive(settings: BaseSettings, name: str) -> float:
    """Return the setting *name*. Raises SettingError where it is no number above 0."""
    number = _number(settings, name)
    if number <= 0:
        raise SettingError(f"{name} must be a number above 0, got {settings[name]!r}")
    return number


def not_negative(settings: BaseSettings, name: str) -> int:
    """Return the setting *name*. Raises SettingError where it is no whole number from 0 on."""
    number = _number(settings, name)
    if number < 0 or number != int(number):
        raise SettingError(f"{name} must be a whole number, 0 or more, got {settings[name]!r}")
    return int(number)


def sizes(settings: BaseSettings, name: str) -> dict[str, tuple[int, int]]:
    """Return the setting *name*, sizes in pixels by name. Raises SettingError."""
    wrong = SettingError(f'{name} must be like {{"small": [270, 270]}}, got {settings[name]!r}')
    try:
        given = settings.getdict(name)
        read = {str(key): (int(size[0]), int(size[1])) for key, size in given.items()}
    except (TypeError, ValueError, IndexError, KeyError):
        raise wrong from None
    if any(min(size) < 1 for size in read.values()):
        raise wrong
    return read


def _number(settings: BaseSettings, name: str) -> float:
    wrong = SettingError(f"{name} must be a number, got {settings[name]!r}")
    try:
        number = settings.getfloat(name)
    except (TypeError, ValueError):
        raise wrong from None
    if not math.isfinite(number):
        raise wrong
    return number
