"""Convert values of a listing to clean text, numbers, dates and addresses.

Every function accepts a value of any type, returns one of the right type, and never raises.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import islice
from urllib.parse import quote, unquote, urljoin, urlsplit

from w3lib.html import remove_tags

from wallpapers.listings.masking import MAX_URL_CHARACTERS, is_well_formed, mask_address, mask_text

# C0 and C1 controls, bidirectional marks (which can reorder a log line), and characters that XML
# does not allow.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]+")
# What browsers remove from an address, at its ends and everywhere; they encode other controls.
_BLANKS = "".join(char for char in map(chr, range(0x3001)) if char <= " " or char.isspace())
_TABS_AND_BREAKS = re.compile("[\t\n\r]")
_OTHER_SCHEME = re.compile(r"(?!https?:)[A-Za-z][A-Za-z0-9+.-]*:", re.IGNORECASE)
_ENCODED = re.compile(r"https?%(?:25)*3a", re.IGNORECASE)
_MAX_ENCODINGS = 5  # nested
_TWO_SLASHES = re.compile(r"[/\\]{2}")
_MAX_TEXT = 2_000  # characters; removing tags takes quadratic time
_MAX_ID = 200  # characters; a PostgreSQL index entry holds 2,700 bytes
_MAX_TEXTS = 100  # of one value, such as the tags of one wallpaper
_MAX_EXAMINED = 1_000  # elements of one value, many of which may be empty or repeated
_MAX_NUMBER = 10**12  # larger numbers in listings are errors
# A tag, an entity, or "@" in any spelling: a password in an address.
_MARKUP = re.compile("[<&@\uff20\ufe6b]|%(?:25)*40")
_COLOR = re.compile("#?([0-9A-Fa-f]{6})")


def plain_text(value: object) -> str:
    """Return *value* as one line of text without markup, entities or control characters.

    Returns "" for any other type, and only the start of a very long text. A lone surrogate, which
    no feed can encode, becomes "?".
    """
    if not isinstance(value, str):
        return ""
    if len(value) <= _MAX_TEXT and not _MARKUP.search(value):
        return one_line(value)  # as below, in a quarter of the time
    plain = remove_tags(html.unescape(remove_tags(value[:_MAX_TEXT])))
    return mask_text(one_line(plain))


def one_line(text: str) -> str:
    """Return *text* without characters that break or reorder a line of a log or a feed."""
    if text.isprintable():
        return " ".join(text.split())
    printable = " ".join(_UNPRINTABLE.sub(" ", text).split())
    return printable.encode("utf-8", "replace").decode("utf-8")


def plain_texts(value: object) -> list[str]:
    """Return the non-empty texts of a list, or of a single str, without duplicates.

    At most the first hundred texts among the first thousand elements.
    """
    values = islice(value, _MAX_EXAMINED) if isinstance(value, list) else [value]
    texts = dict.fromkeys(text for text in map(plain_text, values) if text)
    return list(islice(texts, _MAX_TEXTS))


def colors(value: object) -> list[str]:
    """Return the colours in a list, as ``#rrggbb`` in lower case and without duplicates."""
    matches = map(_COLOR.fullmatch, plain_texts(value))
    return list(dict.fromkeys(f"#{match[1].lower()}" for match in matches if match))


def whole_number(value: object) -> int | None:
    """Return *value* (int, str or float) as an int from 0 to a trillion, else None."""
    if isinstance(value, bool):
        return None
    try:
        number = int(value)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number <= _MAX_NUMBER else None


def iso_date(value: object) -> str:
    """Return the date at the start of *value*, like "2016-01-26", or ""."""
    try:
        return date.fromisoformat(value[:10]).isoformat() if isinstance(value, str) else ""
    except ValueError:
        return ""


def address(value: object) -> str:
    """Return *value* as an address without blanks around it, or "" if there is none.

    Control characters and bidirectional marks are percent-encoded, as by browsers. A malformed
    address is kept, so that it appears in messages, with "***" in place of everything that may be
    user and password. An address that is percent-encoded as a whole is decoded. An address that is
    longer than servers accept gives "".
    """
    return mask_address(_decoded(value))


def page_address(value: object, base: str = "") -> str:
    """Return *value* as the address of a web page, or "" for other schemes like ``javascript:``."""
    if _OTHER_SCHEME.match(_decoded(value)):
        return ""
    return joined(base, value) if base else address(value)


def _decoded(value: object) -> str:
    """Return *value* as a printable address; one encoded as a whole is decoded, none is masked."""
    if not isinstance(value, str) or len(value) > MAX_URL_CHARACTERS:
        return ""
    text = _encoded(value)
    for _ in range(_MAX_ENCODINGS):
        if not _ENCODED.match(text):
            break
        text = _encoded(unquote(text))
    return text


def _encoded(url: str) -> str:
    """Return *url* without blanks around it, and with other unprintable characters encoded."""
    url = url.strip(_BLANKS)
    if url.isascii() and url.isprintable():
        return url
    url = _TABS_AND_BREAKS.sub("", url).encode("utf-8", "replace").decode("utf-8")
    return _UNPRINTABLE.sub(lambda match: quote(match[0]), url)


def origin_of(url: str) -> str:
    """Return the origin of an address with a trailing slash, or "" if it has none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}/" if parts.netloc else ""


def joined(base: str, value: object) -> str:
    """Return *value* as an absolute address, resolved against *base*, or ""."""
    url = _decoded(value)
    # In a malformed absolute address, urljoin would treat user and password as a path.
    absolute = url[:6].lower().startswith(("http:", "https:"))
    hostless = _TWO_SLASHES.match(url) and not is_well_formed(f"https:{url}")
    if not url or absolute or hostless:
        return mask_address(url)
    try:
        return mask_address(urljoin(base, mask_text(url)))
    except ValueError:  # malformed: keep it for messages
        return mask_address(url)


def listed_addresses(entry: Mapping[str, object], keys: Iterable[str]) -> list[str]:
    """Return the addresses of *entry* under *keys*, in this order, without duplicates."""
    urls = (address(entry.get(key)) for key in keys)
    return list(dict.fromkeys(url for url in urls if url))


def first_text(entry: Mapping[str, object], keys: Iterable[str]) -> str:
    """Return the first non-empty text under *keys*, or ""."""
    return next(filter(None, (plain_text(entry.get(key)) for key in keys)), "")


def identity(claimed: object, candidates: Sequence[str]) -> str:
    """Return the *claimed* id, or a hash of the first candidate's address if there is none."""
    if isinstance(claimed, int) and not isinstance(claimed, bool):
        claimed = str(claimed)
    if isinstance(claimed, str) and len(claimed) > _MAX_ID:
        return _digest(claimed)
    return plain_text(claimed) or _digest("".join(candidates[:1]))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]
