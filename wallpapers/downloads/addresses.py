"""Decide which addresses of a listing may be requested."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeGuard
from urllib.parse import urlsplit

from w3lib.url import safe_url_string

from wallpapers.listings.masking import is_plain, is_well_formed

# What is wrong with an address that is not valid.
NOT_VALID = "malformed, not http(s), or contains a user name"


def is_valid_address(url: object) -> TypeGuard[str]:
    """Return whether *url* is a well-formed http(s) address with a host and without a user name."""
    return isinstance(url, str) and _is_valid_address(url)


@lru_cache(1_024)  # each candidate is checked twice
def _is_valid_address(url: str) -> bool:
    if is_plain(url):
        return True
    if not is_well_formed(url):
        return False
    try:
        safe_url_string(url)  # as scrapy.Request does
    except ValueError:
        return False
    return True


def host_of(url: str) -> str:
    """Return the host name in *url*, in lower case, or "" if there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
