"""Keep cookies as Scrapy does, without asking another server whose they may be."""

from __future__ import annotations

import re

from scrapy import Request, Spider
from scrapy.downloadermiddlewares import cookies
from scrapy.http import Response
from tldextract import TLDExtract

# Scrapy's fetches the list of public suffixes at the first cookie: blocking the reactor, with
# another client, past the guard of ours. The copy that tldextract brings along is good enough.
cookies._split_domain = TLDExtract(
    suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True
)
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class OfflineCookiesMiddleware(cookies.CookiesMiddleware):
    """Scrapy's, named here so that the settings say that it is not quite Scrapy's any more."""

    def process_response(
        self, request: Request, response: Response, spider: Spider | None = None
    ) -> Request | Response:
        """Keep the cookies of *response*, except those with a control character (RFC 6265bis, 5.6).

        A client that sent one back would be refused by its own HTTP library.
        """
        given = response.headers.getlist("Set-Cookie")
        fit = [cookie for cookie in given if not _CONTROL.search(cookie)]
        if len(fit) == len(given):
            super().process_response(request, response)
        else:
            headers = response.headers.copy()
            headers.setlist("Set-Cookie", fit)
            super().process_response(request, response.replace(headers=headers))
        return response
