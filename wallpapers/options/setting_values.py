"""Read settings and check their values, so that a wrong one ends the run at the start."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from wallpapers.errors import SettingError
from wallpapers.options.sizes import amount

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings


def one_of(settings: BaseSettings, name: str, allowed: Sequence[str]) -> str:
    """Return the setting *name*. Raises SettingError if it is not one of *allowed*."""
    value = settings[name]
    if value not in allowed:
        raise SettingError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
    return str(value)


def boolean(settings: BaseSettings, name: str) -> bool:
    """Return the setting *name*. Raises SettingError if it is neither true nor false."""
    try:
        return settings.getbool(name)
    except (TypeError, ValueError):
        raise SettingError(f"{name} must be True or False, got {settings[name]!r}") from None


def positive(settings: BaseSettings, name: str) -> float:
    """Return the setting *name*. Raises SettingError if it is not a number above 0."""
    number = _number(settings, name)
    if number <= 0:
        raise SettingError(f"{name} must be a number above 0, got {settings[name]!r}")
    return number


def not_negative(settings: BaseSettings, name: str) -> int:
    """Return the setting *name*. Raises SettingError if it is not a whole number, 0 or more."""
    number = _number(settings, name)
    if number < 0 or number != int(number):
        raise SettingError(f"{name} must be a whole number, 0 or more, got {settings[name]!r}")
    return int(number)


def size_bytes(settings: BaseSettings, name: str) -> int:
    """Return the setting *name*, such as 5G, in bytes. Raises SettingError."""
    try:
        number: int = amount().read(str(settings[name]))
    except ValueError:
        raise SettingError(
            f"{name} must be a size such as 500M, 5G or 5Gi, 0 = no limit, got {settings[name]!r}"
        ) from None
    return number


def sizes(settings: BaseSettings, name: str) -> dict[str, tuple[int, int]]:
    """Return the setting *name*, a dict of sizes in pixels. Raises SettingError."""
    error = SettingError(f'{name} must be like {{"small": [270, 270]}}, got {settings[name]!r}')
    try:
        given = settings.getdict(name)
        checked = {str(key): (int(size[0]), int(size[1])) for key, size in given.items()}
    except (TypeError, ValueError, IndexError, KeyError):
        raise error from None
    if any(min(size) < 1 for size in checked.values()):
        raise error
    return checked


def _number(settings: BaseSettings, name: str) -> float:
    error = SettingError(f"{name} must be a number, got {settings[name]!r}")
    try:
        number = settings.getfloat(name)
    except (TypeError, ValueError):
        raise error from None
    if not math.isfinite(number):
        raise error
    return number
