"""Why a wallpaper left the pipelines without reaching a feed."""

from __future__ import annotations

from scrapy.exceptions import DropItem


class Filtered(DropItem):
    """The user does not want this wallpaper; counted, not exported, no failure."""

    def __init__(self, message: str) -> None:
        super().__init__(message, log_level="DEBUG")


class LeftForNextRun(DropItem):
    """The run is ending early, so this wallpaper was not begun."""

    def __init__(self) -> None:
        super().__init__("the run is ending", log_level="DEBUG")


class PutAside(DropItem):
    """The host of this wallpaper is not ready; the wallpaper is processed later in the run."""

    def __init__(self) -> None:
        super().__init__("put aside until its host is ready", log_level="DEBUG")
