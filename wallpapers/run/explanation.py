"""Explain an exit status other than 0: the reason, and the command to run next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scrapy.settings import SETTINGS_PRIORITIES

from wallpapers.logs.terminal import VERBATIM, wrap
from wallpapers.run.command_line import same_command, shell_command
from wallpapers.run.listings import ListingEnd
from wallpapers.run.reasons import Verdict, by_reason

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

    from wallpapers.run.ledger import RunLedger
    from wallpapers.run.listings import Listings

# Settings by which another command finds the wallpapers.
_LOCATIONS = ("IMAGES_STORE", "WALLPAPERS_CATALOGUE")


@dataclass(frozen=True)
class Explanation:
    """A message of one line; ``purpose`` states the use of ``command``, if there is one."""

    reason: str
    purpose: str = ""
    command: str = ""
    may_be_wrapped: bool = True  # on a terminal; False if the reason may contain commands, too

    def __str__(self) -> str:
        return f"{self.reason}; {self.purpose}: {self.command}" if self.command else self.reason

    def for_terminal(self, width: int) -> str:
        """Return the message with the command on a line of its own, to copy."""
        text = f"{self.reason}; {self.purpose}:" if self.command else self.reason
        text = wrap(text, width) if self.may_be_wrapped else text
        return f"{text}\n{VERBATIM}{self.command}" if self.command else text

    def after(self, earlier: Explanation | None) -> Explanation:
        """Return this message with the reason of an *earlier* failure, which it outranks."""
        if earlier is None:
            return self
        return replace(self, reason=f"{self.reason} (before that: {earlier.reason})")


def explain_store_failure(message: str) -> Explanation:
    """Explain status 5: store, catalogue or a feed failed."""
    reason = f"{message}; stored wallpapers are kept"
    command = same_command()
    return Explanation(reason, "to continue, run again", command, may_be_wrapped=False)


def explain_listing_failures(listings: Listings, first: Explanation | None) -> Explanation | None:
    """Explain status 4; *first* is the explanation for the listing that failed first."""
    failed = sum(listing.pages_end is ListingEnd.FAILED for listing in listings.begun)
    if first is None or failed < 2:
        return first
    total = len(listings.begun) + listings.unread
    return replace(first, reason=f"{failed} of {total} listings failed; first: {first.reason}")


def explain_component_failure(message: str) -> Explanation:
    """Explain status 4 if it is due to the code or the settings, not to the source."""
    return Explanation(message, "for details, run", same_command("-L", "DEBUG"))


def explain_interruption(ledger: RunLedger) -> Explanation:
    """Explain status 130."""
    left = f" with {ledger.left:,} wallpapers left" if ledger.left else ""
    return Explanation(f"Interrupted{left}", "to continue, run again", same_command())


def explain_failures(
    ledger: RunLedger, settings: BaseSettings, retry_words: Sequence[str]
) -> Explanation:
    """Explain status 3; *retry_words* are those of a command that tries the failed ones again."""
    reason = (
        f"{ledger.verdicts[Verdict.FAILED]:,} of {ledger.listed:,} wallpapers failed "
        f"({by_reason(ledger.reasons[Verdict.FAILED])})"
    )
    command = _retry_command(settings, retry_words) if retry_words else same_command()
    return Explanation(reason, "to try them again, run", command)


def _retry_command(settings: BaseSettings, words: Sequence[str]) -> str:
    """Return the command for the store of this run, which a command such as ``demo`` may set."""
    command_line = SETTINGS_PRIORITIES["cmdline"]
    locations = [name for name in _LOCATIONS if settings.getpriority(name) == command_line]
    return shell_command(*words, settings={name: settings[name] for name in locations})
