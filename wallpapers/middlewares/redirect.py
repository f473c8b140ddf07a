"""Follow redirects to http(s) addresses, up to a limit, and keep the Referer."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from scrapy import Spider
from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
from scrapy.http import Request, Response

from wallpapers.downloads.addresses import NOT_VALID, is_valid_address
from wallpapers.downloads.errors import RedirectLoopError, RedirectRefusedError

STATUSES = (301, 302, 303, 307, 308)

# http:user:pw@host, http:/user:pw@host, ///user:pw@host: clients disagree about the host, and
# urljoin would make user and password a path.
_MALFORMED = re.compile(r"\s*(?:https?:(?!//[^/\\])|//[/\\])", re.IGNORECASE)


class PictureRedirectMiddleware(RedirectMiddleware):
    """Scrapy's RedirectMiddleware with a separate exception for each reason.

    Scrapy raises the same IgnoreRequest for every reason, returns a redirect to ``file:`` as a
    response, and removes a Referer header that image hosts require.
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
        """Keep the Referer, which is the origin of the listing for every redirect."""


def _refusal(url: str, location: str) -> str:
    """Return why *location* must not be followed, or "" if it may be."""
    try:
        target = urljoin(url, location)
    except ValueError:
        target = ""
    if _MALFORMED.match(location) or not is_valid_address(target):
        return f"redirect to an address that is {NOT_VALID}"
    if url.startswith("https:") and urlsplit(target).scheme == "http":
        return "redirect from https to http"
    return ""
