"""Describe a source: its arguments, the addresses of its pages, and how a page is parsed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import parse_qsl, urlsplit

from scrapy import Spider

from wallpapers.listings.page import Page, Position
from wallpapers.logs.masking import hide
from wallpapers.options import filters
from wallpapers.options.arguments import Argument, read_arguments, web_address, whole_number
from wallpapers.options.words import each_listing
from wallpapers.spiders.series import ListingArguments, Series

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class Source(Spider):
    """What distinguishes the spider of one source from that of another.

    A subclass declares its arguments in ``arguments`` (``limit``, ``endpoint`` and the filters are
    added) and implements ``page_url`` and ``read_page``. The arguments of the listing that is being
    read are attributes.
    """

    # What the source lists, whether it answers today, and arguments to start with (-a ...).
    summary: ClassVar[str] = ""
    answers: ClassVar[str] = ""
    example: ClassVar[str] = ""
    default_endpoint: ClassVar[str]
    arguments: ClassVar[dict[str, Argument]] = {}
    # The first of these arguments that is not empty becomes the name of the listing.
    named_by: ClassVar[tuple[str, ...]] = ()
    # The source repeats its results from this offset on; later pages are not requested.
    max_offset: ClassVar[int | None] = None
    # Request the home page first to get its cookies, unless COOKIES_ENABLED is off.
    visits_home: ClassVar[bool] = False
    current_protocol = ""  # in use, where the source has several

    limit: int
    reread_days: int
    endpoint: str
    # Filters for the images of the run, which some sources can apply themselves.
    wanted = filters.ImageFilters()

    def __init__(self, **given: str) -> None:
        super().__init__()
        self.given = given
        declared = {**self.arguments, **self.shared_arguments()}
        self.series = Series(
            ListingArguments(one, read_arguments(declared, one))
            for one in each_listing(declared, given)
        )
        self.begin_listing(self.series.next().values)
        # Mask values in the query of the endpoint that are long enough to be tokens.
        hide(value for _, value in parse_qsl(urlsplit(self.endpoint).query) if len(value) >= 8)

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.wanted = filters.ImageFilters.from_spider(spider, crawler.settings)
        return spider

    def begin_listing(self, arguments: Mapping[str, Any]) -> None:
        """Set the *arguments* of the listing that is read from now on."""
        for name, value in arguments.items():
            setattr(self, name, value)

    @classmethod
    def shared_arguments(cls) -> dict[str, Argument]:
        """Return the arguments that every source has."""
        return {
            **filters.ARGUMENTS,
            "limit": whole_number(0, 0).means("stop after this many wallpapers; 0 = all"),
            "reread_days": whole_number(0, 0, 36_500).means(
                "skip a listing that was read to its end in the last N days; 0 = read all"
            ),
            "endpoint": web_address(cls.default_endpoint).means("another address, same protocol"),
        }

    @property
    def listing_name(self) -> str:
        """The name of the listing within the source: the ``listing`` of its wallpapers."""
        values = (getattr(self, argument) for argument in self.named_by)
        return next(filter(None, values), self.name)

    @property
    def first_position(self) -> Position:
        """The position of the first page to request."""
        return Position()

    @abstractmethod
    def page_url(self, position: Position) -> str:
        """Return the address of the page that starts at *position*."""

    @abstractmethod
    def read_page(self, body: bytes) -> Page:
        """Parse a page. Raises ListingError if *body* is not a page."""

    @property
    def headers(self) -> dict[str, str]:
        """The headers of page requests, in addition to DEFAULT_REQUEST_HEADERS."""
        return {}

    @property
    def repeatable_arguments(self) -> dict[str, str]:
        """The given arguments that every source has, for suggesting another source."""
        shared = self.shared_arguments().keys() - {"endpoint"}
        return {name: value for name, value in self.given.items() if name in shared}

    @property
    def retry_words(self) -> tuple[str, ...]:
        """The words of the command that tries again what failed in this run."""
        return "retry", self.name

    @property
    def suggested_command(self) -> str:
        """A shell command to suggest if the listing cannot be read, or an empty string."""
        return ""

    @property
    def referer(self) -> str:
        """The origin of the endpoint, which image hosts expect as Referer."""
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{parts.netloc}/"

    def picture_referer(self, url: str) -> str:
        """Return the Referer for requesting the image at *url*."""
        return self.referer

    def switch_protocol(self) -> bool:
        """Switch to another protocol of the source; return False if there is none left.

        Called if the response to the first page contains no wallpapers.
        """
        return False
