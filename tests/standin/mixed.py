"""A stand-in with many faults: one for each picture, and one for a page of the listing."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from tests.pictures import encoded, exhibit, noise
from tests.standin import picture_faults as faults
from tests.standin.picture_faults import FaultyPictures
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn

# What each fault is to be called.
REASONS: dict[type[FaultyPictures], str] = {
    faults.MissingPicture: "http_404",
    faults.ForbiddenPicture: "http_403",
    faults.LongErrorPage: "http_404",
    faults.HtmlPicture: "not_an_image",
    faults.SvgPicture: "format",
    faults.PictureCutByLength: "cut",
    faults.PictureCutInItself: "cut",
    faults.EmptyPicture: "empty",
    faults.PictureOfTooManyPixels: "too_many_pixels",
    faults.TinyPicture: "too_tiny",
    faults.BrokenPicture: "broken",
    faults.CirclingPicture: "redirect_loop",
    faults.RedirectToFile: "bad_url",
}
PAGE = 7  # wallpapers
LISTING_FAULTS = ("none", "fails once", "always fails", "not JSON", "repeats")


@dataclass(frozen=True)
class Mix:
    """What goes wrong in one run."""

    pictures: tuple[type[FaultyPictures] | None, ...]  # None = all is well with it
    twins: frozenset[int]  # numbers of wallpapers that share one picture
    listing: str  # one of LISTING_FAULTS
    page: int  # that has it

    @property
    def listing_fails(self) -> bool:
        """Return whether the listing is empty, or a page that is requested cannot be read."""
        broken = self.listing in ("always fails", "not JSON")
        return not self.pictures or (broken and self.page * PAGE <= len(self.pictures))


class Mixed(StandIn):
    """Serves a Mix, until it is healed."""

    def __init__(self, mix: Mix) -> None:
        shown = [
            exhibit(number, TWIN if number in mix.twins else None)
            for number in range(len(mix.pictures))
        ]
        super().__init__(shown)
        if mix.listing == "repeats" and len(shown) > PAGE:
            # They are entries as others are, and the offset counts them, too.
            self.exhibits = [*shown[:PAGE], *shown[: mix.page], *shown[PAGE:]]
        self._mix = mix
        self.healed = False

    async def listing(self, request: web.Request) -> web.StreamResponse:
        number = int(request.query["pn"]) // PAGE
        asked = sum(f"pn={request.query['pn']}&" in path for path in self.asked)
        if number == self._mix.page and not self.healed:
            if self._mix.listing == "always fails":
                raise web.HTTPServiceUnavailable
            if self._mix.listing == "not JSON":
                return web.Response(text="<html>go away</html>", content_type="text/html")
            if self._mix.listing == "fails once" and asked == 1:
                raise web.HTTPBadGateway
        return await super().listing(request)

    async def picture(self, request: web.Request, exhibit: Exhibit) -> web.StreamResponse:
        fault = self._mix.pictures[int(exhibit.title.split()[-1])]
        if fault is None or self.healed:
            return await super().picture(request, exhibit)
        if "fault" not in vars(fault):
            return web.Response(body=fault.content, content_type="image/jpeg")
        return await fault.fault(self, request)  # type: ignore[arg-type]


TWIN = encoded(noise(4_711))
