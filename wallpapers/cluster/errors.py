"""Define the errors with which a task ends before it is done."""

from __future__ import annotations

from wallpapers.errors import ListingError, WallpapersError


class TaskNotDoneError(WallpapersError):
    """The task must be performed again, by any worker, after ``again_in_s`` seconds."""

    def __init__(self, message: str, again_in_s: int = 0) -> None:
        super().__init__(message)
        self.again_in_s = again_in_s


class CrawlEndedError(WallpapersError):
    """The crawl of a worker ended before its work was done; the message is "" if it was stopped."""


class ListingUnreadableError(ListingError):
    """The listing cannot be read to its end; *another_may_work*: another one may be readable."""

    def __init__(self, message: str, *, another_may_work: bool) -> None:
        super().__init__(message)
        self.another_may_work = another_may_work
