"""Is a source well? One page, one picture, nothing stored: what ``scrapy doctor`` does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from scrapy import Request
from scrapy.http import Response
from twisted.python.failure import Failure

from wallpapers import imaging, placeholders
from wallpapers.downloads import reasons
from wallpapers.downloads.addresses import is_askable
from wallpapers.errors import ListingError, PictureRefusedError
from wallpapers.items import Wallpaper
from wallpapers.listings.drift import Drift
from wallpapers.listings.page import Page, Position
from wallpapers.listings.text import one_line
from wallpapers.spiders import diagnosis
from wallpapers.spiders.listing_spider import ListingSpider

_MOST_CANDIDATES = 3  # of one wallpaper: hosts that a listing names die


@dataclass
class CheckUp:
    """What one source answered; texts are one line each."""

    source: str
    answers: bool = False  # with anything at all
    refusal: str = ""  # what came in place of a page, or why nothing came
    entries: int = 0
    drift: Drift = field(default_factory=Drift)
    picture: str = ""  # what the picture is, where it was served
    no_picture: str = ""  # why not
    seconds: float = 0.0
    advice: str = ""

    @property
    def answers_well(self) -> bool:
        """Does it list wallpapers, and are its pictures served?"""
        return not self.refusal and bool(self.picture)

    def row(self) -> tuple[str, ...]:
        """Return the cells of a table, as in COLUMNS."""
        return (
            self.source,
            "yes" if self.answers else "no",
            self.refusal or "yes",
            f"{self.entries:,}",
            str(self.drift) or "none",
            self.picture or self.no_picture or "not asked for",
            f"{self.seconds:.1f} s",
        )


COLUMNS = ("source", "answers", "speaks its protocol", "entries", "drift", "picture", "time")


class CheckedSpider(ListingSpider):
    """Mixed into a spider, it has it ask for one page and one picture, and tell of both."""

    checkup: CheckUp

    async def start(self) -> AsyncIterator[Any]:
        """Begin as the source wants it: with a first visit, if need be."""
        self._begun_s = monotonic()
        async for request in super().start():
            yield request

    def parse(
        self, response: Response, position: Position, hops: int = 0
    ) -> Iterator[Request | Wallpaper]:
        """Note that there is an answer, whatever it is."""
        self.checkup.answers = True
        yield from super().parse(response, position, hops)

    def page_came(self, page: Page, position: Position) -> Iterator[Request | Wallpaper]:
        """Look at the page, and ask for the first picture that it names."""
        checkup = self.checkup
        checkup.refusal, checkup.entries, checkup.drift = "", page.entries, page.drift
        if not page.wallpapers:
            checkup.refusal = "no wallpaper"
            checkup.advice = diagnosis.no_wallpaper(page, self.page_url(position), self.instead)
        else:
            yield from self._ask_for_picture(page.wallpapers[0])
        self._note_time()

    def page_failed(self, failure: Failure) -> None:
        self.checkup.refusal = reasons.explain(failure.value)[0]
        self.checkup.advice = diagnosis.no_answer(failure, self.endpoint, self.instead)
        self._note_time()

    def _no_page(
        self, response: Response, position: Position, error: ListingError
    ) -> Iterator[Request]:
        self.checkup.refusal = one_line(str(error))
        self.checkup.advice = diagnosis.no_page(response, error, self.endpoint, self.instead)
        yield from super()._no_page(response, position, error)
        self._note_time()

    def _ask_for_picture(self, wallpaper: Wallpaper, number: int = 0) -> Iterator[Request]:
        candidates = [url for url in wallpaper.image_urls if is_askable(url)][:_MOST_CANDIDATES]
        if number == len(candidates):
            self.checkup.no_picture = self.checkup.no_picture or "no address that can be asked for"
            return
        url = candidates[number]
        referer = self.picture_referer(url)
        yield Request(
            url,
            headers={"Accept": "image/*", "Accept-Encoding": "identity"}
            | ({"Referer": referer} if referer else {}),
            callback=self.picture_came,
            errback=self.picture_failed,
            cb_kwargs={"wallpaper": wallpaper, "number": number},
            dont_filter=True,
            meta={"handle_httpstatus_all": True},
        )

    async def picture_came(
        self, response: Response, wallpaper: Wallpaper, number: int
    ) -> AsyncIterator[Request]:
        """Look at the picture as a crawl would; if it is none, ask for the next candidate."""
        try:
            self.checkup.picture = await asyncio.to_thread(self._looked_at, response, wallpaper)
        except PictureRefusedError as refusal:
            for request in self._no_picture(str(refusal), wallpaper, number):
                yield request
        self._note_time()

    def picture_failed(self, failure: Failure) -> Iterator[Request]:
        """Ask for the next candidate."""
        asked = failure.request.cb_kwargs  # type: ignore[attr-defined]
        reason = reasons.explain(failure.value)[0]
        yield from self._no_picture(reason, asked["wallpaper"], asked["number"])
        self._note_time()

    def _no_picture(self, why: str, wallpaper: Wallpaper, number: int) -> Iterator[Request]:
        self.checkup.no_picture = self.checkup.no_picture or why
        yield from self._ask_for_picture(wallpaper, number + 1)

    def _looked_at(self, response: Response, wallpaper: Wallpaper) -> str:
        if response.status != 200:
            raise PictureRefusedError(f"http_{response.status}")
        most = self.settings.getint("WALLPAPERS_MAX_PIXELS")
        picture = imaging.examine(response.body, max_pixels=most)
        placeholders.check(
            response.body,
            picture.width,
            picture.height,
            claimed_pixels=wallpaper.width * wallpaper.height,
            known=self.settings.getlist("WALLPAPERS_PLACEHOLDERS"),
        )
        return f"{picture.format} {picture.width}x{picture.height}"

    def _note_time(self) -> None:
        self.checkup.seconds = monotonic() - self._begun_s


def table(checkups: list[CheckUp]) -> str:
    """Return a table of all, and below it a line of advice for each that is not well."""
    rows = [COLUMNS, *(checkup.row() for checkup in checkups)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, *(advice for checkup in checkups for advice in advices(checkup))])


def advices(checkup: CheckUp) -> Iterator[str]:
    """Yield what to do about a source that is not well."""
    if checkup.refusal:
        yield f"{checkup.source}: {checkup.advice or 'nothing came within the time'}"
    elif not checkup.answers_well:
        yield (
            f"{checkup.source}: its first picture could not be had ({checkup.no_picture}); if a "
            "crawl fails alike, its host wants something else by now: look at it in a browser"
        )
    if checkup.drift:
        yield (
            f"{checkup.source}: its entries are not as they were ({checkup.drift}); what is new "
            "does no harm, what is missing may: look for a newer version of wallpapers"
        )
