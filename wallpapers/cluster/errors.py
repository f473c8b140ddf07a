"""Define how a task ends without having been done; the queue keeps it."""

from __future__ import annotations

from wallpapers.errors import ListingError, WallpapersError


class TaskNotDoneError(WallpapersError):
    """The task is to be done again, by any worker, after ``again_in_s`` seconds."""

    def __init__(self, message: str, again_in_s: int = 0) -> None:
        super().__init__(message)
        self.again_in_s = again_in_s


class CrawlEndedError(WallpapersError):
    """The crawl of a worker ended before it had done what it was given."""


class ListingUnreadableError(ListingError):
    """The listing cannot be read to its end; the message is that of a plain crawl."""
