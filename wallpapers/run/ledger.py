"""Count the wallpapers of a run by verdict and reason."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from wallpapers.items import Key, fields_of, key_of
from wallpapers.run.listings import WANTED
from wallpapers.run.reasons import FailureReason, Verdict
from wallpapers.signals import listing_page_read

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from wallpapers.run.listings import Listings

VerdictCallback = Callable[[Key, Verdict, str, int, str], None]

_MAX_HOSTS = 1_000  # with separate counts of failures; a listing may name any number of hosts


class _OpenAccount(NamedTuple):
    """A wallpaper without a verdict, with its key and its listing as they were registered."""

    item: Any
    key: Key
    listing: str


class RunLedger:
    """Count wallpapers so that listed = stored + known + duplicate + filtered + failed.

    In a dry run, ``wanted`` is added: the wallpapers that a crawl would download.

    A wallpaper is registered when it leaves the spider, and settled once, with its verdict. If a
    run ends early, wallpapers without a verdict are counted as ``left`` and not as ``listed``.

    Stats: ``wallpapers/listed``, ``wallpapers/left``, ``wallpapers/<verdict>``,
    ``wallpapers/<verdict>/<reason>``, ``wallpapers/wanted``, ``wallpapers/bytes`` (of stored
    files), ``wallpapers/pages``, ``wallpapers/entry/<reason>`` (entries that are not wallpapers),
    ``wallpapers/repeated`` (ids listed more than once), ``wallpapers/missing`` (stored wallpapers
    whose files are gone), ``wallpapers/moved`` (files that were found under another path).
    """

    def __init__(self, crawler: Crawler, listings: Listings) -> None:
        self._crawler = crawler  # the stats collector does not exist yet
        self._listings = listings
        # Open items by id() and by key, because a pipeline may replace the item or change its key.
        self._open: dict[int, _OpenAccount] = {}
        self._by_key: defaultdict[Key, list[int]] = defaultdict(list)
        self.listed = 0
        self.left = 0
        self.aside = 0  # listed wallpapers that were put aside
        self.bytes = 0
        self.pages = 0
        self.expected: int | None = None  # total that the listing claims
        self.rejected: Counter[str] = Counter()
        self.repeated = 0
        self.wanted: int | None = None  # None = not a dry run
        self.missing = 0
        self.moved = 0
        self.verdicts: Counter[Verdict] = Counter()
        self.reasons: dict[Verdict, Counter[str]] = {verdict: Counter() for verdict in Verdict}
        self.failed_at: defaultdict[str, Counter[str]] = defaultdict(Counter)  # host -> reasons
        self._on_verdict: list[VerdictCallback] = []
        crawler.signals.connect(self._page_read, listing_page_read)

    def call_on_verdict(self, callback: VerdictCallback) -> None:
        """Call *callback* with key, verdict, reason, bytes stored and host of each wallpaper."""
        self._on_verdict.append(callback)

    def start(self) -> None:
        """Set the counts to 0 in the stats, so that none is missing."""
        dry_run = () if self.wanted is None else (WANTED,)
        for name in ("listed", *Verdict, *dry_run):
            self._count(name, 0)

    def _page_read(
        self, rejected: Counter[str], repeated: int, expected: int | None = None
    ) -> None:
        """Count a page of the listing, its rejected entries by reason, and its repeated ids."""
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
        """Register a wallpaper that leaves the spider."""
        if id(item) not in self._open:
            account = self._open_account(item)
            self._listings.register(account.listing)
            self.listed += 1
            self._count("listed")

    def register_missing(self, item: Any) -> None:
        """Register a wallpaper that reaches a pipeline unregistered, for example from an errback.

        An item with the key of a registered one replaces it and is not counted again.
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
        """Record the verdict of a wallpaper; a second verdict is ignored.

        *reason* is one of the closed list, *host* the host at which the wallpaper failed.
        """
        account = self._close(item)
        if account is None:
            return
        self._listings.settle(account.listing, verdict)
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
        for callback in self._on_verdict:
            callback(account.key, verdict, reason, size_bytes, host)

    def settle_if_open(self, item: Any, verdict: Verdict, reason: str) -> None:
        """Settle a wallpaper, unless it has a verdict or *item* is a copy of the registered one."""
        if id(item) in self._open:
            self.settle(item, verdict, reason)

    def begin_dry_run(self) -> None:
        """Start to count as ``wanted`` the wallpapers that a crawl would download."""
        self.wanted = 0

    def want(self, item: Any) -> None:
        """Count a wallpaper that a crawl would download."""
        account = self._close(item)
        if account is not None:
            assert self.wanted is not None
            self.wanted += 1
            self._listings.settle(account.listing, WANTED)
            self._count(WANTED)

    def leave(self, item: Any) -> None:
        """Count a wallpaper as left for the next run."""
        if self._close(item) is not None:
            self.listed -= 1
            self.left += 1
            self._count("listed", -1)
            self._count("left")

    def count_missing(self) -> None:
        """Count a stored wallpaper whose file is gone, and which is fetched again."""
        self.missing += 1
        self._count("missing")

    def count_moved(self) -> None:
        """Count a file that was found under another path of the store."""
        self.moved += 1
        self._count("moved")

    def put_aside(self, item: Any) -> None:
        """Stop tracking a wallpaper until it is resumed; it remains listed."""
        if self._close(item) is not None:
            self.aside += 1

    def resume(self, item: Any) -> None:
        """Track a wallpaper again that was put aside."""
        self.aside -= 1
        self._open_account(item)

    def close(self, *, ends_early: bool) -> None:
        """Settle all open wallpapers: as left if the run *ends_early*, otherwise as failed."""
        self._leave_put_aside()
        for account in list(self._open.values()):
            if ends_early:
                self.leave(account.item)
            else:
                self.settle(account.item, Verdict.FAILED, FailureReason.FAULT)

    def _leave_put_aside(self) -> None:
        self.listed -= self.aside
        self.left += self.aside
        if self.aside:
            self._count("listed", -self.aside)
            self._count("left", self.aside)
        self.aside = 0

    def _open_account(self, item: Any) -> _OpenAccount:
        account = _OpenAccount(item, key_of(item), str(fields_of(item).get("listing") or ""))
        self._open[id(item)] = account
        self._by_key[account.key].append(id(item))
        return account

    def _close(self, item: Any) -> _OpenAccount | None:
        """Stop tracking *item*, and return its account; None if it is not tracked."""
        found = self._find(item)
        if found is None:
            return None
        account = self._open.pop(found)
        self._by_key[account.key].remove(found)
        if not self._by_key[account.key]:
            del self._by_key[account.key]
        return account

    def _find(self, item: Any) -> int | None:
        """Return the id() under which *item* is open, or None."""
        if id(item) in self._open:
            return id(item)
        same = self._by_key.get(key_of(item))
        return same[0] if same else None

    def _count(self, name: str, count: int = 1) -> None:
        self._crawler.stats.inc_value(f"wallpapers/{name}", count)
