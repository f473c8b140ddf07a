"""Page through a listing to its end: arguments, paging, ends, and a diagnosis where it refuses.

Shared by all sources; a spider on top of it says only what its listing is asked for and how its
pages are read.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from scrapy import Request, Spider
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.exceptions import CloseSpider
from scrapy.http import Response
from twisted.python.failure import Failure

from wallpapers.downloads import reasons, redirects
from wallpapers.downloads.transfer import TOO_LARGE
from wallpapers.errors import ListingCutError, ListingError, ListingRefusedError
from wallpapers.items import Wallpaper
from wallpapers.listings.page import Page
from wallpapers.listings.text import address, one_line
from wallpapers.outcome import Outcome
from wallpapers.secrets import hide
from wallpapers.spiders.arguments import Argument, read_arguments, web_address, whole_number

MAX_HOPS = 5
MAX_PAGE_BYTES = 8 * 1024 * 1024  # after inflation; 100 real entries are a quarter of a megabyte


class ListingSpider(Spider):
    """A spider whose source is a listing: pages that are asked for by offset.

    A subclass names its arguments in ``arguments`` (``limit`` and ``endpoint`` are added) and
    implements ``page_url``, ``read_page`` and ``listing_name``. It finds wallpapers and keeps none:
    pages are followed until the listing ends, ``limit`` is reached, or an answer is no page.
    """

    default_endpoint: ClassVar[str]
    arguments: ClassVar[dict[str, Argument]] = {}

    limit: int
    endpoint: str

    def __init__(self, **given: str) -> None:
        super().__init__()
        declared = {
            **self.arguments,
            "limit": whole_number(0, 0),
            "endpoint": web_address(self.default_endpoint),
        }
        for argument, value in read_arguments(declared, given).items():
            setattr(self, argument, value)
        # A token in the address that the user named stays out of the log.
        hide(value for _, value in parse_qsl(urlsplit(self.endpoint).query) if len(value) >= 8)
        self._seen: set[str] = set()
        self._entries = 0
        self._claimed: int | None = None

    # What a source says

    @property
    @abstractmethod
    def listing_name(self) -> str:
        """Name of the listing within the source: the ``listing`` of its wallpapers."""

    @property
    def first_offset(self) -> int:
        """Offset of the first image that is asked for, 0-based."""
        return 0

    @abstractmethod
    def page_url(self, offset: int) -> str:
        """Return the address of the page that begins at *offset*."""

    @abstractmethod
    def read_page(self, body: bytes) -> Page:
        """Read a page. Raises ListingError for what is none."""

    # What is the same for all

    @property
    def referer(self) -> str:
        """The origin of the endpoint, which picture hosts want to see."""
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{parts.netloc}/"

    @property
    def outcome(self) -> Outcome:
        """What this run has come to so far."""
        return Outcome.of(self.crawler)

    async def start(self) -> AsyncIterator[Any]:
        """Ask for the first page, unless the run has failed before it began."""
        if self.outcome.store_failure is not None:
            raise CloseSpider("store")
        yield self.page_request(self.first_offset)

    def page_request(self, offset: int) -> Request:
        """Return the request for the page at *offset*, in the slot that all listings share."""
        return Request(
            self.page_url(offset),
            callback=self.parse,
            errback=self.page_failed,
            cb_kwargs={"offset": offset},
            dont_filter=True,
            meta={
                "download_slot": "listing",
                "page_maxsize": MAX_PAGE_BYTES,
                "download_maxsize": MAX_PAGE_BYTES,  # of what Scrapy's own middleware inflates
                "handle_httpstatus_all": True,  # every answer is diagnosed here
            },
        )

    def parse(
        self, response: Response, offset: int, hops: int = 0
    ) -> Iterator[Request | Wallpaper]:
        """Yield the request for the next page first, so that pictures never wait for a listing."""
        if follow_up := self._redirected(response, offset, hops):
            yield follow_up
            return
        try:
            page = self._read(response)
        except ListingCutError as error:
            yield from self._ask_again(response, error)
            return
        except ListingError as error:
            self._refuse(response, error)
            return

        found = self._count(page)
        if found and not self._limit_is_reached:
            yield self.page_request(offset + page.entries)
        else:
            self._close_books(offset)
        self._expect(ended=not found or self._limit_is_reached)
        for wallpaper in found:
            self.outcome.take_up(wallpaper)
            if self.outcome.stopping:
                self.outcome.leave(wallpaper)
            else:
                yield wallpaper

    def page_failed(self, failure: Failure) -> None:
        """End the paging: the page did not come, and its retries are used up."""
        if self.outcome.stopping:
            return
        reason, detail = reasons.explain(failure.value)
        if reason == "robots":
            advice = "ROBOTSTXT_OBEY is on and its robots.txt forbids it"
        else:
            advice = "check the network, or name a mirror with -a endpoint=..."
        self.outcome.listing_failed(
            f"The listing could not be read: {reason} ({detail}) at {self.endpoint}; {advice}"
        )

    def _redirected(self, response: Response, offset: int, hops: int) -> Request | None:
        """Follow a redirect that stays with the host of the endpoint (to https, say)."""
        if response.status not in redirects.STATUSES or hops == MAX_HOPS:
            return None
        target = _location(response)
        if target is None:
            return None
        here, there = urlsplit(response.url), urlsplit(target)
        if there.hostname != here.hostname or there.scheme not in (here.scheme, "https"):
            return None
        request = self.page_request(offset)
        return request.replace(url=target, cb_kwargs={"offset": offset, "hops": hops + 1})

    def _read(self, response: Response) -> Page:
        if response.status in redirects.STATUSES:
            raise ListingRefusedError(f"a redirect to {_location(response) or 'no address'}")
        if response.status != 200:
            raise ListingError("an error")
        if TOO_LARGE in response.flags:
            raise ListingError(f"more than {MAX_PAGE_BYTES} bytes")
        page = self.read_page(response.body)
        for wallpaper in page.wallpapers:
            wallpaper.source = self.name
            wallpaper.listing = self.listing_name
        return page

    def _ask_again(self, response: Response, error: ListingCutError) -> Iterator[Request]:
        assert response.request is not None
        may_ask = self.settings.getbool("RETRY_ENABLED") and not self.outcome.stopping
        if may_ask and (
            again := get_retry_request(response.request, spider=self, reason=str(error))
        ):
            yield again
        else:
            self._refuse(response, error)

    def _refuse(self, response: Response, error: ListingError) -> None:
        """Say in one line what came instead of a page, and what to try."""
        kind = (response.headers.get("Content-Type") or b"no type").decode("latin-1")
        start = response.body[:80].decode("utf-8", "replace")
        advice = (
            "the source refuses robots for now: wait some hours, or slow down with DOWNLOAD_SLOTS"
            if isinstance(error, ListingRefusedError)
            else "open the address in a browser to see what became of it"
        )
        self.outcome.listing_failed(
            f"The listing did not answer with a page but with {one_line(str(error))}: "
            f"HTTP {response.status}, {one_line(kind)}, {len(response.body)} bytes, "
            f"beginning {one_line(start)!r}, at {self.endpoint}; "
            f"{advice}, or name a mirror with -a endpoint=..."
        )

    def _count(self, page: Page) -> list[Wallpaper]:
        """Account for the page, and return the wallpapers that are new and wanted."""
        self._entries += page.entries
        if page.total is not None:
            self._claimed = page.total
        found: list[Wallpaper] = []
        repeated = 0
        for wallpaper in page.wallpapers:
            if self._limit_is_reached:
                break
            if wallpaper.id in self._seen:
                repeated += 1
                continue
            self._seen.add(wallpaper.id)
            found.append(wallpaper)
        self.outcome.read_page(page.rejected, repeated)
        return found

    def _close_books(self, offset: int) -> None:
        """Say how the listing ended: as it should, empty from the start, or short of its claim."""
        if not self._seen and offset == self.first_offset:
            self.outcome.listing_failed(
                f"The listing names no wallpaper ({self._entries} entries came) at "
                f"{self.page_url(offset)}; check its arguments"
            )
            return
        self.outcome.listing_ended = True
        claimed = (self._claimed or 0) - self.first_offset
        if claimed > self._entries and not self._limit_is_reached:
            self.logger.warning(
                "The listing ended after %d entries, though it claimed %d", self._entries, claimed
            )

    def _expect(self, *, ended: bool) -> None:
        """Tell how many wallpapers there will be, as far as that is known."""
        if ended:
            self.outcome.expected = len(self._seen)
        elif self._claimed is not None:
            claimed = self._claimed - self.first_offset
            self.outcome.expected = min(claimed, self.limit or claimed)

    @property
    def _limit_is_reached(self) -> bool:
        return 0 < self.limit <= len(self._seen)


def _location(response: Response) -> str | None:
    """Return where a redirect leads, or None where that is no address."""
    location = (response.headers.get("Location") or b"").decode("latin-1")
    try:
        target = response.urljoin(location)
        urlsplit(target)
    except ValueError:
        return None
    return address(target)
