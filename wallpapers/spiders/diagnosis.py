"""Build the one-line messages for a listing that cannot be read, each with advice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from scrapy.http import Response
from twisted.python.failure import Failure

from wallpapers.downloads import failures
from wallpapers.errors import ListingError, ListingRefusedError
from wallpapers.listings.page import Page
from wallpapers.listings.text import address, one_line
from wallpapers.middlewares.redirect import STATUSES
from wallpapers.run.command_line import shell_command

# HTTP statuses by which a source refuses requests, whatever the listing.
_REFUSAL_ADVICE = {
    401: "the source asks for an account; set its API key if it has one",
    403: "the source refuses the request; wait some hours",
    429: "the source limits requests; wait some hours or increase the delay in DOWNLOAD_SLOTS",
}
_ROBOT_ADVICE = "the source refuses robots; wait some hours or increase the delay in DOWNLOAD_SLOTS"


def unexpected_response(response: Response, error: ListingError, endpoint: str) -> str:
    """Return the message for a response that is not a page of the listing."""
    content_type = (response.headers.get("Content-Type") or b"no content type").decode("latin-1")
    start = response.body[:80].decode("utf-8", "replace")
    if isinstance(error, ListingRefusedError):
        advice = _ROBOT_ADVICE
    else:
        advice = _REFUSAL_ADVICE.get(response.status, "open the address in a browser")
    return (
        f"Unexpected response from the listing: {one_line(str(error))} "
        f"(HTTP {response.status}, {one_line(content_type)}, {len(response.body)} bytes, "
        f"starts with {one_line(start)!r}) at {endpoint}; "
        f"{advice}, or use a mirror with -a endpoint=..."
    )


def is_refusal(response: Response, error: ListingError) -> bool:
    """Return whether the source refuses requests; if so, it is likely to refuse other listings."""
    return isinstance(error, ListingRefusedError) or response.status in _REFUSAL_ADVICE


def request_failed(failure: Failure, endpoint: str) -> str:
    """Return the message for a listing request that got no response, even after retries."""
    reason, detail = failures.explain(failure.value)
    if reason == "robots":
        advice = "robots.txt disallows it and ROBOTSTXT_OBEY is on"
    else:
        checked = "the network and the host name" if reason == "dns" else "the network"
        advice = f"check {checked}, or use a mirror with -a endpoint=..."
    return f"Listing request failed: {reason} ({detail}) at {endpoint}; {advice}"


def no_wallpapers_found(page: Page, url: str) -> str:
    """Return the message for a first page without wallpapers."""
    counts = [f"{page.entries} entries"]
    counts += [f"{count} {reason}" for reason, count in sorted(page.rejected.items())]
    drift = f"; format changes: {page.drift}" if page.drift else ""
    return (
        f"No wallpapers found in the listing ({', '.join(counts)}{drift}) at {url}; "
        "check the arguments"
    )


def another_listing_may_work(failure: Failure) -> bool:
    """Return whether another listing of the same host may work, although this request failed."""
    return failures.explain(failure.value)[0] not in ("dns", "robots")


def next_command(suggested: str, source: str, arguments: dict[str, str]) -> tuple[str, str]:
    """Return the purpose of a shell command, and the command.

    Without a *suggested* one, it checks *source* with the *arguments* of this run.
    """
    if suggested:
        return "or try", suggested
    return "to check the source, run", shell_command("doctor", source, *_given(arguments))


def search_command(*tags: str, arguments: Mapping[str, str]) -> str:
    """Return a shell command that searches Baidu for *tags*, with other *arguments*.

    Empty tags and 全部 ("all") are left out; without any other tag, the command searches for 壁纸
    ("wallpaper"). Settings and feeds are those of this run.
    """
    searched = dict.fromkeys(tag for tag in tags if tag not in ("", "全部"))
    word = " ".join(searched) or "壁纸"
    given = _given({"word": word, **arguments})
    return shell_command("crawl", "baidu_search", *given, feeds=True)


def _given(arguments: Mapping[str, str]) -> Iterator[str]:
    """Yield the words that give *arguments* on a command line."""
    for name, value in arguments.items():
        yield from ("-a", f"{name}={one_line(value)}")


def redirect_error(response: Response) -> ListingRefusedError:
    """Return the error for a redirect that is not followed; a captcha is named."""
    target = redirect_target(response)
    if not target:
        return ListingRefusedError("a redirect without an address", "redirect")
    if "captcha" in target:
        return ListingRefusedError(f"a redirect to {target}, a captcha", "captcha")
    return ListingRefusedError(f"a redirect to {target}", "redirect")


def redirect_target(response: Response) -> str | None:
    """Return the absolute address that a redirect points to.

    None if *response* is not a redirect or its Location is malformed.
    """
    if response.status not in STATUSES:
        return None
    target = (response.headers.get("Location") or b"").decode("latin-1")
    try:
        target = response.urljoin(target)
        urlsplit(target)
    except ValueError:
        return None
    return address(target)


def is_same_host(response: Response, target: str) -> bool:
    """Return whether *target* is on the host of *response*, with the same scheme or https."""
    here, there = urlsplit(response.url), urlsplit(target)
    return there.hostname == here.hostname and there.scheme in (here.scheme, "https")
