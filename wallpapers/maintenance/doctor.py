"""Look at a page and a picture of a source, by its own spider, and keep nothing."""

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
from wallpapers.downloads.addresses import is_valid_address
from wallpapers.downloads.requests import picture_request
from wallpapers.errors import ListingError, ListingRefusedError, PictureRefusedError
from wallpapers.images import decoding, placeholders
from wallpapers.items import Wallpaper
from wallpapers.listings.page import Page, Position
from wallpapers.listings.text import one_line
from wallpapers.maintenance.doctor_report import CheckUp
from wallpapers.options.setting_values import positive
from wallpapers.spiders import diagnosis
from wallpapers.spiders.listing_spider import ListingSpider

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

# The picture of one wallpaper may be gone without its source being ill.
_MOST_WALLPAPERS = 3
_MOST_CANDIDATES = 3  # of each
_PICTURES_S = 10.0  # after which no other candidate is begun


class CheckedSpider(ListingSpider):
    """Mixed into a spider, it has it read its first page only, and note what it sees.

    How the source is asked (first visit, headers, other ways of asking, retries) stays the
    spider's.
    """

    def __init__(self, **given: str) -> None:
        super().__init__(**given)
        self._begun_s = monotonic()
        self.checkup = CheckUp(self.name, refusal="no verdict, see the log")
        self.interrupted = False

    def parse(
        self, response: Response, position: Position | None = None, hops: int = 0
    ) -> Iterator[Request | Wallpaper]:
        """Note that there is an answer, whatever it is."""
        self.checkup.answers = True
        yield from super().parse(response, position, hops)

    def page_came(self, page: Page, position: Position) -> Iterator[Request | Wallpaper]:
        """Yield the first wallpapers, and ask for no other page."""
        if not page.wallpapers:
            self.checkup.how, self.checkup.refusal = "empty", "no wallpaper"
            self.give_up(diagnosis.no_wallpaper(page, self.page_url(position), self.instead))
        yield from page.wallpapers[:_MOST_WALLPAPERS]

    def page_failed(self, failure: Failure) -> None:
        self.checkup.how = self.checkup.refusal = failures.explain(failure.value)[0]
        self.checkup.answers = self.checkup.how == "robots"
        super().page_failed(failure)

    def asks_otherwise(self) -> bool:
        changed = super().asks_otherwise()
        self.checkup.otherwise |= changed
        return changed

    def give_up(self, message: str) -> None:
        """Note the line that would end a crawl."""
        self.checkup.advice = message

    def closed(self, reason: str) -> None:
        """Note the end; called by Scrapy."""
        self.interrupted = reason == "shutdown"
        self.checkup.seconds = monotonic() - self._begun_s

    def _read(self, response: Response) -> Page:
        checkup = self.checkup
        try:
            page = super()._read(response)
        except ListingError as error:
            checkup.how = _how(response, error)
            said = one_line(str(error))
            checkup.refusal = f"HTML: {said}" if checkup.how == "HTML" else said
            raise
        checkup.how = checkup.refusal = ""
        checkup.entries = page.entries
        # Where it is asked otherwise, the first answer is the one that says why.
        checkup.drift = checkup.drift or page.drift
        return page


def _how(response: Response, error: ListingError) -> str:
    """Return a word for what came in place of a page."""
    if isinstance(error, ListingRefusedError):
        return error.how
    if response.status != 200:
        return f"http_{response.status}"
    return "HTML" if response.body.lstrip()[:1] == b"<" else "other"


class PictureExaminer:
    """In place of the pipelines: looks at pictures in memory until one is good.

    Settings: WALLPAPERS_MAX_PIXELS, WALLPAPERS_PLACEHOLDERS.
    """

    def __init__(self, crawler: Crawler, max_pixels: int, known: frozenset[str]) -> None:
        self._crawler = crawler
        self._max_pixels = max_pixels
        self._placeholders = known
        self._one_at_a_time = asyncio.Lock()
        self._begun_s: float | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        settings = crawler.settings
        max_pixels = int(positive(settings, "WALLPAPERS_MAX_PIXELS"))
        return cls(crawler, max_pixels, frozenset(settings.getlist("WALLPAPERS_PLACEHOLDERS")))

    async def process_item(self, item: Wallpaper) -> Wallpaper:
        """Look at the wallpaper's candidates, best first, unless one was good already."""
        spider = self._crawler.spider
        assert isinstance(spider, CheckedSpider)
        checkup = spider.checkup
        async with self._one_at_a_time:
            self._begun_s = self._begun_s or monotonic()
            for url in item.image_urls[:_MOST_CANDIDATES]:
                if checkup.picture or monotonic() - self._begun_s > _PICTURES_S:
                    break
                try:
                    checkup.picture = await self._look_at(url, item, spider)
                except PictureRefusedError as refusal:
                    checkup.no_picture = checkup.no_picture or one_line(str(refusal))
        return item

    async def _look_at(self, url: str, wallpaper: Wallpaper, spider: CheckedSpider) -> str:
        """Return what the picture at *url* is. Raises PictureRefusedError."""
        if not is_valid_address(url):
            raise PictureRefusedError("bad_url", "no http(s) address without user part")
        preview = url in wallpaper.previews
        request = picture_request(url, spider.picture_referer(url), preview=preview)
        request.meta["dont_retry"] = True
        try:
            response = await self._crawler.engine.download_async(request)
        except Exception as error:  # Scrapy's, Twisted's, a middleware's
            raise PictureRefusedError(failures.explain(error)[0]) from error
        if response.status != 200:
            raise PictureRefusedError(f"http_{response.status}")
        claimed = 0 if preview else wallpaper.width * wallpaper.height
        picture = await asyncio.to_thread(self._examine, response.body, claimed)
        said = f"{picture.format} {picture.width}x{picture.height}"
        return f"{said} (preview)" if preview else said

    def _examine(self, body: bytes, claimed_pixels: int) -> decoding.Picture:
        picture = decoding.examine(body, max_pixels=self._max_pixels, check="strict")
        placeholders.check(
            body,
            picture.width,
            picture.height,
            claimed_pixels=claimed_pixels,
            known=self._placeholders,
        )
        return picture


# A person waits: a host that is away is told within some fifteen seconds. -s changes these.
QUICK: dict[str, Any] = {
    "LOG_LEVEL": "WARNING",
    "RETRY_TIMES": 1,
    "DOWNLOAD_TIMEOUT": 30,
    "WALLPAPERS_IDLE_TIMEOUT": 5,
    "WALLPAPERS_PATIENCE_BACKOFF": 0.5,
    "WALLPAPERS_PATIENCE_MAX_WAIT": 2,
    "WALLPAPERS_PATIENCE_OUTAGE": 5,
}
# Nothing changes these: nothing is stored, and what is seen is what the source says now.
KEEPS_NOTHING: dict[str, Any] = {
    "ITEM_PIPELINES": {PictureExaminer: 0},
    "EXTENSIONS": {FeedExporter: None},
    "FEEDS": {},
    "JOBDIR": None,
    "HTTPCACHE_ENABLED": False,
}
