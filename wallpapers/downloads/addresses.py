"""Which addresses a listing may make us ask for."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_askable(url: str) -> bool:
    """Is *url* a well-formed http(s) address with a host and without user and password?"""
    try:
        parts = urlsplit(url)
        port = parts.port  # ValueError where it is none
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and "@" not in parts.netloc
        and "\\" not in url
        and port != 0
    )
