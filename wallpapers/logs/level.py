"""Read LOG_LEVEL as a number."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings


def level_of(settings: BaseSettings) -> int:
    """Return the level from which records are logged; DEBUG if LOG_LEVEL is unknown."""
    level = logging.getLevelName(settings["LOG_LEVEL"])
    return level if isinstance(level, int) else logging.DEBUG
