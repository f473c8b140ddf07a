"""What the answers of all of Baidu's listings have in common: how they refuse, how they close."""

from __future__ import annotations

from typing import Any

from wallpapers.errors import ListingError, ListingRefusedError
from wallpapers.listings import tolerant_json
from wallpapers.listings.page import entries_of
from wallpapers.listings.text import plain_text

_CAPTCHA = "安全验证"


def load(body: bytes) -> dict[str, Any]:
    """Parse an answer.

    Raises ListingRefusedError for Baidu's answers to robots, ListingCutError and ListingError as
    ``tolerant_json.load`` does, and where the JSON is no object.
    """
    try:
        answer = tolerant_json.load(body)
    except ListingError:
        refuse_captcha(tolerant_json.decode(body))
        raise
    if not isinstance(answer, dict):
        raise ListingError(f"JSON, but a {type(answer).__name__} instead of an object")
    if answer.get("antiFlag"):
        said = plain_text(answer.get("message")) or "no message"
        raise ListingRefusedError(f"Baidu's refusal of robots (antiFlag): {said}", "antiFlag")
    return answer


def refuse_captcha(text: str) -> None:
    """Raise ListingRefusedError where *text* is the page that wants to see a human."""
    if _CAPTCHA in text:
        raise ListingRefusedError(f"Baidu's captcha page ({_CAPTCHA})", "captcha")


def closed_entries(answer: dict[str, Any], key: str) -> list[Any]:
    """Return the entries under *key* without the empty object that closes the list."""
    entries = entries_of(answer, key)
    return entries[:-1] if entries and entries[-1] == {} else entries
