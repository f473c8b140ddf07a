"""What became of the run and each wallpaper: table, stats, feeds and exit status ask here."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from enum import Enum
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from scrapy.utils.defer import deferred_from_coro

from wallpapers.items import fields_of

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from twisted.internet.defer import Deferred

logger = logging.getLogger(__name__)

_HOSTS = 1_000  # of which failures are told apart; a listing may name any number
CATEGORIES = ("stored", "known", "duplicate", "filtered", "failed")


class Ending(Enum):
    """How a run ended; the value is the exit status of ``scrapy crawl``."""

    COMPLETE = 0
    FAILURES = 3
    LISTING = 4
    STORE = 5
    INTERRUPTED = 130


class Outcome:
    """The closed account of one run: listed = stored + known + duplicate + filtered + failed.

    A wallpaper is opened when the spider hands it on and settled once, by whoever decides over it.
    Where a run ends early, those that were not begun are left for the next one: they are counted
    as ``left`` and not as ``listed``.

    Stats: ``wallpapers/listed``, ``wallpapers/left``, ``wallpapers/<category>``,
    ``wallpapers/<category>/<reason>``, ``wallpapers/bytes`` (of the stored files),
    ``wallpapers/pages``, ``wallpapers/entry/<reason>`` (entries that were no wallpaper at all),
    ``wallpapers/repeated`` (ids listed more than once), ``wallpapers/outcome``.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler_ref = ref(crawler)  # or the table of outcomes would keep every crawler alive
        self._open: set[tuple[str, str]] = set()
        self.listed = 0
        self.left = 0
        self.bytes = 0
        self.pages = 0
        self.rejected: Counter[str] = Counter()
        self.repeated = 0
        self.verdicts: Counter[str] = Counter()
        self.reasons: dict[str, Counter[str]] = {name: Counter() for name in CATEGORIES}
        self.failed_at: dict[str, Counter[str]] = defaultdict(Counter)  # host -> reasons
        self.expected: int | None = None  # wallpapers, once the listing claims or knows a total
        self.listing_ended = False  # read to its end, or to its limit
        self.listing_failure: str | None = None
        self.store_failure: str | None = None
        self.interrupted = False
        self._stopped: Deferred[None] | None = None  # held, or the task might be collected

    @classmethod
    def of(cls, crawler: Crawler) -> Outcome:
        """Return the outcome of *crawler*'s run, the same for everybody who asks."""
        if crawler not in _outcomes:
            _outcomes[crawler] = cls(crawler)
        return _outcomes[crawler]

    @property
    def _crawler(self) -> Crawler:
        crawler = self._crawler_ref()
        assert crawler is not None
        return crawler

    # What components tell

    def read_page(self, rejected: Counter[str], repeated: int) -> None:
        """Count a page of the listing, and what it named that is no wallpaper or not a new one."""
        self.pages += 1
        self._count("pages")
        self.rejected += rejected
        for reason, count in rejected.items():
            self._count(f"entry/{reason}", count)
        if repeated:
            self.repeated += repeated
            self._count("repeated", repeated)

    def take_up(self, item: Any) -> None:
        """Open the account of a wallpaper that the spider found."""
        self._open.add(_key(item))
        self.listed += 1
        self._count("listed")

    def settle(
        self, item: Any, category: str, reason: str = "", *, size_bytes: int = 0, host: str = ""
    ) -> None:
        """Give a wallpaper its verdict; a second one for the same wallpaper changes nothing."""
        self._settle(_key(item), category, reason, size_bytes, host)

    def _settle(
        self, key: tuple[str, str], category: str, reason: str, size_bytes: int = 0, host: str = ""
    ) -> None:
        if key not in self._open:
            return
        self._open.remove(key)
        self.verdicts[category] += 1
        self._count(category)
        if reason:
            self.reasons[category][reason] += 1
            self._count(f"{category}/{reason}")
            if category == "failed" and (host in self.failed_at or len(self.failed_at) < _HOSTS):
                self.failed_at[host][reason] += 1
        if category == "stored":
            self.bytes += size_bytes
            self._count("bytes", size_bytes)

    def leave(self, item: Any) -> None:
        """Leave a wallpaper that was not begun for the next run."""
        self._leave(_key(item))

    def _leave(self, key: tuple[str, str]) -> None:
        if key in self._open:
            self._open.remove(key)
            self.listed -= 1
            self.left += 1
            self._count("listed", -1)
            self._count("left")

    def listing_failed(self, message: str) -> None:
        """The listing cannot be read to its end, which *message* explains in one line; once."""
        if self.listing_failure is None:
            self.listing_failure = message
            logger.error("%s", message)
            self._publish()

    def store_failed(self, message: str) -> None:
        """The store, the catalogue or a feed failed: the run stops at once."""
        if self.store_failure is None:
            self.store_failure = message
            logger.error("%s; the run stops here, what is stored stays", message)
            self._publish()
            self._stop("store")

    def ended(self, reason: str) -> None:
        """Close the account, for Scrapy's *reason*; saying it again changes nothing."""
        # A signal may come while the run is closing for another reason.
        self.interrupted |= reason == "shutdown" or not self._crawler.crawling
        limited = reason.startswith("closespider_")
        if not (self.listing_ended or self.interrupted or limited or self.store_failure):
            self.listing_failed(
                f"The listing was not read to its end: the run ended with {reason!r} after "
                f"{self.pages} pages; a setting or a middleware stopped it"
            )
        ends_early = self.interrupted or limited or self.store_failure is not None
        for key in list(self._open):
            if ends_early:
                self._leave(key)
            else:
                self._settle(key, "failed", "fault")
        self._publish()

    # What components ask

    @property
    def ending(self) -> Ending:
        """How the run ends as things stand; the worst wins."""
        if self.store_failure is not None:
            return Ending.STORE
        if self.interrupted:
            return Ending.INTERRUPTED
        if self.listing_failure is not None:
            return Ending.LISTING
        return Ending.FAILURES if self.verdicts["failed"] else Ending.COMPLETE

    @property
    def feeds_are_complete(self) -> bool:
        """May a feed of this run take its name from the one before?

        Not where a limit ended the run before its first verdict: nothing is no news.
        """
        settled = self.verdicts.total() or self.listing_ended
        return self.ending in (Ending.COMPLETE, Ending.FAILURES) and bool(settled)

    @property
    def stopping(self) -> bool:
        """Is the run ending early, so that nothing new may begin?"""
        if self.store_failure is not None or self.interrupted or not self._crawler.crawling:
            return True
        return self._engine_is_closing

    def _count(self, name: str, count: int = 1) -> None:
        self._crawler.stats.inc_value(f"wallpapers/{name}", count)

    def _publish(self) -> None:
        self._crawler.stats.set_value("wallpapers/outcome", self.ending.name.lower())

    @property
    def _engine_is_closing(self) -> bool:
        slot = self._crawler.engine._slot  # Scrapy has no public way to ask
        return slot is None or slot.closing is not None

    def _stop(self, reason: str) -> None:
        engine = self._crawler.engine
        # Before the engine runs, the spider's start() does not begin.
        if engine.running and not self._engine_is_closing:
            self._stopped = deferred_from_coro(engine.close_spider_async(reason=reason))


def _key(item: Any) -> tuple[str, str]:
    fields = fields_of(item)
    return fields.get("source", ""), fields.get("id", "")


_outcomes: WeakKeyDictionary[Crawler, Outcome] = WeakKeyDictionary()
