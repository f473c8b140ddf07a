"""The closed list of verdicts on a wallpaper, and of the reasons for two of them."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What became of a wallpaper; the verdicts of a run add up to what was listed."""

    STORED = "stored"
    KNOWN = "known"
    DUPLICATE = "duplicate"
    FILTERED = "filtered"
    FAILED = "failed"


class FilterReason(StrEnum):
    """Why a picture is not wanted."""

    TOO_SMALL = "too_small"
    OVERSIZED = "oversized"
    WRONG_RATIO = "wrong_ratio"
    WRONG_ORIENTATION = "wrong_orientation"
    UNWANTED_FORMAT = "unwanted_format"
    DROPPED = "dropped"  # by a pipeline of the user's


# The reasons that a listing's own figures may give; they are counted as ``<reason>_by_claim``.
CLAIMABLE = (
    FilterReason.TOO_SMALL,
    FilterReason.OVERSIZED,
    FilterReason.WRONG_RATIO,
    FilterReason.WRONG_ORIENTATION,
)


class FailureReason(StrEnum):
    """Why no candidate of a wallpaper gave a picture; HTTP errors add ``http_<status>``."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    DNS = "dns"
    TLS = "tls"
    CUT = "cut"  # shorter than its length, or than its format says
    EMPTY = "empty"
    NOT_AN_IMAGE = "not_an_image"
    FORMAT = "format"  # an image, but not of a supported format
    BROKEN = "broken"  # its decoder refuses it
    TOO_TINY = "too_tiny"
    TOO_LARGE = "too_large"
    TOO_MANY_PIXELS = "too_many_pixels"
    REDIRECT_LOOP = "redirect_loop"
    PRIVATE_ADDRESS = "private_address"
    BAD_URL = "bad_url"
    PLACEHOLDER = "placeholder"
    ROBOTS = "robots"
    FAULT = "fault"  # an error in a pipeline


def http_reason(status: int | str) -> str:
    """Return the reason for an answer with the HTTP *status*."""
    return f"http_{status}"


REASONS: dict[Verdict, frozenset[str]] = {
    Verdict.FILTERED: frozenset({*FilterReason, *(f"{reason}_by_claim" for reason in CLAIMABLE)}),
    Verdict.FAILED: frozenset({*FailureReason, http_reason("<status>")}),
}


def is_reason(verdict: Verdict, reason: str) -> bool:
    """Return whether *reason* is on the closed list for *verdict*."""
    named = "http_<status>" if reason.startswith("http_") else reason
    return named in REASONS.get(verdict, ())
