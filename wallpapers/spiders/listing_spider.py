"""Read listings page by page: the base class of the spiders of all sources.

It handles paging, the end of the listing, redirects, retries and error messages. A subclass
defines what ``Source`` declares.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from scrapy import Request
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.http import Response
from twisted.python.failure import Failure

from wallpapers import signals
from wallpapers.downloads import failures
from wallpapers.downloads.transfer import TOO_LARGE
from wallpapers.errors import ListingCutError, ListingError, ListingRefusedError
from wallpapers.items import Wallpaper
from wallpapers.listings.drift import Drift
from wallpapers.listings.page import Page, Position
from wallpapers.listings.text import one_line
from wallpapers.middlewares.redirect import STATUSES
from wallpapers.spiders import diagnosis
from wallpapers.spiders.paging import PagingState
from wallpapers.spiders.recently_read import recently_read
from wallpapers.spiders.series import MAX_REFUSALS
from wallpapers.spiders.source import Source

if TYPE_CHECKING:
    from wallpapers.catalogue.read_listings import ListingKey

MAX_HOPS = 5
MAX_PAGE_BYTES = 8 * 1024 * 1024  # decompressed; 100 real entries are a quarter of a megabyte


class ListingSpider(Source):
    """A spider that requests the pages of a listing one after the other, then the next listing.

    Paging stops when the listing ends, when ``limit`` wallpapers were listed, or when a response is
    not a page.
    """

    def __init__(self, **given: str) -> None:
        super().__init__(**given)
        self._read_recently: dict[ListingKey, str] = {}  # listing -> time

    def begin_listing(self, arguments: Mapping[str, Any]) -> None:
        super().begin_listing(arguments)
        self._paging = PagingState(self.limit, self.first_position, self.max_offset)

    async def start(self) -> AsyncIterator[Any]:
        """Yield the first request: for the home page if its cookies are needed, or for a page.

        There is none if all listings are skipped.
        """
        self._read_recently = await recently_read(self.crawler, self.name, self.reread_days)
        first_page = self.first_page_request() or next(self.next_listing(), None)
        if first_page and self.visits_home and self.settings.getbool("COOKIES_ENABLED"):
            yield self._request(
                self.referer, self.home_page_loaded, self.home_page_failed, dont_retry=True
            )
        elif first_page:
            yield first_page

    def home_page_loaded(self, response: Response) -> Iterator[Request]:
        """Request the first page, whatever the response: only its cookies are needed."""
        yield self.page_request(self.first_position)

    def home_page_failed(self, failure: Failure) -> Iterator[Request]:
        """Request the first page without cookies, because not every source needs them."""
        reason = failures.explain(failure.value)
        self.logger.info(
            "Home page request failed (%s) at %s; requesting the listing without its cookies",
            ": ".join(filter(None, reason)),
            self.referer,
        )
        yield self.page_request(self.first_position)

    def next_listing(self) -> Iterator[Request]:
        """Begin the next listing that is not skipped, and request its first page."""
        while self.series.remaining:
            if self.series.is_refused:
                self.logger.warning(
                    "%d listings not read: the source refused the last %d",
                    self.series.remaining,
                    MAX_REFUSALS,
                )
                return
            self.begin_listing(self.series.next().values)
            if first_page := self.first_page_request():
                yield first_page
                return

    def first_page_request(self) -> Request | None:
        """Return the request for the first page of a listing; None if it is skipped."""
        key = self.listing_name, self.series.current.fingerprint
        listing: dict[str, Any] = {
            "listing": key[0],
            "fingerprint": key[1],
            "remaining": self.series.remaining,
        }
        if key in self._read_recently:
            read_at = self._read_recently[key]
            self.send(signals.listing_skipped, **listing, read_at=read_at)
            return None
        self.send(signals.listing_started, **listing)
        return self.page_request(self.first_position)

    def page_request(self, position: Position) -> Request:
        """Return the request for the page at *position*, in the slot that all listings share."""
        request = self._request(self.page_url(position), self.parse, self.page_failed)
        return request.replace(headers=self.headers, cb_kwargs={"position": position})

    def _request(self, url: str, callback: Any, errback: Any, **meta: Any) -> Request:
        return Request(
            url,
            callback=callback,
            errback=errback,
            dont_filter=True,
            meta={
                "download_slot": "listing",
                "page_maxsize": MAX_PAGE_BYTES,
                "download_maxsize": MAX_PAGE_BYTES,  # checked by Scrapy after decompression
                "handle_httpstatus_all": True,  # the spider reports error statuses itself
                **meta,
            },
        )

    def parse(
        self, response: Response, position: Position | None = None, hops: int = 0
    ) -> Iterator[Request | Wallpaper]:
        """Parse a page and yield its wallpapers and the next request.

        Follows redirects within the host, retries truncated pages and switches the protocol.
        Without *position* (``scrapy parse``), the response is treated as the first page.
        """
        position = position or self.first_position
        if follow_up := self._redirected(response, position, hops):
            yield follow_up
            return
        try:
            page = self._read(response)
        except ListingError as error:
            yield from self._handle_unexpected_response(response, position, error)
            return
        if not page.wallpapers and self._switch_protocol(position):
            yield self.page_request(position)
            return
        yield from self.process_page(page, position)

    def process_page(self, page: Page, position: Position) -> Iterator[Request | Wallpaper]:
        """Yield the request for the next page or listing, then the new wallpapers of *page*.

        The request comes first, so that the next page is downloaded while images are.
        """
        new, repeated = self._paging.add_page(page)
        if position == self.first_position and page.drift:
            self._log_drift(page.drift)
        ended, listing = self._paging.is_last_page(position, page, new), self.listing_name
        self.send(
            signals.listing_page_read,
            rejected=page.rejected,
            repeated=repeated,
            expected=self.series.expected_wallpapers(self._paging.expected_wallpapers(ended=ended)),
        )
        if ended:
            self._finish_listing(position, page)
            yield from self.next_listing()
        else:
            yield self.page_request(position.after(page))
        yield from new
        if ended:
            self.send(signals.listing_yielded, listing=listing)

    def page_failed(self, failure: Failure) -> Iterator[Request]:
        """Report the listing as failed: a page request failed and its retries are used up."""
        message = diagnosis.request_failed(failure, self.endpoint)
        suggest = diagnosis.another_listing_may_work(failure)
        self.fail_listing(message, refused=True, suggest=suggest)
        yield from self.next_listing()

    def fail_listing(self, message: str, *, refused: bool = False, suggest: bool = True) -> None:
        """Report that the listing cannot be read to its end; *message* is one line.

        *refused*: the source refuses the request or does not respond, whatever the listing.
        *suggest*: suggest the command for another listing, which may work.
        """
        self.series.listing_ended(self._paging.listed, refused=refused)
        suggested = self.suggested_command if suggest else ""
        purpose, command = diagnosis.next_command(suggested, self.name, self.given)
        message = self._with_name(message)
        self.send(signals.listing_failed, message=message, purpose=purpose, command=command)

    def send(self, signal: object, **arguments: Any) -> None:
        """Send *signal*, one of ``wallpapers.signals``."""
        self.crawler.signals.send_catch_log(signal, **arguments)

    def _redirected(self, response: Response, position: Position, hops: int) -> Request | None:
        """Return the request that follows a redirect within the host, if *response* is one."""
        target = diagnosis.redirect_target(response)
        if target is None or hops == MAX_HOPS or not diagnosis.is_same_host(response, target):
            return None
        request = self.page_request(position)
        return request.replace(url=target, cb_kwargs={"position": position, "hops": hops + 1})

    def _read(self, response: Response) -> Page:
        """Parse the page. Raises ListingError if *response* is not one."""
        if response.status in STATUSES:
            raise diagnosis.redirect_error(response)
        if response.status != 200:
            raise ListingError("an HTTP error")
        if TOO_LARGE in response.flags:
            raise ListingError(f"a page larger than {MAX_PAGE_BYTES} bytes")
        page = self.read_page(response.body)
        for wallpaper in page.wallpapers:
            wallpaper.source = self.name
            wallpaper.listing = self.listing_name
        return page

    def _handle_unexpected_response(
        self, response: Response, position: Position, error: ListingError
    ) -> Iterator[Request]:
        """Retry a truncated page or switch the protocol; otherwise report the listing as failed."""
        assert response.request is not None
        may_retry = self.settings.getbool("RETRY_ENABLED")
        if (
            isinstance(error, ListingCutError)
            and may_retry
            and (retry := get_retry_request(response.request, spider=self, reason=str(error)))
        ):
            yield retry
        elif not isinstance(error, ListingRefusedError) and self._switch_protocol(position):
            text = "Unexpected response (%s), trying the other protocol"
            self.logger.info(text, one_line(str(error)))
            yield self.page_request(position)
        else:
            message = diagnosis.unexpected_response(response, error, self.endpoint)
            self.fail_listing(message, refused=diagnosis.is_refusal(response, error))
            yield from self.next_listing()

    def _switch_protocol(self, position: Position) -> bool:
        """Switch the protocol if *position* is the first page; later pages stay with theirs."""
        return position == self.first_position and self.switch_protocol()

    def _log_drift(self, drift: Drift) -> None:
        level = logging.WARNING if drift.missing or drift.mistyped else logging.INFO
        self.logger.log(level, "%s", self._with_name(f"Listing format changed: {drift}"))

    def _finish_listing(self, position: Position, page: Page) -> None:
        """Report the end of the listing; it has failed if it is empty. Warn if it is short."""
        paging = self._paging
        if not paging.listed and position == self.first_position:
            self.fail_listing(diagnosis.no_wallpapers_found(page, self.page_url(position)))
            return
        self.series.listing_ended(paging.listed)
        self.send(signals.listing_ended)
        claimed = paging.claimed_entries or 0
        if claimed > paging.entries and not paging.limit_reached:
            message = f"Listing ended after {paging.entries} of {claimed} claimed entries"
            if self.max_offset:
                message = f"{message}; results repeat from offset {self.max_offset}"
            self.logger.warning("%s", self._with_name(message))

    def _with_name(self, message: str) -> str:
        """Return *message* with the name of the listing, if the run has several."""
        return message if self.series.is_single else f"{one_line(self.listing_name)}: {message}"
