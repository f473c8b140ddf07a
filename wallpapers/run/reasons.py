"""Define the verdicts on a wallpaper, and the reasons why it is filtered or fails."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum


class Verdict(StrEnum):
    """The result for one wallpaper; the verdicts of a run add up to the listed wallpapers."""

    STORED = "stored"
    KNOWN = "known"
    DUPLICATE = "duplicate"
    FILTERED = "filtered"
    FAILED = "failed"


class FilterReason(StrEnum):
    """Why a wallpaper is filtered."""

    TOO_SMALL = "too_small"
    OVERSIZED = "oversized"
    WRONG_RATIO = "wrong_ratio"
    WRONG_ORIENTATION = "wrong_orientation"
    UNWANTED_FORMAT = "unwanted_format"
    HIDDEN = "hidden"  # by the user, with the command hide
    DROPPED = "dropped"  # by a pipeline or a spider middleware of the user


# Reasons that can follow from the listed size; then counted as ``<reason>_by_claim``.
CLAIMABLE = (
    FilterReason.TOO_SMALL,
    FilterReason.OVERSIZED,
    FilterReason.WRONG_RATIO,
    FilterReason.WRONG_ORIENTATION,
)


class FailureReason(StrEnum):
    """Why a wallpaper failed; HTTP errors are ``http_<status>``."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    DNS = "dns"
    TLS = "tls"
    CUT = "cut"  # shorter than its Content-Length, or truncated by the rules of its format
    EMPTY = "empty"
    NOT_AN_IMAGE = "not_an_image"
    FORMAT = "format"  # an image, but not of a supported format
    BROKEN = "broken"  # rejected by its decoder
    TOO_TINY = "too_tiny"
    TOO_LARGE = "too_large"
    TOO_MANY_PIXELS = "too_many_pixels"
    REDIRECT_LOOP = "redirect_loop"
    PRIVATE_ADDRESS = "private_address"
    BAD_URL = "bad_url"
    PLACEHOLDER = "placeholder"
    ROBOTS = "robots"
    FAULT = "fault"  # a pipeline or a spider middleware raised an exception
    KILLS = "kills"  # two workers of a cluster died while they processed it


def http_reason(status: int | str) -> str:
    """Return the reason for a response with the HTTP *status*."""
    return f"http_{status}"


REASONS: dict[Verdict, frozenset[str]] = {
    Verdict.FILTERED: frozenset({*FilterReason, *(f"{reason}_by_claim" for reason in CLAIMABLE)}),
    Verdict.FAILED: frozenset({*FailureReason, http_reason("<status>")}),
}


def is_reason(verdict: Verdict, reason: str) -> bool:
    """Return whether *reason* is on the closed list for *verdict*."""
    named = "http_<status>" if reason.startswith("http_") else reason
    return named in REASONS.get(verdict, ())


def by_reason(counts: Counter[str]) -> str:
    """Return *counts* as text, the highest first: ``http_404 12, timeout 1``."""
    return ", ".join(f"{reason} {count:,}" for reason, count in counts.most_common())
