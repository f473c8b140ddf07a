"""Follow redirects of pictures: to http(s) only, not for ever, and with their Referer."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from scrapy import Spider
from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
from scrapy.http import Request, Response

from wallpapers.downloads.addresses import is_askable
from wallpapers.downloads.errors import RedirectLoopError, RedirectRefusedError

STATUSES = (301, 302, 303, 307, 308)


class PictureRedirectMiddleware(RedirectMiddleware):
    """Scrapy's redirects, except that each end of a chain is told apart by its exception.

    Scrapy raises the same IgnoreRequest for every reason, returns a redirect to ``file:`` as if it
    were an answer, and takes away a Referer that was set by hand: picture hosts want to see it.
    """

    def process_response(
        self, request: Request, response: Response, spider: Spider | None = None
    ) -> Request | Response:
        location = (response.headers.get("Location") or b"").decode("latin-1")
        follows = not request.meta.get("handle_httpstatus_all")
        if follows and location and response.status in STATUSES:
            if refusal := _refusal(request.url, location):
                raise RedirectRefusedError(refusal)
            if request.meta.get("redirect_times", 0) >= self.max_redirect_times:
                raise RedirectLoopError(f"more than {self.max_redirect_times} redirects")
        return super().process_response(request, response)

    def handle_referer(self, request: Request, response: Response) -> None:
        """Keep the Referer: it is the origin of the listing, the same for every hop."""


def _refusal(url: str, location: str) -> str:
    """Return why *location* must not be followed, or "" where it may be."""
    try:
        target = urljoin(url, location)
    except ValueError:
        target = ""
    if not is_askable(target):
        return "a redirect to no http(s) address without credentials"
    if url.startswith("https:") and urlsplit(target).scheme == "http":
        return "a redirect from https to http"
    return ""
