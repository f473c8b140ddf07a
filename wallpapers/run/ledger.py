"""Count what became of each wallpaper of a run."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from wallpapers.items import Key, key_of
from wallpapers.run.reasons import FailureReason, Verdict
from wallpapers.signals import listing_page_read

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

_MAX_HOSTS = 1_000  # whose failures are counted apart; a listing may name any number


class RunLedger:
    """The closed account of one run: listed = stored + known + duplicate + filtered + failed.

    A wallpaper is registered when it leaves the spider, and settled once, by the component that
    decides over it. Where a run ends early, wallpapers that no component has begun are counted as
    ``left`` and not as ``listed``.

    Stats: ``wallpapers/listed``, ``wallpapers/left``, ``wallpapers/<verdict>``,
    ``wallpapers/<verdict>/<reason>``, ``wallpapers/bytes`` (of the stored files),
    ``wallpapers/pages``, ``wallpapers/entry/<reason>`` (entries that are no wallpapers),
    ``wallpapers/repeated`` (ids listed more than once).
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler  # its stats collector is made later
        # By the identity of the item, and by its key: a pipeline may change either.
        self._open: dict[int, tuple[Any, Key]] = {}
        self._by_key: defaultdict[Key, list[int]] = defaultdict(list)
        self.listed = 0
        self.left = 0
        self.aside = 0  # listed wallpapers that were put aside
        self.bytes = 0
        self.pages = 0
        self.expected: int | None = None  # wallpapers in all, if the listing claims a total
        self.rejected: Counter[str] = Counter()
        self.repeated = 0
        self.verdicts: Counter[Verdict] = Counter()
        self.reasons: dict[Verdict, Counter[str]] = {verdict: Counter() for verdict in Verdict}
        self.failed_at: defaultdict[str, Counter[str]] = defaultdict(Counter)  # host -> reasons
        crawler.signals.connect(self.read_page, listing_page_read)

    def start(self) -> None:
        """Set every count to 0, so that the stats have them all."""
        for name in ("listed", *Verdict):
            self._count(name, 0)

    def read_page(self, rejected: Counter[str], repeated: int, expected: int | None = None) -> None:
        """Count a page of the listing with its entries that are no wallpapers or no new ones."""
        self.pages += 1
        self._count("pages")
        self.rejected += rejected
        for reason, count in rejected.items():
            self._count(f"entry/{reason}", count)
        if repeated:
            self.repeated += repeated
            self._count("repeated", repeated)
        if expected is not None:
            self.expected = expected

    def register(self, item: Any) -> None:
        """Open the account of a wallpaper that left the spider."""
        if id(item) not in self._open:
            self._open_account(item)
            self.listed += 1
            self._count("listed")

    def register_missing(self, item: Any) -> None:
        """Open the account of a wallpaper that reached a pipeline some other way, from an errback.

        An item that a pipeline put in the place of a registered one is that wallpaper.
        """
        if self._find(item) is None:
            self.register(item)

    def settle(
        self,
        item: Any,
        verdict: Verdict,
        reason: str = "",
        *,
        size_bytes: int = 0,
        host: str = "",
    ) -> None:
        """Give a wallpaper its verdict; a second one for the same wallpaper changes nothing.

        *reason* is one of the closed list, *host* the one that the wallpaper failed at.
        """
        if not self._close(item):
            return
        self.verdicts[verdict] += 1
        self._count(verdict)
        if reason:
            self.reasons[verdict][reason] += 1
            self._count(f"{verdict}/{reason}")
        if verdict is Verdict.FAILED:
            named = host in self.failed_at or len(self.failed_at) < _MAX_HOSTS
            self.failed_at[host if named else ""][reason] += 1
        if verdict is Verdict.STORED:
            self.bytes += size_bytes
            self._count("bytes", size_bytes)

    def settle_unjudged(self, item: Any, verdict: Verdict, reason: str) -> None:
        """Settle the very object that was registered, where no pipeline of ours decided over it."""
        if id(item) in self._open:
            self.settle(item, verdict, reason)

    def leave(self, item: Any) -> None:
        """Count a wallpaper that was not begun as left for the next run."""
        if self._close(item):
            self.listed -= 1
            self.left += 1
            self._count("listed", -1)
            self._count("left")

    def put_aside(self, item: Any) -> None:
        """Stop tracking a wallpaper until it is resumed; it remains listed."""
        if self._close(item):
            self.aside += 1

    def resume(self, item: Any) -> None:
        """Track a wallpaper again that was put aside."""
        self.aside -= 1
        self._open_account(item)

    def close(self, *, ends_early: bool) -> None:
        """Settle what is open: left for the next run, or else the fault of a pipeline."""
        self._leave_aside()
        for item, _ in list(self._open.values()):
            if ends_early:
                self.leave(item)
            else:
                self.settle(item, Verdict.FAILED, FailureReason.FAULT)

    def _leave_aside(self) -> None:
        self.listed -= self.aside
        self.left += self.aside
        if self.aside:
            self._count("listed", -self.aside)
            self._count("left", self.aside)
        self.aside = 0

    def _open_account(self, item: Any) -> None:
        key = key_of(item)
        self._open[id(item)] = item, key
        self._by_key[key].append(id(item))

    def _close(self, item: Any) -> bool:
        found = self._find(item)
        if found is None:
            return False
        _, key = self._open.pop(found)
        self._by_key[key].remove(found)
        if not self._by_key[key]:
            del self._by_key[key]
        return True

    def _find(self, item: Any) -> int | None:
        """Return the identity under which *item* is open."""
        if id(item) in self._open:
            return id(item)
        same = self._by_key.get(key_of(item))
        return same[0] if same else None

    def _count(self, name: str, count: int = 1) -> None:
        self._crawler.stats.inc_value(f"wallpapers/{name}", count)
