"""Check a source with its own spider: request a page and an image, and store nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from scrapy import Request
from scrapy.extensions.feedexport import FeedExporter
from scrapy.http import Response
from twisted.python.failure import Failure

from wallpapers.downloads import failures
from wallpapers.downloads.addresses import NOT_VALID, is_valid_address
from wallpapers.downloads.requests import picture_request
from wallpapers.errors import ListingError, ListingRefusedError, PictureRefusedError
from wallpapers.images import decoding, formats, placeholders
from wallpapers.items import Wallpaper
from wallpapers.listings.page import Page, Position
from wallpapers.listings.text import one_line
from wallpapers.maintenance.doctor_report import SourceReport
from wallpapers.options.setting_values import positive
from wallpapers.run.explanation import Explanation
from wallpapers.spiders import diagnosis
from wallpapers.spiders.listing_spider import ListingSpider

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

# One missing image does not mean that the source does not work.
_MAX_WALLPAPERS = 3
_MAX_CANDIDATES = 3  # per wallpaper
_PICTURES_S = 10.0  # no further candidate is requested after this time


class CheckedSpider(ListingSpider):
    """A mixin that makes a spider read only the first page and fill in a ``SourceReport``.

    The requests are those of the spider: home page, headers, protocols, retries.
    """

    def __init__(self, **given: str) -> None:
        super().__init__(**given)
        self._started_s = monotonic()
        self.report = SourceReport(self.name, problem_detail="no result; see the log")
        self.interrupted = False

    def parse(
        self, response: Response, position: Position | None = None, hops: int = 0
    ) -> Iterator[Request | Wallpaper]:
        """Record that there is a response, whatever it is."""
        self.report.answers = True
        yield from super().parse(response, position, hops)

    def process_page(self, page: Page, position: Position) -> Iterator[Request | Wallpaper]:
        """Yield the first wallpapers, and do not request another page."""
        if not page.wallpapers:
            self.report.problem, self.report.problem_detail = "empty", "no wallpaper"
            self.fail_listing(diagnosis.no_wallpapers_found(page, self.page_url(position)))
        yield from page.wallpapers[:_MAX_WALLPAPERS]

    def next_listing(self) -> Iterator[Request]:
        """Request nothing more: one listing shows whether the source works."""
        return iter(())

    def page_failed(self, failure: Failure) -> Iterator[Request]:
        self.report.problem = self.report.problem_detail = failures.explain(failure.value)[0]
        self.report.answers = self.report.problem == "robots"
        return super().page_failed(failure)

    def switch_protocol(self) -> bool:
        switched = super().switch_protocol()
        self.report.other_protocol |= switched
        return switched

    def fail_listing(self, message: str, *, refused: bool = False, suggest: bool = True) -> None:
        """Record the message with which a crawl would fail."""
        command = self.suggested_command if suggest else ""
        self.report.advice = str(Explanation(message, "or try", command))

    def closed(self, reason: str) -> None:
        """Record the end of the run; called by Scrapy."""
        self.interrupted = reason == "shutdown"
        self.report.seconds = monotonic() - self._started_s

    def _read(self, response: Response) -> Page:
        report = self.report
        try:
            page = super()._read(response)
        except ListingError as error:
            report.problem = _problem(response, error)
            message = one_line(str(error))
            is_html = report.problem == "HTML"
            report.problem_detail = f"HTML: {message}" if is_html else message
            raise
        report.problem = report.problem_detail = ""
        report.entries = page.entries
        # After a switch of the protocol, the drift of the first page explains the switch.
        report.drift = report.drift or page.drift
        return page


def _problem(response: Response, error: ListingError) -> str:
    """Return a keyword for a response that is not a page."""
    if isinstance(error, ListingRefusedError):
        return error.how
    if response.status != 200:
        return f"http_{response.status}"
    return "HTML" if response.body.lstrip()[:1] == b"<" else "other"


class PictureExaminer:
    """A pipeline, in place of all others, that inspects images in memory until one is good.

    Settings: WALLPAPERS_MAX_PIXELS, WALLPAPERS_PLACEHOLDERS.
    """

    def __init__(
        self, crawler: Crawler, max_pixels: int, placeholder_hashes: frozenset[str]
    ) -> None:
        self._crawler = crawler
        self._max_pixels = max_pixels
        self._placeholder_hashes = placeholder_hashes
        self._lock = asyncio.Lock()
        self._started_s: float | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        settings = crawler.settings
        max_pixels = int(positive(settings, "WALLPAPERS_MAX_PIXELS"))
        return cls(crawler, max_pixels, frozenset(settings.getlist("WALLPAPERS_PLACEHOLDERS")))

    async def process_item(self, item: Wallpaper) -> Wallpaper:
        """Inspect the candidates of *item* in order, unless a good image was found before."""
        spider = self._crawler.spider
        assert isinstance(spider, CheckedSpider)
        report = spider.report
        async with self._lock:
            self._started_s = self._started_s or monotonic()
            for url in item.image_urls[:_MAX_CANDIDATES]:
                if report.picture or monotonic() - self._started_s > _PICTURES_S:
                    break
                try:
                    report.picture = await self._inspect(url, item, spider)
                except PictureRefusedError as refusal:
                    report.picture_error = report.picture_error or one_line(str(refusal))
        return item

    async def _inspect(self, url: str, wallpaper: Wallpaper, spider: CheckedSpider) -> str:
        """Return format and size of the image at *url*. Raises PictureRefusedError."""
        if not is_valid_address(url):
            raise PictureRefusedError("bad_url", NOT_VALID)
        preview = url in wallpaper.previews
        request = picture_request(url, spider.picture_referer(url), preview=preview)
        request.meta["dont_retry"] = True
        try:
            response = await self._crawler.engine.download_async(request)
        except Exception as error:  # raised by Scrapy, Twisted or a middleware
            raise PictureRefusedError(failures.explain(error)[0]) from error
        if response.status != 200:
            raise PictureRefusedError(f"http_{response.status}")
        claimed = 0 if preview else wallpaper.width * wallpaper.height
        picture = await asyncio.to_thread(self._examine, response.body, claimed)
        description = f"{picture.format} {picture.width}x{picture.height}"
        return f"{description} (preview)" if preview else description

    def _examine(self, body: bytes, claimed_pixels: int) -> formats.Picture:
        picture = decoding.examine(body, max_pixels=self._max_pixels, check="strict")
        placeholders.check(
            body,
            picture.width,
            picture.height,
            claimed_pixels=claimed_pixels,
            known=self._placeholder_hashes,
        )
        return picture


# A user waits for the result: a host that does not respond is reported in about 15 s.
# -s overrides these settings.
QUICK_SETTINGS: dict[str, Any] = {
    "LOG_LEVEL": "WARNING",
    "RETRY_TIMES": 1,
    "DOWNLOAD_TIMEOUT": 30,
    "WALLPAPERS_IDLE_TIMEOUT": 5,
    "WALLPAPERS_PATIENCE_BACKOFF": 0.5,
    "WALLPAPERS_PATIENCE_MAX_WAIT": 2,
    "WALLPAPERS_PATIENCE_OUTAGE": 5,
}
# Store nothing and bypass caches. Nothing overrides these settings.
STORE_NOTHING_SETTINGS: dict[str, Any] = {
    "ITEM_PIPELINES": {PictureExaminer: 0},
    "EXTENSIONS": {FeedExporter: None},
    "FEEDS": {},
    "JOBDIR": None,
    "HTTPCACHE_ENABLED": False,
}
