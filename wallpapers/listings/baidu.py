"""Parse what all of Baidu's listings share: refusals, and the end of a list of entries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wallpapers.errors import ListingError, ListingRefusedError
from wallpapers.listings import extra, tolerant_json
from wallpapers.listings.page import entries_of
from wallpapers.listings.text import plain_text

_CAPTCHA = "安全验证"
_EMPTY = (*extra.EMPTY, 0, "0", "-1", "null")


def load(body: bytes) -> dict[str, Any]:
    """Parse a response.

    Raises ListingRefusedError if Baidu refuses the request, ListingError if the JSON is not an
    object, and the errors of ``tolerant_json.load``.
    """
    try:
        answer = tolerant_json.load(body)
    except ListingError:
        raise_for_captcha(tolerant_json.decode(body))
        raise
    if not isinstance(answer, dict):
        raise ListingError(f"JSON: expected an object, got {type(answer).__name__}")
    if answer.get("antiFlag"):
        message = plain_text(answer.get("message")) or "no message"
        raise ListingRefusedError(f"refused by Baidu as a robot (antiFlag): {message}", "antiFlag")
    return answer


def raise_for_captcha(text: str) -> None:
    """Raise ListingRefusedError if *text* is Baidu's captcha page."""
    if _CAPTCHA in text:
        raise ListingRefusedError(f"a captcha page of Baidu ({_CAPTCHA})", "captcha")


def entries_before_terminator(answer: dict[str, Any], key: str) -> list[Any]:
    """Return the list under *key* without the empty object that Baidu appends to it."""
    entries = entries_of(answer, key)
    return entries[:-1] if entries and entries[-1] == {} else entries


def extra_of(entry: Mapping[str, object], keys: str) -> dict[str, Any]:
    """Return the values of *entry* for *keys*, without those that mean "none" in Baidu's data."""
    return extra.extra_of(entry, keys, _EMPTY)
