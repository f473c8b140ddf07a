r"""Mask user names and passwords in malformed addresses.

Parsers find no user part in ``http:user:pw@host/`` or ``http:\\user:pw@host/``, but the password
would be readable in the log.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

# More than servers accept (8 KB by default).
MAX_URL_CHARACTERS = 8_192

_MASK = "***"
# All spellings of "@": percent-encoded (once or more often), as an HTML entity, and the characters
# that Unicode compatibility forms convert to it.
_AT = r"(?:@|%(?:25)*40|&(?:#0*64|#[xX]0*40|commat);?|\uff20|\ufe6b)"
_COLON = r"(?::|%(?:25)*3[aA]|\uff1a|\ufe13|\ufe55)"
_SCHEME = r"(?:https?|[A-Za-z][A-Za-z0-9+.-]{0,20}(?=:[/\\]{2}))"
_AT_SIGN = re.compile(_AT)
_BEGINNING = re.compile(rf"(?:{_SCHEME}:)?[/\\]*", re.IGNORECASE)
_USER_OF_HOST = re.compile(rf"((?:{_SCHEME}:)?//)[^/\\?#]*@", re.IGNORECASE)
_USER_PART = re.compile(rf".*{_AT}", re.DOTALL)
_NO_PORT = re.compile(rf"([^/\\?#]*?{_COLON})(?!\d{{0,5}}(?:[/\\?#]|$))[^/\\?#]*", re.DOTALL)
_PLAIN = re.compile(r"https?://[A-Za-z0-9.-]+(?::(?:[1-9]\d{0,3}|[1-5]\d{4}))?(?:[/?#][!-~]*)?")
_IN_TEXT = re.compile(
    rf"(?:https?{_COLON}|[A-Za-z][A-Za-z0-9+.-]{{0,20}}:[/\\]{{2}})\S+", re.IGNORECASE
)
_USER_IN_TEXT = re.compile(r"(?<=://)[^\s/?#@]{1,500}@")


def is_plain(url: str) -> bool:
    """Return whether *url* is a host, perhaps a port, and a path: nothing that needs a parser."""
    is_short = len(url) <= MAX_URL_CHARACTERS
    return is_short and "\\" not in url and _PLAIN.fullmatch(url) is not None


@lru_cache(maxsize=256)  # called when an address is read, and again when it is requested
def is_well_formed(url: str) -> bool:
    """Return whether *url* is an http(s) address with a host and without user and password."""
    if is_plain(url):
        return True
    if len(url) > MAX_URL_CHARACTERS or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        port = parts.port  # raises ValueError if it is invalid
    except ValueError:
        return False
    host = parts.hostname or ""
    encoded = "%" in host and ":" not in host  # %40 may hide a user part; IPv6 zones have one
    spelled_out = url.lstrip()[: len(parts.scheme) + 3].lower() == f"{parts.scheme}://"
    return (
        parts.scheme in ("http", "https")
        and spelled_out
        and bool(host)
        and "@" not in parts.netloc
        and not encoded
        and port != 0
    )


def mask_address(url: str) -> str:
    """Return *url*; if it is malformed, with everything masked that may be user and password."""
    if is_well_formed(url):
        return url
    user = _USER_OF_HOST.match(url)
    if user and is_well_formed(f"http://{url[user.end() :]}"):
        return f"{user[1]}{_MASK}@{url[user.end() :]}"
    beginning = _BEGINNING.match(url)
    scheme = beginning[0] if beginning else ""
    rest = url[len(scheme) :]
    if user := _USER_PART.match(rest):
        return f"{scheme}{_MASK}@{rest[user.end() :]}"
    if no_port := _NO_PORT.match(rest):
        return f"{scheme}{no_port[1]}{_MASK}{rest[no_port.end() :]}"
    return url


def mask_text(text: str) -> str:
    """Return *text* with user and password masked in every address that it contains."""
    if not _AT_SIGN.search(text):
        return text
    text = _USER_IN_TEXT.sub(f"{_MASK}@", text)
    return _IN_TEXT.sub(lambda match: _masked_if_user(match[0]), text)


def _masked_if_user(url: str) -> str:
    return mask_address(url) if _AT_SIGN.search(url) else url
