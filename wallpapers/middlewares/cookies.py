"""Handle cookies as Scrapy does, without downloading the list of public suffixes."""

from __future__ import annotations

import re

import scrapy
from scrapy import Request, Spider
from scrapy.downloadermiddlewares import cookies
from scrapy.http import Response
from tldextract import TLDExtract

if not hasattr(cookies, "_split_domain"):
    raise ImportError(
        f"Scrapy {scrapy.__version__} not supported: scrapy.downloadermiddlewares.cookies has no "
        "_split_domain; install the version of Scrapy in requirements.txt"
    )
# Scrapy's function downloads the list of public suffixes at the first cookie. This blocks the
# reactor, and it uses another HTTP client, without our address guard. The list that is included in
# tldextract is sufficient.
cookies._split_domain = TLDExtract(
    suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True
)
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class OfflineCookiesMiddleware(cookies.CookiesMiddleware):
    """Scrapy's CookiesMiddleware with a bundled list of public suffixes."""

    def process_response(
        self, request: Request, response: Response, spider: Spider | None = None
    ) -> Request | Response:
        """Store the cookies of *response* that have no control characters (RFC 6265bis, 5.6).

        aiohttp raises an exception for a request with such a cookie.
        """
        received = response.headers.getlist("Set-Cookie")
        valid = [cookie for cookie in received if not _CONTROL.search(cookie)]
        if len(valid) == len(received):
            super().process_response(request, response)
        else:
            headers = response.headers.copy()
            headers.setlist("Set-Cookie", valid)
            super().process_response(request, response.replace(headers=headers))
        return response
