"""Clean what a listing says: text for people, numbers, dates and addresses that can be trusted.

Whatever type a value has, the answer is of the right one; nothing here raises.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import islice
from urllib.parse import unquote, urljoin, urlsplit

from w3lib.html import remove_tags

from wallpapers.listings.masking import MOST_CHARACTERS, is_well_formed, masked, masked_text

# C0 and C1 controls, the bidirectional marks that can turn a log line around, and what is no
# character of XML.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]+")
_OTHER_SCHEME = re.compile(r"(?!https?:)[A-Za-z][A-Za-z0-9+.-]*:", re.IGNORECASE)
_ENCODED = re.compile(r"https?%(?:25)*3a", re.IGNORECASE)
_MOST_ENCODINGS = 5  # on top of each other
_TWO_SLASHES = re.compile(r"[/\\]{2}")
_MOST_TEXT = 2_000  # characters; looking for tags takes the square of them
_MOST_ID = 200  # characters; an index of PostgreSQL takes 2,700 bytes
_MOST_TEXTS = 100  # of one value, such as the tags of one wallpaper
_MOST_EXAMINED = 1_000  # elements of one value, of which most may say nothing or repeat others
_MOST = 10**12  # beyond it no number of a listing means anything


def plain_text(value: object) -> str:
    """Return *value* as one line of text without markup, entities or control characters.

    Anything but a str gives "", a very long one its beginning. A lone surrogate, which no feed
    could encode, becomes "?".
    """
    if not isinstance(value, str):
        return ""
    plain = remove_tags(html.unescape(remove_tags(value[:_MOST_TEXT])))
    return masked_text(one_line(plain))


def one_line(text: str) -> str:
    """Return *text* without what could break or turn around a line of a log or a feed."""
    printable = " ".join(_UNPRINTABLE.sub(" ", text).split())
    return printable.encode("utf-8", "replace").decode("utf-8")


def plain_texts(value: object) -> list[str]:
    """Return the texts of a list (or of a single str) that say something, without repeats.

    Of a long list, the first hundred of its first thousand elements.
    """
    values = islice(value, _MOST_EXAMINED) if isinstance(value, list) else [value]
    texts = dict.fromkeys(text for text in map(plain_text, values) if text)
    return list(islice(texts, _MOST_TEXTS))


def whole_number(value: object) -> int | None:
    """Return *value* (an int, or a str or float that holds one) from 0 to a trillion, else None."""
    if isinstance(value, bool):
        return None
    try:
        number = int(value)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number <= _MOST else None


def iso_date(value: object) -> str:
    """Return *value* if it is a date like "2016-01-26" or begins with one, else ""."""
    try:
        return date.fromisoformat(value[:10]).isoformat() if isinstance(value, str) else ""
    except ValueError:
        return ""


def address(value: object) -> str:
    """Return *value* as an address without blanks, or "" where there is none.

    Whether it can be asked for is not decided here: what a listing names wrongly is to be told,
    not to be dropped, but with "***" in place of all that may be user and password. An address
    that was percent-encoded as a whole is decoded; one that is longer than any server takes is
    none.
    """
    return masked(_unmasked(value))


def page_address(value: object, base: str = "") -> str:
    """Return *value* as the address of a page, or "" for ``javascript:void(0)`` and its kind."""
    if _OTHER_SCHEME.match(_unmasked(value)):
        return ""
    return joined(base, value) if base else address(value)


def _unmasked(value: object) -> str:
    if not isinstance(value, str) or len(value) > MOST_CHARACTERS:
        return ""
    text = _UNPRINTABLE.sub("", value).strip()
    for _ in range(_MOST_ENCODINGS):
        if not _ENCODED.match(text):
            break
        text = unquote(text)
    return text.encode("utf-8", "replace").decode("utf-8")


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address, with a slash behind them; "" for none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}/" if parts.netloc else ""


def joined(base: str, value: object) -> str:
    """Return *value* as an address, completed by *base* where it is relative; "" for none."""
    url = _unmasked(value)
    # In a misspelled absolute address, urljoin would take user and password for a path.
    absolute = url[:6].lower().startswith(("http:", "https:"))
    hostless = _TWO_SLASHES.match(url) and not is_well_formed(f"https:{url}")
    if not url or absolute or hostless:
        return masked(url)
    try:
        return masked(urljoin(base, masked_text(url)))
    except ValueError:  # malformed: it is to be told, not to be dropped
        return masked(url)


def listed_addresses(entry: Mapping[str, object], keys: Iterable[str]) -> list[str]:
    """Return the addresses that *entry* has under *keys*, in their order, without repeats."""
    found = (address(entry.get(key)) for key in keys)
    return list(dict.fromkeys(url for url in found if url))


def first_text(entry: Mapping[str, object], keys: Iterable[str]) -> str:
    """Return the first text under *keys* that says something, or ""."""
    return next(filter(None, (plain_text(entry.get(key)) for key in keys)), "")


def identity(claimed: object, candidates: Sequence[str]) -> str:
    """Return the id that the listing gives, or one made of the first candidate's address."""
    if isinstance(claimed, int) and not isinstance(claimed, bool):
        claimed = str(claimed)
    if isinstance(claimed, str) and len(claimed) > _MOST_ID:
        return _digest(claimed)
    return plain_text(claimed) or _digest("".join(candidates[:1]))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]
