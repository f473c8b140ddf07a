"""Page through a listing to its end: arguments, paging, ends, and a diagnosis where it refuses.

Shared by all sources; a spider on top of it says only what its listing is asked for and how its
pages are read.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from scrapy import Request, Spider
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
from wallpapers.logs.masking import hide
from wallpapers.middlewares.redirect import STATUSES
from wallpapers.options import filters
from wallpapers.options.arguments import Argument, read_arguments, web_address, whole_number
from wallpapers.spiders import diagnosis
from wallpapers.spiders.paging import Books

MAX_HOPS = 5
MAX_PAGE_BYTES = 8 * 1024 * 1024  # after inflation; 100 real entries are a quarter of a megabyte


class ListingSpider(Spider):
    """A spider whose source is a listing: pages that are asked for one after the other.

    A subclass names its arguments in ``arguments`` (``limit``, ``endpoint`` and the filters are
    added) and
    implements ``page_url`` and ``read_page``. It finds wallpapers and keeps none: pages are
    followed until the listing ends, ``limit`` is reached, or an answer is no page.
    """

    # What the source lists, whether it answers today, and arguments to start with (-a ...).
    summary: ClassVar[str] = ""
    answers: ClassVar[str] = ""
    example: ClassVar[str] = ""
    default_endpoint: ClassVar[str]
    arguments: ClassVar[dict[str, Argument]] = {}
    # The listing is named after the first of these arguments that says something.
    named_by: ClassVar[tuple[str, ...]] = ()
    # The source repeats itself from this offset on, so it is not asked beyond.
    max_offset: ClassVar[int | None] = None
    # The source wants to see the cookies that its home page gives; COOKIES_ENABLED turns it off.
    visits_home: ClassVar[bool] = False

    limit: int
    endpoint: str

    def __init__(self, **given: str) -> None:
        super().__init__()
        declared = {**self.arguments, **self.shared_arguments()}
        for argument, value in read_arguments(declared, given).items():
            setattr(self, argument, value)
        # A token in the address that the user named stays out of the log.
        hide(value for _, value in parse_qsl(urlsplit(self.endpoint).query) if len(value) >= 8)
        self._books = Books(self.limit, self.first_position, self.max_offset)

    @classmethod
    def shared_arguments(cls) -> dict[str, Argument]:
        """Return the arguments that every source has."""
        endpoint = web_address(cls.default_endpoint)
        return {
            **filters.ARGUMENTS,
            "limit": whole_number(0, 0).means("stop after this many wallpapers; 0 = all"),
            "endpoint": endpoint.means("another address that speaks the same protocol"),
        }

    # What a source says

    @property
    def listing_name(self) -> str:
        """Name of the listing within the source: the ``listing`` of its wallpapers."""
        said = (getattr(self, argument) for argument in self.named_by)
        return next(filter(None, said), self.name)

    @property
    def first_position(self) -> Position:
        """Where the first page that is asked for begins."""
        return Position()

    @abstractmethod
    def page_url(self, position: Position) -> str:
        """Return the address of the page that begins at *position*."""

    @abstractmethod
    def read_page(self, body: bytes) -> Page:
        """Read a page. Raises ListingError for what is none."""

    @property
    def headers(self) -> dict[str, str]:
        """What a request for a page carries beside DEFAULT_REQUEST_HEADERS."""
        return {}

    @property
    def instead(self) -> str:
        """A command to try where the listing does not answer as it should, ready to paste."""
        return ""

    def picture_referer(self, url: str) -> str:
        """Return what the host of the picture at *url* wants to see as its Referer."""
        return self.referer

    def asks_otherwise(self) -> bool:
        """Change to another way of asking, where there is one left; the first page gave nothing."""
        return False

    # What is the same for all

    @property
    def referer(self) -> str:
        """The origin of the endpoint, which picture hosts want to see."""
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{parts.netloc}/"

    async def start(self) -> AsyncIterator[Any]:
        """Yield the request for the first page, or for the home page that is visited before it."""
        self.send(signals.listing_started)
        if self.visits_home and self.settings.getbool("COOKIES_ENABLED"):
            yield self._request(self.referer, self.visited, self.visit_failed, dont_retry=True)
        else:
            yield self.page_request(self.first_position)

    def visited(self, response: Response) -> Iterator[Request]:
        """Ask for the first page with the cookies that the visit gave, whatever else it gave."""
        yield self.page_request(self.first_position)

    def visit_failed(self, failure: Failure) -> Iterator[Request]:
        """Ask for the first page all the same: it may do without, or say what is wrong."""
        self.logger.info("No first visit at %s: %s", self.referer, failures.explain(failure.value))
        yield self.page_request(self.first_position)

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
                "download_maxsize": MAX_PAGE_BYTES,  # of what Scrapy's own middleware inflates
                "handle_httpstatus_all": True,  # every answer is diagnosed here
                **meta,
            },
        )

    def parse(
        self, response: Response, position: Position | None = None, hops: int = 0
    ) -> Iterator[Request | Wallpaper]:
        """Read the page and follow it; request it again where it is not a page and that may help.

        Without a *position*, as from ``scrapy parse``, the page is taken for the first one.
        """
        position = position or self.first_position
        if follow_up := self._redirected(response, position, hops):
            yield follow_up
            return
        try:
            page = self._read(response)
        except ListingError as error:
            yield from self._no_page(response, position, error)
            return
        if not page.wallpapers and self._may_ask_otherwise(position):
            yield self.page_request(position)
            return
        yield from self.page_came(page, position)

    def page_came(self, page: Page, position: Position) -> Iterator[Request | Wallpaper]:
        """Yield the request for the next page first, so that pictures never wait for a listing."""
        found, repeated = self._books.enter(page)
        if position == self.first_position and page.drift:
            self._tell_drift(page.drift)
        ended = self._books.ends_with(position, page, found)
        self.send(
            signals.listing_page_read,
            rejected=page.rejected,
            repeated=repeated,
            expected=self._books.expected(ended=ended),
        )
        if ended:
            self._close_books(position, page)
        else:
            yield self.page_request(position.after(page))
        yield from found

    def page_failed(self, failure: Failure) -> None:
        """End the paging: the page did not come, and its retries are used up."""
        self.give_up(diagnosis.no_answer(failure, self.endpoint, self.instead))

    def give_up(self, message: str) -> None:
        """End the paging: the listing cannot be read to its end, which *message* explains."""
        self.send(signals.listing_failed, message=message)

    def send(self, signal: object, **about: Any) -> None:
        """Send *signal*, one of ``wallpapers.signals``."""
        self.crawler.signals.send_catch_log(signal, **about)

    def _redirected(self, response: Response, position: Position, hops: int) -> Request | None:
        """Follow a redirect that stays with the host of the endpoint (to https, say)."""
        target = diagnosis.location(response)
        if target is None or hops == MAX_HOPS or not diagnosis.stays_with_host(response, target):
            return None
        request = self.page_request(position)
        return request.replace(url=target, cb_kwargs={"position": position, "hops": hops + 1})

    def _read(self, response: Response) -> Page:
        if response.status in STATUSES:
            raise diagnosis.redirect(response)
        if response.status != 200:
            raise ListingError("an error")
        if TOO_LARGE in response.flags:
            raise ListingError(f"more than {MAX_PAGE_BYTES} bytes")
        page = self.read_page(response.body)
        for wallpaper in page.wallpapers:
            wallpaper.source = self.name
            wallpaper.listing = self.listing_name
        return page

    def _no_page(
        self, response: Response, position: Position, error: ListingError
    ) -> Iterator[Request]:
        """Ask once more, or otherwise, where that may help; else the listing has failed."""
        assert response.request is not None
        may_retry = self.settings.getbool("RETRY_ENABLED")
        if (
            isinstance(error, ListingCutError)
            and may_retry
            and (again := get_retry_request(response.request, spider=self, reason=str(error)))
        ):
            yield again
        elif not isinstance(error, ListingRefusedError) and self._may_ask_otherwise(position):
            self.logger.info("No page but %s: asking in another way", one_line(str(error)))
            yield self.page_request(position)
        else:
            self.give_up(diagnosis.no_page(response, error, self.endpoint, self.instead))

    def _may_ask_otherwise(self, position: Position) -> bool:
        return position == self.first_position and self.asks_otherwise()

    def _tell_drift(self, drift: Drift) -> None:
        level = logging.WARNING if drift.missing or drift.mistyped else logging.INFO
        self.logger.log(level, "The entries of the listing are not as they were: %s", drift)

    def _close_books(self, position: Position, page: Page) -> None:
        """Say how the listing ended: as it should, empty from the start, or short of its claim."""
        if self._books.are_empty and position == self.first_position:
            self.give_up(diagnosis.no_wallpaper(page, self.page_url(position), self.instead))
            return
        self.send(signals.listing_ended)
        claimed = self._books.claimed or 0
        if claimed > self._books.entries and not self._books.limit_is_reached:
            self.logger.warning(
                "The listing ended after %d entries, though it claimed %d%s",
                self._books.entries,
                claimed,
                f": it repeats itself from {self.max_offset} on" if self.max_offset else "",
            )
