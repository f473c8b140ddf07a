"""Which addresses a listing may make us ask for."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeGuard
from urllib.parse import urlsplit

from w3lib.url import safe_url_string

from wallpapers.listings.masking import is_well_formed


def is_askable(url: object) -> TypeGuard[str]:
    """Is *url* a well-formed http(s) address with a host and without user and password?"""
    return isinstance(url, str) and _is_askable(url)


@lru_cache(1_024)  # each candidate is asked for twice
def _is_askable(url: str) -> bool:
    if not is_well_formed(url):
        return False
    try:
        safe_url_string(url)  # as a Request does
    except ValueError:
        return False
    return True


def host_of(url: str) -> str:
    """Return the host that *url* names, in lower case, or "" where it names none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
