"""What is said where a listing does not answer as it should: one line, with what to try."""

from __future__ import annotations

from urllib.parse import urlsplit

from scrapy.http import Response
from twisted.python.failure import Failure

from wallpapers.downloads import failures
from wallpapers.errors import ListingError, ListingRefusedError
from wallpapers.listings.page import Page
from wallpapers.listings.text import address, one_line
from wallpapers.middlewares.redirect import STATUSES


def no_page(response: Response, error: ListingError, endpoint: str, instead: str) -> str:
    """Tell what came instead of a page."""
    kind = (response.headers.get("Content-Type") or b"no type").decode("latin-1")
    start = response.body[:80].decode("utf-8", "replace")
    advice = (
        "the source refuses robots for now: wait some hours, or slow down with DOWNLOAD_SLOTS"
        if isinstance(error, ListingRefusedError)
        else "open the address in a browser to see what became of it"
    )
    return (
        f"The listing did not answer with a page but with {one_line(str(error))}: "
        f"HTTP {response.status}, {one_line(kind)}, {len(response.body)} bytes, "
        f"beginning {one_line(start)!r}, at {endpoint}; "
        f"{advice}, or name a mirror with -a endpoint=...{_or(instead)}"
    )


def no_answer(failure: Failure, endpoint: str, instead: str) -> str:
    """Tell why no answer came, after all retries."""
    reason, detail = failures.explain(failure.value)
    advice = (
        "ROBOTSTXT_OBEY is on and its robots.txt forbids it"
        if reason == "robots"
        else f"check the network, or name a mirror with -a endpoint=...{_or(instead)}"
    )
    return f"The listing could not be read: {reason} ({detail}) at {endpoint}; {advice}"


def no_wallpaper(page: Page, url: str, instead: str) -> str:
    """Tell what the first page had in place of wallpapers."""
    came = [f"{page.entries} entries came"]
    came += [f"{count} {reason}" for reason, count in sorted(page.rejected.items())]
    drift = f"; against what is expected: {page.drift}" if page.drift else ""
    return (
        f"The listing names no wallpaper ({', '.join(came)}{drift}) at {url}; "
        f"check its arguments{_or(instead)}"
    )


def _or(instead: str) -> str:
    return f"; or try: {instead}" if instead else ""


def redirect(response: Response) -> ListingRefusedError:
    """Tell where a redirect leads, and whether it is to someone who wants to see a human."""
    target = location(response) or "no address"
    if "captcha" in target:
        return ListingRefusedError(f"a redirect to {target}, a captcha", "captcha")
    return ListingRefusedError(f"a redirect to {target}", "redirect")


def location(response: Response) -> str | None:
    """Return where a redirect leads, or None where it is none or leads to no address."""
    if response.status not in STATUSES:
        return None
    target = (response.headers.get("Location") or b"").decode("latin-1")
    try:
        target = response.urljoin(target)
        urlsplit(target)
    except ValueError:
        return None
    return address(target)


def stays_with_host(response: Response, target: str) -> bool:
    """Does a redirect to *target* stay with the host that was asked, on to https at most?"""
    here, there = urlsplit(response.url), urlsplit(target)
    return there.hostname == here.hostname and there.scheme in (here.scheme, "https")
