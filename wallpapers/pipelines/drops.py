"""Define the exceptions that end the processing of an item, so that it is not exported."""

from __future__ import annotations

from scrapy.exceptions import DropItem


class Filtered(DropItem):
    """The wallpaper does not match the filters; this is counted, but is not a failure."""

    def __init__(self, message: str) -> None:
        super().__init__(message, log_level="DEBUG")


class AlreadyKnown(DropItem):
    """The wallpaper is stored, so a dry run does not report it."""

    def __init__(self) -> None:
        super().__init__("already stored", log_level="DEBUG")


class LeftForNextRun(DropItem):
    """The run is stopping before this wallpaper was started."""

    def __init__(self) -> None:
        super().__init__("run is stopping", log_level="DEBUG")


class PutAside(DropItem):
    """The host of this wallpaper is not ready; the wallpaper is resumed later in the run."""

    def __init__(self) -> None:
        super().__init__("put aside until its host is ready", log_level="DEBUG")
